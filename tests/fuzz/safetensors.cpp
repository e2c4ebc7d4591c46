// SPDX-License-Identifier: Apache-2.0
// Reads any bytes as a safetensors file; what can be read is converted, written and read again.
#include "tessera/network/safetensors.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "tessera/network/safetensors_writer.hpp"

using namespace tessera;

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void convert(const tensor_ref& tensor) {
  try {
    (void)tensor.to<double>();
    (void)tensor.to<float>();
    (void)tensor.to<int8_t>();
  } catch (const data_error&) {
  }
  visit_dtype(tensor.type, [&]<class T>(T) {
    try {
      require(static_cast<index_t>(tensor.as<T>().size()) == tensor.count(), "as() and count() differ");
    } catch (const data_error&) {  // not aligned, or not a boolean
    }
  });
}

void write_again(const safetensors_file& file) {
  safetensors_writer writer;
  for (const auto& [key, value] : file.metadata()) writer.add_metadata(key, value);
  for (const auto& name : file.names()) writer.add(file.tensor(name));
  const auto bytes = writer.bytes();
  const auto again = safetensors_file::from_bytes("again", bytes);
  require(again.metadata() == file.metadata() && again.names().size() == file.names().size(), "something is lost");
  for (const auto& name : file.names()) {
    const auto a = file.tensor(name), b = again.tensor(name);
    require(a.type == b.type && std::ranges::equal(a.shape, b.shape) && std::ranges::equal(a.bytes, b.bytes),
            "what was written reads differently");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = safetensors_file::from_bytes("input", std::as_bytes(std::span(data, size)));
    for (const auto& name : file.names()) convert(file.tensor(name));
    write_again(file);
  } catch (const data_error& error) {
    require(error.file() == "input", error.what());
  }
  return 0;
}
