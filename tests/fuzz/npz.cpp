// SPDX-License-Identifier: Apache-2.0
// Reads any bytes as a .npz and as a .npy; what can be read is converted, written and read again.
#include "tessera/network/npz.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "tessera/network/npz_writer.hpp"

using namespace tessera;

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

bool same(const npy_array& a, const npy_array& b) {
  return a.type == b.type && a.shape == b.shape && a.bytes == b.bytes;
}

/// Values may be refused, but not lost: what converts to int64 converts to the same double where both exist.
void convert(const npy_array& array) {
  try {
    const auto integers = array.to<int64_t>();
    const auto reals = array.to<double>();
    for (std::size_t i = 0; i < reals.size(); ++i) {
      require(static_cast<int64_t>(reals[i]) == integers[i], "two conversions of a value differ");
    }
  } catch (const data_error&) {
  }
  try {
    (void)array.to<float>();
    (void)array.scalar<uint8_t>();
  } catch (const data_error&) {
  }
}

void write_again(const npy_array& array, npz_compression compression) {
  npz_writer writer(compression);
  writer.add(array.ref());
  const auto bytes = writer.bytes();
  const auto file = npz_file::from_bytes("again", bytes);
  require(file.contains(array.name) && same(file.array(array.name), array), "what was written reads differently");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto array = read_npy("input", bytes);
    convert(array);
  } catch (const data_error&) {
  }
  try {
    const auto file = npz_file::from_bytes("input", bytes);
    for (const auto& name : file.names()) {
      try {
        const auto array = file.array(name);
        require(array.count() * size_of(array.type) == static_cast<index_t>(array.bytes.size()), "count() is wrong");
        convert(array);
        if (name.size() + 4 > 0xffff) continue;  // a name without ".npy" gets it here, and may become too long
        write_again(array, npz_compression::stored);
        write_again(array, npz_compression::deflated);
      } catch (const data_error& error) {
        require(error.what()[0] != '\0' && error.file() == "input", error.what());
      }
    }
  } catch (const data_error& error) {
    require(error.file() == "input", error.what());
  }
  return 0;
}
