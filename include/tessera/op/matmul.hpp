// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Matrix products of 8-bit integers with 32-bit accumulators and a fused requantisation policy.

#include "tessera/arith/requant.hpp"
#include "tessera/core/dispatch.hpp"
#include "tessera/core/status.hpp"

namespace tessera {

/// Tag: y = policy( a . b + bias ), computed in tiles.
template <class A, class B, Requant Policy, Integer Y, TileShape Tile>
struct matmul_op {
  using lhs = A;
  using rhs = B;
};

/// Left operands may be signed or unsigned bytes; right operands are signed bytes.
template <class A, class B>
concept ByteProduct = (same_as<typename A::value_type, int8_t> ||
                       same_as<typename A::value_type, uint8_t>)&&same_as<typename B::value_type, int8_t>;

/// A tile that the kernel of this operator and target can compute. Kernels without a rule accept all.
template <class Kernel, class Tile>
concept AcceptsTile = same_as<Tile, default_tile> || !requires {
  Kernel::template accepts<Tile>;
}
|| Kernel::template accepts<Tile>;

namespace detail {

template <Target T, TileShape Tile, class A, class B, Requant Policy, RowMatrixView Y>
constexpr status matmul_checked(const A& a, const B& b, const int32_t* bias, const Policy& policy, const Y& y) {
  static_assert(ByteProduct<A, B>, "matmul multiplies int8 or uint8 by int8");
  static_assert(compatible_extent(A::static_extent(1), B::static_extent(0)),
                "matmul: the inner extents of the operands differ");
  static_assert(compatible_extent(A::static_extent(0), Y::static_extent(0)) &&
                    compatible_extent(B::static_extent(1), Y::static_extent(1)),
                "matmul: the output does not have the outer extents of the operands");
  if (a.extent(1) != b.extent(0) || a.extent(0) != y.extent(0) || b.extent(1) != y.extent(1)) {
    return status::shape_mismatch;
  }
  if (y.size() == 0) return status::ok;
  if (y.data() == nullptr || (a.size() != 0 && (a.data() == nullptr || b.data() == nullptr))) {
    return status::null_pointer;
  }
  if (const status s = check_policy(policy); s != status::ok) return s;
  using out = typename Y::value_type;
  if (!holds<out>(policy.output_min(), policy.output_max())) return status::bad_parameter;
  if (overlaps(a, y) || overlaps(b, y)) return status::overlap;
  using tag = matmul_op<A, B, Policy, out, Tile>;
  if constexpr (HasKernel<tag, T>) {
    static_assert(AcceptsTile<kernel<tag, T>, Tile>,
                  "matmul: this target's kernel cannot compute a tile of this shape; see its `accepts`");
  }
  run<tag, T>(a, b, bias, policy, y);
  return status::ok;
}

}  // namespace detail

namespace op {

/// a: (M, K) int8 or uint8, b: (K, N) int8, any layouts (`transposed(w)` for a stored (N, K)) -> y: (M, N).
/// y = policy( sum over k of a * b ). The accumulator is 32 bits and wraps; it cannot for K <= 65,536.
/// y may not overlap an operand.
template <Target T, TileShape Tile = default_tile, MatrixView A, MatrixView B, Requant Policy, RowMatrixView Y>
constexpr status matmul(A a, B b, const Policy& policy, Y y) {
  return detail::matmul_checked<T, Tile>(a, b, nullptr, policy, y);
}

/// Batched, each operand stored plain or transposed, all row-major:
/// a: (B, M, K), or (B, K, M) if TransposeA; b: (B, K, N), or (B, N, K) if TransposeB -> y: (B, M, N).
template <Target T, bool TransposeA = false, bool TransposeB = false, TileShape Tile = default_tile, TensorView A,
          TensorView B, Requant Policy, TensorView Y>
requires(A::rank == 3 && B::rank == 3 && Y::rank == 3) constexpr status
    batched_matmul(A a, B b, const Policy& policy, Y y) {
  static_assert(same_as<typename A::layout_type, row_major> && same_as<typename B::layout_type, row_major> &&
                    same_as<typename Y::layout_type, row_major>,
                "batched_matmul: operands are row-major; say TransposeA or TransposeB for stored transposes");
  if (a.extent(0) != b.extent(0) || a.extent(0) != y.extent(0)) return status::shape_mismatch;
  if (overlaps(a, y) || overlaps(b, y)) return status::overlap;
  const auto oriented = [](auto view, auto transpose) {
    if constexpr (decltype(transpose)::value) {
      return transposed(view);
    } else {
      return view;
    }
  };
  for (index_t i = 0; i < a.extent(0); ++i) {
    const auto slice = [i](const auto& x) { return matrix(x.data() + i * x.stride(0), x.extent(1), x.extent(2)); };
    const status s = matmul<T, Tile>(oriented(slice(a), bool_constant<TransposeA>{}),
                                     oriented(slice(b), bool_constant<TransposeB>{}), policy, slice(y));
    if (s != status::ok) return s;
  }
  return status::ok;
}

/// x: (M, K) int8 or uint8, w: (N, K) int8 as linear layers store it, bias: (N) int32 -> y: (M, N).
/// y = policy( x . w^T + bias ). Accumulator and overlap as for matmul. Sources: I-BERT section 3.2; ITA section 2.
template <Target T, TileShape Tile = default_tile, MatrixView X, MatrixView W, TensorView Bias, Requant Policy,
          RowMatrixView Y>
constexpr status linear(X x, W w, Bias bias, const Policy& policy, Y y) {
  static_assert(Bias::rank == 1 && same_as<typename Bias::value_type, int32_t>,
                "linear: the bias is a vector of int32");
  static_assert(compatible_extent(Bias::static_extent(0), W::static_extent(0)),
                "linear: the bias does not have one value per output");
  if (bias.extent(0) != w.extent(0)) return status::shape_mismatch;
  if (bias.size() != 0 && bias.data() == nullptr) return status::null_pointer;
  if (overlaps(bias, y)) return status::overlap;
  return detail::matmul_checked<T, Tile>(x, transposed(w), bias.data(), policy, y);
}

/// linear without bias.
template <Target T, TileShape Tile = default_tile, MatrixView X, MatrixView W, Requant Policy, RowMatrixView Y>
constexpr status linear(X x, W w, const Policy& policy, Y y) {
  return detail::matmul_checked<T, Tile>(x, transposed(w), nullptr, policy, y);
}

}  // namespace op
}  // namespace tessera
