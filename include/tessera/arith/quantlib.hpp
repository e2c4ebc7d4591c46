// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Dialect `quantlib`: the integer ONNX operators that QuantLab's quantlib exports and Deeploy executes. This header
/// has the element-wise ones; softmax and normalisation are in quantlib_softmax.hpp and quantlib_norm.hpp. Values are
/// *logical* integers: signed ones in [-L/2, L/2 - 1], unsigned ones in [0, L - 1] for L levels. RHU = floor(v + 1/2),
/// also for negative v; tdiv = C's truncating division.

#include "tessera/arith/requant.hpp"
#include "tessera/core/status.hpp"

namespace tessera::quantlib {

/// quantlib (Python) and Deeploy (C kernels) disagree in a few operators; those take this as a template argument.
enum class variant : uint8_t {
  quantlib,
  deeploy
};

// ---- Requantisation ------------------------------------------------------------------------------------------------

/// RequantShift, one multiplier per tensor: y = clamp( RHU((acc * mul + add) / 2^log2_d) ), which is Deeploy's
/// (acc * mul + add + 2^(log2_d-1)) >> log2_d. The addition comes before the shift (MUL-ADD-DIV).
/// Both sources have int32 accumulators; a larger acc is limited to that, so |acc * mul + add| <= 2^62 + 2^31.
struct requant_shift {
  static constexpr bool uniform = true;
  int32_t mul = 1;
  int32_t add = 0;
  int32_t log2_d = 0;      ///< 0..62
  int32_t n_levels = 256;  ///< at least 2; even if signed
  bool is_signed = true;

  constexpr const requant_shift& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const {
    return clamp(shift_half_up(int64_t{saturate<int32_t>(acc)} * mul + add, log2_d), output_min(), output_max());
  }
  constexpr int64_t output_min() const { return is_signed ? -(n_levels / 2) : 0; }
  constexpr int64_t output_max() const { return is_signed ? n_levels / 2 - 1 : n_levels - 1; }

  constexpr status check() const {
    const bool good = log2_d >= 0 && log2_d <= 62 && n_levels >= 2 && (!is_signed || n_levels % 2 == 0);
    return good ? status::ok : status::bad_parameter;
  }
};

/// RequantShift, one multiplier per column. mul, add: (C). For channels along the rows (NCHW) use `by_row`.
struct requant_shift_channels {
  const int32_t* mul = nullptr;
  const int32_t* add = nullptr;
  int32_t log2_d = 0;
  int32_t n_levels = 256;
  bool is_signed = true;

  constexpr requant_shift channel(index_t c) const { return {mul[c], add[c], log2_d, n_levels, is_signed}; }
  constexpr const requant_shift_channels& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t c) const { return channel(c)(acc, c); }
  constexpr int64_t output_min() const { return is_signed ? -(n_levels / 2) : 0; }
  constexpr int64_t output_max() const { return is_signed ? n_levels / 2 - 1 : n_levels - 1; }
  constexpr status check() const {
    const bool missing = mul == nullptr || add == nullptr;
    return missing ? status::null_pointer : requant_shift{1, 0, log2_d, n_levels, is_signed}.check();
  }
};

/// quantlib's `cmsis_requant` adds first: y = RHU((acc + RHU(add / mul)) * mul / 2^log2_d). That is RequantShift with
/// this addend, RHU(add / mul) * mul; mul != 0. |result| <= |add| + |mul| / 2, which may need 33 bits.
constexpr int64_t cmsis_add(int32_t mul, int32_t add) {
  const int64_t rounded = mul < 0 ? divide_half_up(-int64_t{add}, -int64_t{mul}) : divide_half_up(add, mul);
  return rounded * mul;
}

/// y = clamp(acc + value, low, high): between logical values and Deeploy's storage, where an unsigned tensor of L
/// levels is kept as value - L/2. `then{from_stored(256), igelu{...}}` is a kernel with input_offset = 128;
/// `then{requant_shift{.is_signed = false}, to_stored(256)}` has output_offset = -128.
struct offset {
  static constexpr bool uniform = true;
  int64_t value = 0;
  int64_t low = limits<int32_t>::min;
  int64_t high = limits<int32_t>::max;
  constexpr const offset& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const { return clamp(acc + value, low, high); }
  constexpr int64_t output_min() const { return low; }
  constexpr int64_t output_max() const { return high; }
  constexpr status check() const { return low <= high ? status::ok : status::bad_parameter; }
};
constexpr offset to_stored(int32_t n_levels) { return {-(n_levels / 2), -(n_levels / 2), n_levels - 1 - n_levels / 2}; }
constexpr offset from_stored(int32_t n_levels) { return {n_levels / 2, 0, n_levels - 1}; }

// ---- Activations: int32 results, to be followed by a requantisation ------------------------------------------------

/// iGELU. t = min(|x|, -b);  L = sign(x) * (one - (t + b)^2);  y = x * floor((one + L) / 2).
/// b <= 0. x: logical, 8 bits (-128..255) where `check` promises |y| < 2^31; wider x is accepted and y limited to
/// int32. Widths: |t + b| <= 2^31, so int64 is enough for any b and one. Deeploy passes b as int8 and one as int16.
/// RequantizediGELU is `then{igelu{b, one}, requant_shift{...}}`.
struct igelu {
  static constexpr bool uniform = true;
  int32_t b = 0;
  int32_t one = 0;

  constexpr const igelu& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const {
    const int64_t x = saturate<int32_t>(acc);
    const int64_t t = min<int64_t>(x < 0 ? -x : x, -int64_t{b});
    const int64_t polynomial = one - (t + b) * (t + b);
    const int64_t l = x < 0 ? -polynomial : polynomial;  // sign(0) does not matter: y = 0
    return saturate<int32_t>(x * saturate<int32_t>((one + l) >> 1));
  }
  constexpr int64_t output_min() const { return limits<int32_t>::min; }
  constexpr int64_t output_max() const { return limits<int32_t>::max; }

  /// The factor is largest where |L| is: at t = 0 or t = -b.
  constexpr status check() const {
    if (b > 0 || b < -(1 << 15) || one < 0) return status::bad_parameter;
    const int64_t l = max<int64_t>(one, int64_t{b} * b - one);
    return 255 * ((one + l) / 2 + 1) < int64_t{1} << 31 ? status::ok : status::bad_parameter;
  }

  friend constexpr bool operator==(const igelu&, const igelu&) = default;
};

/// The constants for inputs of scale eps > 0: with e = eps / sqrt(2), b = RHU(-1.769 / e), one = RHU(1 / (0.2888 e^2)).
/// The scale of y is 0.2888 * e^2 * eps. quantlib computes in single precision: mind quotients within 2^-24 of a tie.
constexpr igelu igelu_for_scale(double eps) {
  TESSERA_ASSERT(eps > 0 && is_finite(eps));
  const double e = eps / square_root(2.0);
  return {saturate_real<int32_t>(round_half_up(-1.769 / e)),
          saturate_real<int32_t>(round_half_up(1.0 / (0.2888 * (e * e))))};
}

/// iHardswish: y = x * (clamp(x + three, 0, six) * one_over_six). x as for `igelu`; wider x, or a product over 31 bits,
/// is limited to int32. RequantizediHardswish is `then{ihardswish{...}, requant_shift{...}}`.
struct ihardswish {
  static constexpr bool uniform = true;
  int32_t one_over_six = 0;
  int32_t three = 0;
  int32_t six = 0;

  constexpr const ihardswish& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const {
    const int64_t x = saturate<int32_t>(acc);
    const int64_t gate = clamp<int64_t>(x + three, 0, max<int32_t>(six, 0)) * one_over_six;  // <= 2^62
    return saturate<int32_t>(x * saturate<int32_t>(gate));
  }
  constexpr int64_t output_min() const { return limits<int32_t>::min; }
  constexpr int64_t output_max() const { return limits<int32_t>::max; }

  constexpr status check() const {
    if (six < 0) return status::bad_parameter;
    const int64_t gate = int64_t{six} * (one_over_six < 0 ? -int64_t{one_over_six} : one_over_six);
    return gate <= ((int64_t{1} << 31) - 1) / 255 ? status::ok : status::bad_parameter;
  }
};

// ---- Sums, means and quotients ------------------------------------------------------------------------------------

/// ReduceSum: x[0] + x[stride] + ... over n >= 0 elements, exact for n < 2^31. The C kernels keep int32: see `wrap32`.
template <IntegerUpTo<32> X>
constexpr int64_t reduce_sum(const X* x, index_t n, index_t stride = 1) {
  int64_t sum = 0;
  for (index_t i = 0; i < n; ++i) sum += x[i * stride];
  return sum;
}

/// IntegerMean and the integer ReduceMean: RHU(sum / n), n > 0.
/// Deeploy rounds half away from zero unless n is a power of two.
template <variant V = variant::quantlib>
constexpr int64_t integer_mean(int64_t sum, int64_t n) {
  TESSERA_ASSERT(n > 0);
  const bool away = V == variant::deeploy && (n & (n - 1)) != 0;
  return away ? divide_half_away(sum, n) : divide_half_up(sum, n);
}

/// The mean as an operator's parameters: SUM of n elements -> one.
template <variant V = variant::quantlib>
struct mean {
  constexpr int64_t operator()(int64_t sum, int64_t n) const { return integer_mean<V>(sum, n); }
};

/// IntegerDiv: y = round( x * Delta * eta / (d * eta + eps) ) for int32 x and d, rounded half up (quantlib) or half
/// away from zero (Deeploy). `check` promises |Delta * eta| <= 2^31, so the numerator stays within 62 bits, the
/// denominator within 63. Denominators are data: they must be positive, ask `check(d, n)`; 0 is returned for one that
/// is not.
template <variant V = variant::quantlib>
struct integer_div {
  int32_t delta = 1;
  int32_t eps = 1;
  int32_t eta = 1;

  constexpr int64_t denominator(int32_t d) const { return int64_t{d} * eta + eps; }
  constexpr int64_t operator()(int32_t x, int32_t d) const {
    const int64_t n = x * (int64_t{delta} * eta);
    const int64_t q = denominator(d);
    if (q <= 0) return 0;
    return V == variant::deeploy ? divide_half_away(n, q) : divide_half_up(n, q);
  }

  constexpr status check() const {
    const int64_t factor = int64_t{delta} * eta;
    constexpr int64_t most = int64_t{1} << 31;
    return factor >= -most && factor <= most ? status::ok : status::bad_parameter;
  }
  /// d: (n), `stride` elements apart.
  constexpr status check(const int32_t* d, index_t n, index_t stride = 1) const {
    for (index_t i = 0; i < n; ++i) {
      if (denominator(d[i * stride]) <= 0) return status::bad_parameter;
    }
    return check();
  }
};

/// RQIntegerDiv: Deeploy's IntegerDiv and then a RequantShift on the quotient as an int32.
struct rq_integer_div {
  integer_div<variant::deeploy> division;
  requant_shift second;

  constexpr int64_t operator()(int32_t x, int32_t d) const { return second(wrap32(division(x, d)), 0); }
  constexpr int64_t output_min() const { return second.output_min(); }
  constexpr int64_t output_max() const { return second.output_max(); }
  constexpr status check() const {
    const status s = division.check();
    return s == status::ok ? second.check() : s;
  }
  /// As integer_div's.
  constexpr status check(const int32_t* d, index_t n, index_t stride = 1) const {
    const status s = division.check(d, n, stride);
    return s == status::ok ? second.check() : s;
  }
};

/// TrueIntegerDiv, a constant divisor: y = tdiv(x * Delta * eta, y0 * eta + eps), limited to int32. Widths as for
/// `integer_div`; x wider than int32 is limited to it. `check` refuses a zero divisor.
struct true_integer_div {
  static constexpr bool uniform = true;
  int32_t delta = 1;
  int32_t eps = 0;
  int32_t eta = 1;
  int32_t divisor = 1;  ///< y0

  constexpr const true_integer_div& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const {
    return saturate<int32_t>(saturate<int32_t>(acc) * (int64_t{delta} * eta) / denominator());
  }
  constexpr int64_t denominator() const { return int64_t{divisor} * eta + eps; }
  constexpr int64_t output_min() const { return limits<int32_t>::min; }
  constexpr int64_t output_max() const { return limits<int32_t>::max; }

  constexpr status check() const {
    const bool good = integer_div<>{delta, eps, eta}.check() == status::ok && denominator() != 0;
    return good ? status::ok : status::bad_parameter;
  }
};

}  // namespace tessera::quantlib
