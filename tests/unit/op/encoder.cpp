// SPDX-License-Identifier: Apache-2.0
// Attention and the encoder layer: targets agree in every flow, masks keep padding out, statuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "support/random_encoder.hpp"
#include "tessera/kernel/encoder/xsimd.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;
using tessera::testing::random_encoder_layer;

namespace {

struct alignas(scratch_alignment) block {
  std::byte bytes[scratch_alignment];
};

/// Scratch with a block behind it that must stay untouched.
class guarded_scratch {
 public:
  explicit guarded_scratch(index_t bytes)
      : bytes_(bytes), blocks_(static_cast<std::size_t>(ceil_div(bytes, scratch_alignment) + 1)) {
    std::fill(end(), blocks_.data()->bytes + blocks_.size() * sizeof(block), std::byte{0x5a});
  }
  scratch_span span() { return {blocks_.data(), bytes_}; }
  bool intact() {
    return std::all_of(end(), blocks_.data()->bytes + blocks_.size() * sizeof(block),
                       [](std::byte b) { return b == std::byte{0x5a}; });
  }

 private:
  std::byte* end() { return blocks_.data()->bytes + bytes_; }
  index_t bytes_;
  std::vector<block> blocks_;
};

template <class T, class Flow, class Shape>
std::vector<std::int8_t> run(const Shape& shape, random_encoder_layer<Flow>& layer, const std::vector<std::int8_t>& x,
                             index_t batch, const std::uint8_t* keep) {
  const index_t rows = static_cast<index_t>(x.size()) / shape.hidden;
  guarded_scratch scratch(op::encoder_layer_scratch_bytes(shape, batch, rows / batch));
  std::vector<std::int8_t> y(x.size());
  const status s = op::encoder_layer<T>(shape, matrix(x.data(), rows, shape.hidden), batch, keep, layer.params,
                                        layer.output_act, scratch.span(), matrix(y.data(), rows, shape.hidden));
  REQUIRE(s == status::ok);
  CHECK(scratch.intact());
  return y;
}

}  // namespace

TEST_CASE_TEMPLATE("encoder_layer/ibert/host equals reference", Flow, ibert::huggingface_flow, ibert::authors_flow,
                   ibert::corrected_flow) {
  struct shape_case {
    index_t hidden, heads, intermediate, batch, sequence;
  };
  for (const auto& shape :
       {shape_case{128, 4, 512, 2, 32}, {24, 3, 20, 3, 7}, {4, 1, 4, 1, 1}, {66, 2, 131, 1, 35}, {64, 4, 64, 2, 65}}) {
    const index_t c = shape.hidden;
    const index_t b = shape.batch;
    const index_t s = shape.sequence;
    random_encoder_layer<Flow> layer(c, shape.heads, shape.intermediate, 7);
    CAPTURE(c);
    CAPTURE(s);
    const auto x = layer.input(b * s);
    std::vector<std::uint8_t> keep(static_cast<std::size_t>(b * s), 1);
    for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = i % static_cast<std::size_t>(s) == 0 || i % 5 != 0;
    const auto reference = run<target::reference>(layer.shape, layer, x, b, keep.data());
    CHECK(run<target::host>(layer.shape, layer, x, b, keep.data()) == reference);
    CHECK(run<target::host>(layer.shape, layer, x, b, nullptr) ==
          run<target::reference>(layer.shape, layer, x, b, nullptr));
    // The output is not a constant: the random scales are plausible.
    CHECK(*std::max_element(reference.begin(), reference.end()) > 20);
    CHECK(*std::min_element(reference.begin(), reference.end()) < -20);
  }
}

TEST_CASE("encoder_layer/ibert static extents compute the same") {
  random_encoder_layer<ibert::huggingface_flow> layer(128, 4, 512, 11);
  const auto x = layer.input(9);
  const encoder_shape<128, 4, 512> fixed;
  static_assert(op::encoder_layer_scratch_bytes(encoder_shape<128, 4, 512>{}, 1, 9) > 0);
  CHECK(run<target::host>(fixed, layer, x, 1, nullptr) == run<target::host>(layer.shape, layer, x, 1, nullptr));
  CHECK(run<target::reference>(fixed, layer, x, 1, nullptr) == run<target::host>(fixed, layer, x, 1, nullptr));
}

TEST_CASE("encoder_layer/ibert padding does not change real tokens, whatever it holds") {
  random_encoder_layer<ibert::huggingface_flow> layer(32, 2, 64, 5);
  constexpr index_t c = 32;
  const auto alone = layer.input(6);
  const auto expected = run<target::host>(layer.shape, layer, alone, 1, nullptr);
  std::vector<std::int8_t> padded = alone;
  const auto junk = layer.input(5);
  padded.insert(padded.end(), junk.begin(), junk.end());
  std::vector<std::uint8_t> keep(11, 0);
  std::fill_n(keep.begin(), 6, std::uint8_t{1});
  const auto host = run<target::host>(layer.shape, layer, padded, 1, keep.data());
  const auto reference = run<target::reference>(layer.shape, layer, padded, 1, keep.data());
  CHECK(host == reference);
  CHECK(std::equal(expected.begin(), expected.begin() + 6 * c, host.begin()));
}

TEST_CASE("encoder_layer/ibert statuses") {
  random_encoder_layer<ibert::huggingface_flow> layer(16, 2, 32, 3);
  auto x = layer.input(4);
  std::vector<std::int8_t> y(x.size());
  const index_t bytes = op::encoder_layer_scratch_bytes(layer.shape, 1, 4);
  std::vector<block> memory(static_cast<std::size_t>(bytes / scratch_alignment + 2));
  const auto call = [&](const encoder_shape<>& shape, index_t batch, scratch_span scratch, auto in, auto out) {
    return op::encoder_layer<target::host>(shape, in, batch, nullptr, layer.params, layer.output_act, scratch, out);
  };
  const scratch_span good{memory.data(), bytes};
  const auto in = matrix(x.data(), 4, 16);
  const auto out = matrix(y.data(), 4, 16);
  CHECK(call(layer.shape, 1, good, in, out) == status::ok);
  CHECK(call(layer.shape, 1, {memory.data(), bytes - 1}, in, out) == status::scratch_too_small);
  CHECK(call(layer.shape, 1, {nullptr, bytes}, in, out) == status::scratch_too_small);
  CHECK(call(layer.shape, 1, {memory.data()->bytes + 8, bytes}, in, out) == status::misaligned);
  CHECK(call(layer.shape, 3, good, in, out) == status::shape_mismatch);
  CHECK(call(layer.shape, 0, good, in, out) == status::shape_mismatch);
  CHECK(call({16, 3, 32}, 1, good, in, out) == status::shape_mismatch);
  CHECK(call({12, 2, 32}, 1, good, in, out) == status::shape_mismatch);
  CHECK(call(layer.shape, 1, good, in, matrix(y.data(), 3, 16)) == status::shape_mismatch);
  // In place.
  REQUIRE(call(layer.shape, 1, good, in, out) == status::ok);
  CHECK(call(layer.shape, 1, good, in, in) == status::ok);
  CHECK(x == y);
}

TEST_CASE("attention/ibert statuses") {
  random_encoder_layer<ibert::huggingface_flow> layer(16, 2, 32, 3);
  auto q = layer.input(4);
  std::vector<std::int8_t> y(q.size());
  std::vector<block> memory(64);
  const scratch_span scratch{memory.data(), op::attention_scratch_bytes<int32_t>(4)};
  const auto call = [&](auto a, auto k, auto v, index_t heads, auto out, scratch_span s) {
    return op::attention<target::host, int32_t>(a, k, v, 1, heads, keep_accumulator, layer.params.attention_softmax,
                                                layer.params.context_act, nullptr, s, out);
  };
  const auto x = matrix(static_cast<const std::int8_t*>(q.data()), 4, 16);
  const auto out = matrix(y.data(), 4, 16);
  CHECK(call(x, x, x, 2, out, scratch) == status::ok);
  CHECK(call(x, x, x, 3, out, scratch) == status::shape_mismatch);
  CHECK(call(x, matrix(x.data(), 3, 16), x, 2, out, scratch) == status::shape_mismatch);
  CHECK(call(x, x, x, 2, out, {memory.data(), 8}) == status::scratch_too_small);
  CHECK(call(x, x, x, 2, matrix(q.data(), 4, 16), scratch) == status::overlap);
  // A probability of 1 would not fit a byte: refused.
  auto risky = layer.params.attention_softmax;
  risky.exp_requant.scale = ibert::to_multiplier(16384.0 / (static_cast<double>(risky.constants.c) * 1073741824.0));
  REQUIRE(risky.peak() == 16384);
  const auto refused = op::attention<target::host, int32_t>(x, x, x, 1, 2, keep_accumulator, risky,
                                                            layer.params.context_act, nullptr, scratch, out);
  CHECK(refused == status::bad_parameter);
}
