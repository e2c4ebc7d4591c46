// SPDX-License-Identifier: Apache-2.0
// Checks any arrays as a file of golden vectors, on the reference: whatever they are, the answer is a list of results
// or a data_error that names the file. The archive around them is npz.cpp's matter, and its checksums would stop every
// mutation here, so the input is a list of arrays: length of the name, name, type, rank, 16-bit extents, elements.
#include "tessera/network/golden.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tessera/kernel/divide/reference.hpp"
#include "tessera/kernel/encoder/reference.hpp"
#include "tessera/kernel/mean/reference.hpp"
#include "tessera/network/golden_ibert.hpp"
#include "tessera/network/golden_ibert_layer.hpp"
#include "tessera/network/golden_ita.hpp"
#include "tessera/network/golden_quantlib.hpp"
#include "tessera/network/npz_writer.hpp"

using namespace tessera;

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void check(const npz_file& file, golden_report& report) {
  using targets = type_list<target::reference>;
  const golden_schema schema = recognise_golden(file);
  golden_input in(file);
  switch (schema) {
    case golden_schema::unknown: return;
    case golden_schema::ita_mha:
    case golden_schema::ita_requant:
    case golden_schema::ita_activation:
    case golden_schema::ita_softmax: return check_golden_ita(schema, in, report, targets{});
    case golden_schema::quantlib_ops:
    case golden_schema::deeploy_c_ops: return check_golden_quantlib(schema, in, report, targets{});
    case golden_schema::ibert_ops: return check_golden_ibert(in, report, targets{});
    case golden_schema::ibert_layer: return check_golden_ibert_layer(in, report, targets{});
  }
}

/// Takes the input apart; zeros when it has ended.
class reader {
 public:
  reader(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }
  std::size_t byte() { return bytes(1)[0]; }
  std::vector<std::uint8_t> bytes(std::size_t count) {
    std::vector<std::uint8_t> result(count);
    const std::size_t there = std::min(count, rest_.size());
    std::copy_n(rest_.begin(), there, result.begin());
    rest_ = rest_.subspan(there);
    return result;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

/// At most 16,384 elements in all: a product of three small extents already takes long.
std::vector<std::byte> archive(reader in) {
  constexpr dtype types[] = {dtype::i8,  dtype::i16, dtype::i32, dtype::i64, dtype::u8,  dtype::u16,
                             dtype::u32, dtype::u64, dtype::f32, dtype::f64, dtype::f16, dtype::boolean};
  npz_writer writer(npz_compression::stored);
  std::set<std::string> names;
  std::size_t elements = 0;
  while (!in.empty()) {
    const auto key = in.bytes(in.byte());
    const std::string name(key.begin(), key.end());
    const dtype type = types[in.byte() % std::size(types)];
    std::vector<index_t> shape(in.byte() % 6);
    std::size_t count = 1;
    for (index_t& extent : shape) {
      const std::size_t low = in.byte();
      extent = static_cast<index_t>((low | in.byte() << 8) & 0x3fff);
      count = std::min<std::size_t>(count * static_cast<std::size_t>(extent), 1 << 20);
    }
    elements += count;
    if (elements > 16384) break;
    auto data = in.bytes(count * static_cast<std::size_t>(size_of(type)));
    if (type == dtype::boolean) {
      for (auto& b : data) b &= 1;
    }
    if (!names.insert(name).second) continue;
    writer.add(tensor_ref{"input", name, type, shape, std::as_bytes(std::span(data))});
  }
  return writer.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  golden_report report({"reference"});
  report.begin_file("input");
  try {
    const std::vector<std::byte> bytes = archive({data, size});
    check(npz_file::from_bytes("input", bytes), report);
  } catch (const data_error& error) {
    require(error.file() == "input" && error.what()[0] != '\0', error.what());
  }
  for (const auto& r : report.results()) {
    require(!r.name.empty() && r.file == "input", "a result does not say what it is about");
    require(r.at.empty() == (r.differences == 0), "a difference without its place");
  }
  return 0;
}
