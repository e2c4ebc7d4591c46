// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// What requantisation policies share, and the small ones that compose others. A policy maps an accumulator to an
/// output integer (concept `Requant`): `policy.row(r)` is the map of row r, `policy.row(r)(acc, c)` the value for
/// column c. The dialects' own policies are `ibert::dyadic`, `quantlib::requant_shift` and `ita::requant`.
///
/// Composition is how operators fuse: a linear layer takes one policy, whether that is a requantisation, GELU followed
/// by one, or one plus a residual. Intermediate values stay within 53 bits (each policy states its range).

#include "tessera/arith/rounding.hpp"
#include "tessera/core/concepts.hpp"
#include "tessera/core/status.hpp"

namespace tessera {

/// y = clamp(acc, low, high).
struct saturating {
  static constexpr bool uniform = true;
  int64_t low;
  int64_t high;
  constexpr const saturating& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const { return clamp(acc, low, high); }
  constexpr int64_t output_min() const { return low; }
  constexpr int64_t output_max() const { return high; }
  constexpr status check() const { return low <= high ? status::ok : status::bad_parameter; }
};

/// The accumulator itself, as an int32.
inline constexpr saturating keep_accumulator{limits<int32_t>::min, limits<int32_t>::max};

/// Saturation to the range of T.
template <Integer T>
inline constexpr saturating saturate_to{static_cast<int64_t>(limits<T>::min), static_cast<int64_t>(limits<T>::max)};

/// The policy treats all channels and rows alike (it says `uniform`): 8-bit inputs may go through a table.
template <class P>
concept UniformRequant = Requant<P> && P::uniform;

/// What the policy's own `check()` says about its values; ok for a policy without one, whose values are all good.
template <Requant P>
constexpr status check_policy(const P& p) {
  if constexpr (requires { p.check(); }) {
    return p.check();
  } else {
    return status::ok;
  }
}

/// What `policy.row(r)` returns, without reference.
template <class P>
using row_of = remove_cvref_t<decltype(value_of<const P>().row(0))>;

template <class First, class Second>
struct then_row {
  First first;
  Second second;
  constexpr int64_t operator()(int64_t acc, index_t c) const { return second(first(acc, c), c); }
};

/// y = second(first(acc)): for example an activation and then its requantisation.
template <Requant First, Requant Second>
struct then {
  static constexpr bool uniform = UniformRequant<First> && UniformRequant<Second>;
  First first;
  Second second;
  constexpr then_row<row_of<First>, row_of<Second>> row(index_t r) const { return {first.row(r), second.row(r)}; }
  constexpr int64_t output_min() const { return second.output_min(); }
  constexpr int64_t output_max() const { return second.output_max(); }
  constexpr status check() const {
    const status s = check_policy(first);
    return s == status::ok ? check_policy(second) : s;
  }
};
template <class First, class Second>
then(First, Second) -> then<First, Second>;

template <class First, class Second, class Out, class R>
struct add_residual_row {
  First first;
  Second second;
  Out out;
  const R* residual;
  constexpr int64_t operator()(int64_t acc, index_t c) const { return out(first(acc, c) + second(residual[c], c), c); }
};

/// y = out( first(acc) + second(residual[r][c]) ): the residual addition of two scales, each branch rounded on its own.
/// residual: (M, N), rows `pitch` elements apart. first and second: results below 2^62 in magnitude.
template <Requant First, Requant Second, Requant Out, Integer R>
struct add_residual {
  First first;
  Second second;
  Out out;
  const R* residual;
  index_t pitch;
  constexpr add_residual_row<row_of<First>, row_of<Second>, row_of<Out>, R> row(index_t r) const {
    return {first.row(r), second.row(r), out.row(r), residual + r * pitch};
  }
  constexpr int64_t output_min() const { return out.output_min(); }
  constexpr int64_t output_max() const { return out.output_max(); }
  constexpr status check() const {
    if (residual == nullptr) return status::null_pointer;
    const status s = check_policy(first);
    const status t = s == status::ok ? check_policy(second) : s;
    return t == status::ok ? check_policy(out) : t;
  }
};
template <class First, class Second, class Out, class R>
add_residual(First, Second, Out, const R*, index_t) -> add_residual<First, Second, Out, R>;

/// A policy with one set of values per channel: `p.channel(i)` is the policy of channel i alone.
template <class P>
concept ChannelRequant = Requant<P> && requires(const P p, index_t i) {
  { p.channel(i) } -> Requant;
};

/// The channel is the row instead of the column, as in NCHW tensors flattened to (C, H*W): row r uses channel r of
/// `policy` for all its columns.
template <ChannelRequant Policy>
struct by_row {
  Policy policy;
  constexpr auto row(index_t r) const { return policy.channel(r); }
  constexpr int64_t output_min() const { return policy.output_min(); }
  constexpr int64_t output_max() const { return policy.output_max(); }
  constexpr status check() const { return check_policy(policy); }
};
template <class Policy>
by_row(Policy) -> by_row<Policy>;

}  // namespace tessera
