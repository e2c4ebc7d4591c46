// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdio>
#include <vector>

#include "tessera/arith/ibert.hpp"
#include "tessera/kernel/matmul/xsimd.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

int main() {
  // A linear layer of 3 inputs and 2 outputs on 2 tokens. Memory is yours; a view says how to read it.
  const std::vector<std::int8_t> tokens = {1, -2, 3, 100, 50, -25};
  const std::vector<std::int8_t> weights = {10, 20, 30, -40, 50, -60};
  const std::vector<std::int32_t> biases = {1000, -1000};
  const auto x = matrix(tokens.data(), 2, 3);
  const auto w = matrix(weights.data(), 2, 3);  // (outputs, inputs), as frameworks store it
  const auto bias = vector(biases.data(), 2);

  // Real scales become integers once: the accumulator's scale over the output's scale.
  const ibert::dyadic requant{ibert::to_multiplier(0.02 * 0.01 / 0.0125), -128, 127};

  std::vector<std::int8_t> result(4), checked(4);
  const status s = op::linear<target::host>(x, w, bias, requant, matrix(result.data(), 2, 2));
  if (s != status::ok) return std::printf("linear: %s\n", to_string(s)), 1;

  // The scalar reference gives the same bits, always.
  if (op::linear<target::reference>(x, w, bias, requant, matrix(checked.data(), 2, 2)) != status::ok) return 1;
  std::printf("%d %d / %d %d, %s\n", result[0], result[1], result[2], result[3],
              result == checked ? "as the reference" : "wrong");

  // Operators report mistakes instead of reading past an end.
  const status mistake = op::linear<target::host>(x, w, vector(biases.data(), 1), requant, matrix(result.data(), 2, 2));
  std::printf("%s\n", to_string(mistake));
}
