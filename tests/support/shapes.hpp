// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The one list of shapes, for tests and benchmarks. Tests take from all of it; benchmarks time what a network would
/// execute and one odd shape of each kind, so that clean-up code is timed too.

#include <array>
#include <string>

#include "tessera/core/shape.hpp"

namespace tessera::support {

/// y: (M, N) = a: (M, K) . b: (K, N).
struct product_shape {
  index_t m, n, k;
};

/// x: (rows, columns) of row and element operators.
struct matrix_shape {
  index_t rows, columns;
};

/// One encoder layer: S tokens, C channels in H heads, F channels between the two feed-forward layers.
struct layer_shape {
  index_t sequence, channels, heads, intermediate;
};

inline std::string to_string(const product_shape& s) {
  return std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k);
}
inline std::string to_string(const matrix_shape& s) { return std::to_string(s.rows) + "x" + std::to_string(s.columns); }
inline std::string to_string(const layer_shape& s) {
  return std::to_string(s.sequence) + "x" + std::to_string(s.channels) + "x" + std::to_string(s.heads) + "x" +
         std::to_string(s.intermediate);
}

// ---- Products ------------------------------------------------------------------------------------------------------

/// Linear layers: BERT-base (C = 768, F = 3072) at 128 tokens, a small encoder (C = 128) at 64, and a single token.
inline constexpr auto linear_shapes = std::to_array<product_shape>({
    {128, 768, 768},
    {128, 3072, 768},
    {128, 768, 3072},
    {64, 128, 128},
    {1, 768, 3072},
});

/// One attention head of 64 channels at 128 tokens: q . k^T, and probabilities . v.
inline constexpr product_shape score_shape{128, 128, 64};
inline constexpr product_shape context_shape{128, 64, 128};

/// A multiple of nothing.
inline constexpr product_shape odd_product{127, 97, 771};

/// Small products whose edges are 1, one less than a block, a block, one more, or odd. Blocks of the host's kernel: 3 x
/// 4 outputs, 128 columns of accumulators, vectors of 8 or 16 along K or N, 512 of K.
inline constexpr auto edge_products = std::to_array<product_shape>({
    {1, 1, 1},    {1, 1, 15},    {1, 1, 16},   {1, 1, 17},   {1, 17, 3},    {2, 3, 7},   {2, 3, 8},
    {2, 3, 9},    {3, 4, 16},    {4, 5, 33},   {5, 15, 31},  {5, 16, 32},   {6, 8, 1},   {7, 17, 2},
    {3, 127, 64}, {3, 128, 64},  {3, 129, 63}, {4, 257, 5},  {2, 4, 511},   {2, 4, 512}, {2, 4, 513},
    {2, 18, 511}, {2, 18, 1025}, {13, 29, 47}, {31, 33, 65}, {1, 131, 259},
});

// ---- Rows and elements ---------------------------------------------------------------------------------------------

/// Attention scores of one head, of twelve heads, and of a short sequence.
inline constexpr auto softmax_shapes = std::to_array<matrix_shape>({{128, 128}, {1536, 128}, {64, 64}});

/// Tokens x channels, at the end of a block, inside the feed-forward block, and in a small encoder.
inline constexpr auto activation_shapes = std::to_array<matrix_shape>({{128, 768}, {128, 3072}, {64, 128}});
inline constexpr auto norm_shapes = std::to_array<matrix_shape>({{128, 768}, {64, 128}});

/// A multiple of nothing, too large for a branch predictor to learn its values.
inline constexpr matrix_shape odd_matrix{127, 771};

/// Row lengths 1, one less than a vector, a vector, one more (4, 8, 16 and 32 lanes), and odd ones.
inline constexpr auto edge_matrices = std::to_array<matrix_shape>({
    {1, 1},  {3, 2},  {1, 3},  {2, 4},  {1, 5},  {3, 7},  {2, 8},   {1, 9},   {3, 15},  {2, 16},   {1, 17},
    {5, 31}, {2, 32}, {1, 33}, {3, 63}, {2, 64}, {1, 65}, {3, 127}, {2, 128}, {1, 129}, {17, 197}, {2, 1023},
});

// ---- Layers --------------------------------------------------------------------------------------------------------

/// BERT-base at 128 tokens, and a small encoder at 32.
inline constexpr auto layer_shapes = std::to_array<layer_shape>({{128, 768, 12, 3072}, {32, 128, 4, 512}});

}  // namespace tessera::support
