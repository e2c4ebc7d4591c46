// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The `ibert` dialect: dyadic requantisation, GELU, softmax and layer normalisation of "I-BERT: Integer-only BERT
/// Quantization" (Kim et al., ICML 2021; sections 3.2 to 3.6, appendix B of the source programs). Scales are real
/// numbers that exist only at load time; the functions that turn them into integers are at the end of each part.

#include "tessera/arith/requant.hpp"
#include "tessera/core/row_map.hpp"

namespace tessera::ibert {

// ---- Symmetric quantisation (section 3.2) --------------------------------------------------------------------------

/// Scale of a `bits`-bit activation with calibrated range [low, high]: max(|low|, |high|) / (2^(bits-1) - 1).
constexpr double activation_scale(double low, double high, int bits) {
  const double a = low < 0 ? -low : low;
  const double b = high < 0 ? -high : high;
  return (a > b ? a : b) / static_cast<double>((int64_t{1} << (bits - 1)) - 1);
}

/// Scale of 8-bit weights whose largest magnitude is `peak`.
constexpr double weight_scale(double peak) { return peak / 127.0; }

/// clamp( RNE( (1/scale) * w ), -127, 126 ). Both published programs clamp to n - 1: the largest weight becomes 126.
constexpr int8_t quantize_weight(double w, double scale) {
  return static_cast<int8_t>(clamp(round_half_even((1.0 / scale) * w), -127.0, 126.0));
}

/// clamp( RNE( (1/scale) * b ), -(2^31 - 1), 2^31 - 2 ), the bias in units of the accumulator.
constexpr int32_t quantize_bias(double b, double scale) {
  return static_cast<int32_t>(clamp(round_half_even((1.0 / scale) * b), -2147483647.0, 2147483646.0));
}

// ---- Dyadic requantisation (section 3.2; Jacob et al. 2018) --------------------------------------------------------

/// A real ratio as m / 2^e: m = round_half_away(fraction * 2^31), so 2^30 <= |m| <= 2^31; m < 0 for negative scales.
struct multiplier {
  int64_t m;
  int32_t e;
};

/// m and e of `ratio`, which is finite and not zero.
constexpr multiplier to_multiplier(double ratio) {
  const auto [fraction, exponent] = split_binary(ratio);
  const double scaled = scale_binary(fraction < 0 ? -fraction : fraction, 31);
  const auto m = static_cast<int64_t>(floor(scaled + 0.5));  // exact: scaled has at most 22 fractional bits
  return {fraction < 0 ? -m : m, 31 - exponent};
}

/// y = clamp( RNE( x * m / 2^e ), low, high ) with one multiplier for all channels.
/// Exact for |x| < 2^63: the product (94 bits) is kept whole. 38-bit GELU outputs give 69 bits.
struct dyadic {
  static constexpr bool uniform = true;
  multiplier scale;
  int64_t low;
  int64_t high;
  constexpr const dyadic& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t) const {
    return clamp(multiply_shift_half_even(x, scale.m, scale.e), low, high);
  }
  constexpr int64_t output_min() const { return low; }
  constexpr int64_t output_max() const { return high; }
  constexpr status check() const {
    const bool good = scale.m >= -(int64_t{1} << 31) && scale.m <= int64_t{1} << 31 && low <= high;
    return good ? status::ok : status::bad_parameter;
  }
};

/// As `dyadic`, with one multiplier per channel (column). m, e: (C).
struct dyadic_channels {
  const int64_t* m;
  const int32_t* e;
  int64_t low;
  int64_t high;
  constexpr dyadic channel(index_t c) const { return {{m[c], e[c]}, low, high}; }
  constexpr const dyadic_channels& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t c) const { return channel(c)(x, c); }
  constexpr int64_t output_min() const { return low; }
  constexpr int64_t output_max() const { return high; }
  constexpr status check() const {
    if (m == nullptr || e == nullptr) return status::null_pointer;
    return low <= high ? status::ok : status::bad_parameter;
  }
};

/// RNE( x * numerator / denominator ) in double precision: the authors' program labels the attention context with the
/// wrong scale and so rounds it onto another grid before it requantises. Kept for bit-exactness with that program.
struct rescale {
  static constexpr bool uniform = true;
  double numerator;
  double denominator;
  constexpr const rescale& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t) const {
    const double quotient = static_cast<double>(x) * numerator / denominator;
    return static_cast<int64_t>(round_half_even(clamp(quotient, -0x1p62, 0x1p62)));
  }
  constexpr status check() const {
    const bool good = is_finite(numerator) && is_finite(denominator) && denominator != 0;
    return good ? status::ok : status::bad_parameter;
  }
  static constexpr int64_t output_min() { return limits<int64_t>::min; }
  static constexpr int64_t output_max() { return limits<int64_t>::max; }
};

// ---- GELU (section 3.4, algorithm 2) -------------------------------------------------------------------------------

/// b < 0 and c < 0: the second-order polynomial of erf; shift < 0: the integer one of the sigmoid-like factor.
struct gelu_constants {
  int64_t b;
  int64_t c;
  int64_t shift;
};

/// erf = floor( sign(x) * ((min(|x|, -b) + b)^2 + c) / 2^14 ). Exact while |b| < 2^31 and |c| < 2^62; wraps beyond.
constexpr int64_t gelu_erf(int64_t x, const gelu_constants& k) {
  const auto bits = static_cast<uint64_t>(x);
  const uint64_t magnitude = x < 0 ? 0 - bits : bits;
  const uint64_t t = min(magnitude, 0 - static_cast<uint64_t>(k.b)) + static_cast<uint64_t>(k.b);
  const uint64_t polynomial = t * t + static_cast<uint64_t>(k.c);
  return static_cast<int64_t>(x < 0 ? 0 - polynomial : (x == 0 ? 0 : polynomial)) >> 14;
}

/// x * (erf(x) + shift): the integer GELU, in 64 bits (`gelu_fits` says when it is exact; it wraps beyond). Its scale
/// is negative, so its sign is the opposite of GELU(x).
constexpr int64_t gelu_value(int64_t x, const gelu_constants& k) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(gelu_erf(x, k) + k.shift));
}

/// GELU of one scale, as a policy.
struct gelu {
  static constexpr bool uniform = true;
  gelu_constants constants;
  constexpr const gelu& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t) const { return gelu_value(x, constants); }
  constexpr status check() const { return constants.b <= 0 ? status::ok : status::bad_parameter; }
  static constexpr int64_t output_min() { return limits<int64_t>::min; }
  static constexpr int64_t output_max() { return limits<int64_t>::max; }
};

/// GELU with per-channel scales, as it follows a linear layer with per-channel weights. b <= 0, c, shift: (C).
struct gelu_channels {
  const int64_t* b;
  const int64_t* c;
  const int64_t* shift;
  constexpr gelu channel(index_t i) const { return {{b[i], c[i], shift[i]}}; }
  constexpr const gelu_channels& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t i) const { return channel(i)(x, i); }
  static constexpr int64_t output_min() { return limits<int64_t>::min; }
  static constexpr int64_t output_max() { return limits<int64_t>::max; }
  constexpr status check() const {
    return b == nullptr || c == nullptr || shift == nullptr ? status::null_pointer : status::ok;
  }
};

/// True if gelu_value is exact for every |x| <= peak: polynomial and product stay below 2^62.
constexpr bool gelu_fits(const gelu_constants& k, int64_t peak) {
  constexpr int64_t most = int64_t{1} << 62;
  if (k.b > 0 || k.b < -(int64_t{1} << 30) || k.c > 0 || k.c < -most + k.b * k.b || k.shift < -most) return false;
  const int64_t factor = ((k.b * k.b - k.c) >> 14) + 1 + (k.shift < 0 ? -k.shift : k.shift);
  return peak <= most / factor;
}

/// Constants for the input scale s >= 2.4e-9 (below, they leave 62 bits), and the (negative) output scale.
struct gelu_scaled {
  gelu_constants constants;
  double output_scale;
};
constexpr gelu_scaled to_gelu(double s) {
  const double sp = s / 1.4142;
  const double sigma = sp * sp * -0.2888 * 16384.0;
  return {{static_cast<int64_t>(floor(-1.769 / sp)), static_cast<int64_t>(floor((1.0 / -0.2888) / (sp * sp))),
           static_cast<int64_t>(floor(1.0 / sigma))},
          s * sigma / 2.0};
}

// ---- Softmax (section 3.5, algorithm 4) ----------------------------------------------------------------------------

/// x0 < 0: -ln 2 in units of the scale; b, c > 0: the second-order polynomial of exp on (-ln 2, 0].
struct softmax_constants {
  int64_t x0;
  int64_t b;
  int64_t c;
};
constexpr softmax_constants to_softmax(double s) {
  return {static_cast<int64_t>(floor(-0.6931 / s)), static_cast<int64_t>(floor((0.96963238 / 0.35815147) / s)),
          static_cast<int64_t>(floor((1.0 / 0.35815147) / (s * s)))};
}

/// The integer exponential, kept as polynomial * 2^(30 - quotient) because it passes 2^63 for small scales.
struct exponential {
  int64_t polynomial;
  int quotient;
  constexpr int64_t value() const { return polynomial << (30 - quotient); }
};

/// exp of x <= 0, limited to x >= 30 * x0: q = floor(x / x0), r = x - q * x0, polynomial = (r + b) * r + c.
constexpr exponential integer_exp(int64_t x, const softmax_constants& k) {
  const int64_t limited = max(x, 30 * k.x0);
  const int64_t q = limited / k.x0;  // both <= 0: truncation is floor
  const int64_t r = limited - q * k.x0;
  return {max<int64_t>((r + k.b) * r + k.c, 0), static_cast<int>(q)};
}

/// Exponential to 16 bits, as Hugging Face's program means it: RNE( exp * m / 2^e ), limited to 32767.
struct exp_multiplier {
  multiplier scale;
  constexpr int64_t operator()(const exponential& v) const {
    return min<int64_t>(multiply_shift_half_even(v.polynomial, scale.m, scale.e - (30 - v.quotient)), 32767);
  }
};

/// Exponential to 16 bits, as the authors' program does it: the integer is divided by its own scale in double precision
/// before the multiplier is applied: RNE( RNE(exp / exp_scale) * m / 2^e ), limited to 32767. exp / exp_scale is beyond
/// 2^53 and therefore already an integer.
struct exp_multiplier_of_quotient {
  multiplier scale;
  double exp_scale;
  constexpr int64_t operator()(const exponential& v) const {
    const double quotient = scale_binary(static_cast<double>(v.polynomial), 30 - v.quotient) / exp_scale;
    if (quotient == 0) return 0;
    const auto [fraction, exponent] = split_binary(quotient);
    const auto mantissa = static_cast<int64_t>(scale_binary(fraction, 53));
    return min<int64_t>(multiply_shift_half_even(mantissa, scale.m, scale.e - (exponent - 53)), 32767);
  }
};

/// Row softmax: scores int32 -> probabilities with scale 2^-8, unsigned.
/// p = exp16(x - max); f = floor(2^32 / sum p); y = (p * f) >> 24. Masked keys count as x = 30 * x0, whose p is 0.
/// Products: p * f <= 2^15 * 2^32. y is at most 256, and at most 255 unless `peak()` is a power of two (a row with one
/// key): 8-bit outputs are refused in that case.
template <class ExpRequant = exp_multiplier>
struct softmax {
  softmax_constants constants;
  ExpRequant exp_requant;
  const uint8_t* keep = nullptr;  ///< (N): 0 masks a key; null keeps all

  /// The 16-bit exponential at the row maximum: the same for every row.
  constexpr int64_t peak() const { return exp_requant(integer_exp(0, constants)); }

  template <Integer Y>
  constexpr bool output_fits() const {
    const int64_t p = peak();
    return sizeof(Y) > 1 || (limits<Y>::max == 255 && (p & (p - 1)) != 0);
  }

  constexpr status check(index_t n) const {
    const auto& k = constants;
    if (n < 1 || n > 65536) return status::shape_mismatch;  // sum p < 2^31
    // 30 * x0 fits 32 bits; with b >= -x0 the polynomial is at most c, which fits 53 bits.
    if (k.x0 >= 0 || k.x0 < -(int64_t{1} << 25) || k.b < -k.x0 || k.b > (int64_t{1} << 27))
      return status::bad_parameter;
    if (k.c <= 0 || k.c >= (int64_t{1} << 53)) return status::bad_parameter;
    const auto [m, e] = exp_requant.scale;
    if (m < 0 || m > int64_t{1} << 31 || e < -1000 || e > 1000 || peak() < 1) return status::bad_parameter;
    return status::ok;
  }

  constexpr bool kept(index_t i) const { return keep == nullptr || keep[i] != 0; }

  /// Largest score among the kept keys; 0 if there are none.
  constexpr int64_t row_max(const int32_t* x, index_t n) const {
    int64_t most = INT64_MIN;
    for (index_t i = 0; i < n; ++i) {
      if (kept(i)) most = max<int64_t>(most, x[i]);
    }
    return most == INT64_MIN ? 0 : most;
  }

  /// The score less the maximum, limited to [30 * x0, 0]; masked keys are at the lower limit.
  constexpr int64_t shifted(const int32_t* x, index_t i, int64_t most) const {
    return kept(i) ? max(x[i] - most, 30 * constants.x0) : 30 * constants.x0;
  }

  constexpr int64_t exp16(const int32_t* x, index_t i, int64_t most) const {
    return exp_requant(integer_exp(shifted(x, i, most), constants));
  }

  /// floor(2^32 / sum); a row without kept keys has sum 0 and probabilities 0.
  static constexpr int64_t factor(int64_t sum) { return sum == 0 ? 0 : (int64_t{1} << 32) / sum; }

  template <Integer Y>
  constexpr void operator()(const int32_t* x, Y* y, index_t n) const {
    const int64_t most = row_max(x, n);
    int64_t sum = 0;
    for (index_t i = 0; i < n; ++i) sum += exp16(x, i, most);
    const int64_t f = factor(sum);
    for (index_t i = 0; i < n; ++i) y[i] = static_cast<Y>((exp16(x, i, most) * f) >> 24);
  }
};

// ---- Layer normalisation (section 3.6, algorithm 5 for the square root) --------------------------------------------

struct layer_norm_statistics {
  int64_t mean;
  uint64_t variance;  ///< sum of squares of (x - mean) >> shift; 32 bits after calibration
  int64_t deviation;  ///< isqrt(variance) << shift
  int64_t factor;     ///< floor(2^31 / deviation); 0 for a row of equal values, whose output is the bias
};

/// Row normalisation: y = ((x - mean) * factor >> 1) + bias[c], in units of sqrt(C) / 2^30 * gamma[c].
/// x: at most 22 bits where the encoder uses it, and |x| < 2^27 with n <= 2^8 or the like in general, so that the sum
/// of squares fits 64 bits (it wraps beyond). |x - mean| < 2 * deviation, so the product stays below 2^32 and y without
/// bias fits 32 bits.
/// bias: (C), |bias| < 2^53. The source divides by zero for a row of equal values; here factor is 0 then.
struct layer_norm {
  const int64_t* bias;
  int shift;

  constexpr status check(index_t n) const {
    if (n < 1 || n > (index_t{1} << 20)) return status::shape_mismatch;
    if (bias == nullptr) return status::null_pointer;
    return shift < 0 || shift > 31 ? status::bad_parameter : status::ok;
  }

  /// The normalised value fits 32 bits; with the bias it needs more.
  template <Integer Y>
  static constexpr bool output_fits() {
    return sizeof(Y) == 8;
  }

  template <Integer X>
  constexpr layer_norm_statistics statistics(const X* x, index_t n) const {
    int64_t sum = 0;
    for (index_t i = 0; i < n; ++i) sum += x[i];
    const int64_t mean = divide_half_even(sum, n);
    uint64_t variance = 0;
    for (index_t i = 0; i < n; ++i) {
      const auto d = static_cast<uint64_t>((x[i] - mean) >> shift);
      variance += d * d;
    }
    return finish(mean, variance);
  }

  /// Deviation and factor from the sum of squares.
  constexpr layer_norm_statistics finish(int64_t mean, uint64_t variance) const {
    const int64_t deviation = static_cast<int64_t>(isqrt(variance)) << shift;
    return {mean, variance, deviation, deviation == 0 ? 0 : (int64_t{1} << 31) / deviation};
  }

  /// One normalised element.
  constexpr int64_t normalized(int64_t x, index_t c, const layer_norm_statistics& s) const {
    const uint64_t product = static_cast<uint64_t>(x - s.mean) * static_cast<uint64_t>(s.factor);
    return (static_cast<int64_t>(product) >> 1) + bias[c];
  }

  template <Integer X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    const layer_norm_statistics s = statistics(x, n);
    for (index_t i = 0; i < n; ++i) y[i] = static_cast<Y>(normalized(x[i], i, s));
  }
};

/// floor( (beta / gamma) / unit ), the bias of a normalised channel; unit = sqrt(C) / 2^30.
constexpr double layer_norm_bias(double beta, double gamma, double unit) { return floor((beta / gamma) / unit); }

}  // namespace tessera::ibert
