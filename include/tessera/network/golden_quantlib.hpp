// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Golden vectors of the integer ONNX operators: quantlib's Python and Deeploy's C kernels. Cases are numbered; their
/// parameters are in the file, or in the key where docs/golden.md says so. Include the kernels of the targets that you
/// ask for.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/arith/quantlib_norm.hpp"
#include "tessera/arith/quantlib_softmax.hpp"
#include "tessera/network/golden.hpp"
#include "tessera/op/divide.hpp"
#include "tessera/op/map.hpp"
#include "tessera/op/mean.hpp"
#include "tessera/op/row.hpp"

namespace tessera {
namespace detail {

/// The integers between fixed pieces of a key: `match_key("rq0_io128_oo-128_y", {"rq0_io", "_oo", "_y"})` has 128 and
/// -128. Nothing if the key is of another form.
inline std::optional<std::vector<int32_t>> match_key(std::string_view key,
                                                     std::initializer_list<std::string_view> pieces) {
  std::vector<int32_t> numbers;
  for (const std::string_view* piece = pieces.begin(); piece != pieces.end(); ++piece) {
    if (piece != pieces.begin()) {
      int32_t value = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), value);
      if (error != std::errc{}) return std::nullopt;
      key.remove_prefix(static_cast<std::size_t>(end - key.data()));
      numbers.push_back(value);
    }
    if (!key.starts_with(*piece)) return std::nullopt;
    key.remove_prefix(piece->size());
  }
  if (!key.empty()) return std::nullopt;
  return numbers;
}

/// One file of operators. `deeploy` says which of two programs it describes.
template <Target T>
class quantlib_checks {
 public:
  quantlib_checks(golden_input& in, golden_report& report, bool deeploy)
      : in_(in), report_(report), deeploy_(deeploy) {}

  void run() {
    in_.ignore("seed");
    for (const auto& group : groups("isoftmax")) softmax(group);
    for (const auto& group : groups("iln")) layer_norm(group);
    for (const auto& group : groups("irms")) rms_norm(group);
    for (const auto& group : groups("itamax")) base2_softmax(group, quantlib::itamax{});
    for (const auto& group : groups("itapartialmax")) base2_softmax(group, quantlib::itapartialmax<>{});
    if (in_.contains("igelu_x")) activations();
    for (const auto& group : groups("rq")) requantisation(group);
    if (in_.contains("idiv_x")) division();
    if (in_.contains("imean_x")) mean();
  }

 private:
  using bytes = golden_array<int8_t>;

  /// isoftmax0_1 for isoftmax0_1_x and the like. Deeploy's ITAPartialMax shares the input of ITAMax.
  std::vector<std::string> groups(std::string_view stem) const {
    const bool shared = stem == "itapartialmax";
    return numbered_groups(in_.keys(), stem, shared ? "_y_signed" : "_x");
  }
  bytes rows(const std::string& key) { return in_.integers<int8_t>(key, {any_extent, any_extent}); }
  static auto view(const bytes& x) { return matrix(x.data(), x.extent(0), x.extent(1)); }
  template <class U>
  static auto view(std::vector<U>& y, const bytes& x) {
    return matrix(y.data(), x.extent(0), x.extent(1));
  }
  /// Exponent of the divisor, stored as itself (log2D) or as a power of two (D).
  int32_t log2_d(const std::string& group) {
    if (in_.contains(group + "_log2D")) return in_.integer<int32_t>(group + "_log2D");
    const int32_t d = in_.integer<int32_t>(group + "_D");
    if (d < 1 || (d & (d - 1)) != 0) in_.fail(group + "_D", "it is " + std::to_string(d) + ", not a power of two");
    return bit_width(static_cast<uint64_t>(d)) - 1;
  }
  std::array<int32_t, 3> three(const std::string& key) {
    const auto v = in_.integers<int32_t>(key, {3});
    return {v.values[0], v.values[1], v.values[2]};
  }

  /// A row operator whose logical output is stored as it is (`_y`) or less 128 (`_y_signed`).
  template <class Rule>
  void unsigned_rows(const std::string& group, const bytes& x, const Rule& rule) {
    std::vector<uint8_t> y(x.values.size());
    const status result = op::softmax<T>(view(x), rule, view(y, x));
    for (const char* suffix : {"_y", "_y_signed"}) {
      const auto expected = in_.optional_integers<int16_t>(group + suffix, {x.extent(0), x.extent(1)});
      if (!expected) continue;
      std::vector<int> actual(y.begin(), y.end());
      if (std::string_view(suffix) == "_y_signed") {
        for (int& v : actual) v -= 128;
      }
      report_.compare(expected->key, T::name, *expected, result, actual);
    }
  }

  void softmax(const std::string& group) {
    const auto c = in_.integers<int32_t>(group + "_coeffA_B_C_log2", {4});
    unsigned_rows(group, rows(group + "_x"),
                  quantlib::isoftmax{c.values[0], c.values[1], c.values[2], c.values[3], 256});
  }

  template <class Rule>
  void base2_softmax(const std::string& group, const Rule& rule) {
    std::string input = group + "_x";
    if (!in_.contains(input) && group.starts_with("itapartialmax")) {
      input = "itamax" + group.substr(std::string_view("itapartialmax").size()) + "_x";
    }
    unsigned_rows(group, rows(input), rule);
  }

  /// off<N>: the kernel sees x + N, as a byte without sign for N = 128.
  void layer_norm(const std::string& group) {
    const bytes x = rows(group + "_x");
    const auto w = in_.integers<int32_t>(group + "_w", {x.extent(1)});
    const auto b = in_.integers<int32_t>(group + "_b", {x.extent(1)});
    const int32_t d = log2_d(group);
    for (const int offset : {0, 128}) {
      const std::string key = group + "_off" + std::to_string(offset) + "_y";
      const auto expected = in_.optional_integers<int8_t>(key, {x.extent(0), x.extent(1)});
      if (!expected) continue;
      std::vector<int8_t> y(x.values.size());
      std::vector<uint8_t> shifted;
      for (const int8_t v : x.values) shifted.push_back(static_cast<uint8_t>(v + 128));
      const auto normalise = [&](const auto& rule) {
        if (offset == 0) return op::layer_norm<T>(view(x), rule, view(y, x));
        return op::layer_norm<T>(matrix(shifted.data(), x.extent(0), x.extent(1)), rule, view(y, x));
      };
      const status result =
          deeploy_ ? normalise(quantlib::ilayer_norm<quantlib::variant::deeploy>{w.data(), b.data(), d, 256})
                   : normalise(quantlib::ilayer_norm<>{w.data(), b.data(), d, 256});
      report_.compare(key, T::name, *expected, result, y);
    }
  }

  void rms_norm(const std::string& group) {
    const bytes x = rows(group + "_x");
    const auto w = in_.integers<int32_t>(group + "_w", {x.extent(1)});
    std::vector<int8_t> y(x.values.size());
    const status result = op::rms_norm<T>(view(x), quantlib::irms_norm{w.data(), log2_d(group), 256}, view(y, x));
    if (const auto expected = in_.optional_integers<int8_t>(group + "_y", {x.extent(0), x.extent(1)})) {
      report_.compare(expected->key, T::name, *expected, result, y);
    }
  }

  /// iGELU (igelu<i>_off<N>_...) and iHardswish (hswish<i>_...) of all x.
  void activations() {
    const bytes x = in_.integers<int8_t>("igelu_x", {any_extent});
    for (const auto& key : in_.keys()) {
      if (const auto gelu = match_key(key, {"igelu", "_off", "_b_one"})) {
        const auto constants = in_.integers<int32_t>(key, {2});
        const std::string group = key.substr(0, key.size() - 6);
        const quantlib::igelu rule{constants.values[0], constants.values[1]};
        const then raw{quantlib::offset{(*gelu)[1]}, rule};
        activation(x, rule.check(), raw, group + "_y");
        if (in_.contains(group + "_rq_mul_add_shift")) {
          const auto [mul, add, shift] = three(group + "_rq_mul_add_shift");
          requantised(x, rule.check(), raw, {mul, add, shift}, group + "_rq_y");
        }
      }
      if (const auto group = numbered(key, "hswish", "_consts")) {
        const auto [one_over_six, constant3, constant6] = three(key);
        const quantlib::ihardswish rule{one_over_six, constant3, constant6};
        activation(x, rule.check(), rule, *group + "_y");
        for (const auto& name : in_.keys()) {
          if (const auto rq = match_key(name, {*group + "_rq", "_", "_", "_y"})) {
            requantised(x, rule.check(), rule, {(*rq)[0], (*rq)[1], (*rq)[2]}, name);
          }
        }
      }
    }
  }

  template <class Policy>
  void activation(const bytes& x, status checked, const Policy& policy, const std::string& key) {
    const auto expected = in_.optional_integers<int32_t>(key, {x.size()});
    if (!expected) return;
    std::vector<int32_t> y(x.values.size());
    if (checked == status::ok) {
      checked = op::gelu<T>(matrix(x.data(), 1, x.size()), policy, matrix(y.data(), 1, x.size()));
    }
    report_.compare(key, T::name, *expected, checked, y);
  }

  /// From bytes, which may go through a table, and from 32 bits, as after an accumulator.
  template <class Policy>
  void requantised(const bytes& x, status checked, const Policy& policy, const quantlib::requant_shift& second,
                   const std::string& key) {
    const auto expected = in_.optional_integers<int8_t>(key, {x.size()});
    if (!expected) return;
    if (checked == status::ok) checked = second.check();
    const auto run = [&]<class In>(const char* what, const std::vector<In>& in) {
      std::vector<int8_t> y(in.size());
      status result = checked;
      if (result == status::ok) {
        result = op::gelu<T>(matrix(in.data(), 1, x.size()), then{policy, second}, matrix(y.data(), 1, x.size()));
      }
      report_.compare(key + what, T::name, *expected, result, y);
    };
    run(" (int8 input)", x.values);
    run(" (int32 input)", std::vector<int32_t>(x.values.begin(), x.values.end()));
  }

  /// Rows are channels. Deeploy: io<N> is added to x, oo<N> to the output, which is unsigned if N is not 0.
  /// quantlib: signed<0|1>, cmsis<0|1> adds before it multiplies.
  void requantisation(const std::string& group) {
    const auto x = in_.integers<int32_t>(group + "_x", {any_extent, any_extent});
    const index_t channels = x.extent(0);
    const auto mul = in_.integers<int32_t>(group + "_mul", {channels});
    const auto add = in_.integers<int32_t>(group + "_add", {channels});
    const int32_t d = log2_d(group);
    const auto in = matrix(x.data(), channels, x.extent(1));
    std::vector<int16_t> y(x.values.size());
    const auto out = matrix(y.data(), channels, x.extent(1));
    for (const auto& key : in_.keys()) {
      quantlib::requant_shift_channels policy{mul.data(), add.data(), d, 256, true};
      status result = policy.check();
      if (const auto offsets = match_key(key, {group + "_io", "_oo", "_y_nchw"})) {
        const auto [input, output] = std::pair((*offsets)[0], (*offsets)[1]);
        if (output != 0 && output != -128) in_.fail(key, "output offsets other than 0 and -128 are not known");
        policy.is_signed = output == 0;
        const then logical{quantlib::offset{input}, by_row{policy}};
        if (result == status::ok) {
          result = output == 0 ? op::requantize<T>(in, logical, out)
                               : op::requantize<T>(in, then{logical, quantlib::to_stored(256)}, out);
        }
      } else if (const auto flags = match_key(key, {group + "_signed", "_cmsis", "_y"})) {
        policy.is_signed = (*flags)[0] != 0;
        std::vector<int32_t> moved = add.values;
        if ((*flags)[1] != 0) {
          for (std::size_t c = 0; c < moved.size(); ++c) {
            if (mul.values[c] == 0) in_.fail(mul.key, "a multiplier is zero, by which cmsis divides");
            const int64_t sum = quantlib::cmsis_add(mul.values[c], add.values[c]);
            if (!holds<int32_t>(sum, sum)) in_.fail(add.key, "as cmsis rounds it, an addend leaves 32 bits");
            moved[c] = static_cast<int32_t>(sum);
          }
        }
        policy.add = moved.data();
        if (result == status::ok) result = op::requantize<T>(in, by_row{policy}, out);
      } else {
        continue;
      }
      report_.compare(key, T::name, in_.integers<int32_t>(key, {channels, x.extent(1)}), result, y);
    }
  }

  /// x / d, where d has extent 1 along the axes over which it is repeated.
  void division() {
    const auto x = in_.integers<int32_t>("idiv_x", {any_extent, any_extent, any_extent});
    const auto d = in_.integers<int32_t>("idiv_d", {any_extent, any_extent, any_extent});
    const auto [delta, eps, eta] = three("idiv_Delta_eps_eta");
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (d.extent(axis) != 1 && d.extent(axis) != x.extent(axis)) {
        in_.fail("idiv_d", "its shape " + shape_text(d.shape) + " cannot be repeated to " + shape_text(x.shape));
      }
    }
    const auto expected = in_.integers<int64_t>("idiv_y", {x.extent(0), x.extent(1), x.extent(2)});
    std::vector<int32_t> repeated;
    for (index_t i = 0; i < x.size(); ++i) {
      index_t at = 0;
      index_t rest = i;
      index_t step = d.size();
      index_t block = x.size();
      for (std::size_t axis = 0; axis < 3; ++axis) {
        block /= x.extent(axis);
        step /= d.extent(axis);
        at += d.extent(axis) == 1 ? 0 : rest / block * step;
        rest %= block;
      }
      repeated.push_back(d.values[static_cast<std::size_t>(at)]);
    }
    const auto divide = [&](const auto& rule) {
      using tag = divide_op<remove_cvref_t<decltype(rule)>, int64_t>;
      if constexpr (kernel_tier<tag, T> >= T::minimum_tier) {
        const index_t n = x.extent(2);
        const index_t m = x.size() / n;
        std::vector<int64_t> y(x.values.size());
        const status result =
            op::divide<T>(matrix(x.data(), m, n), matrix(repeated.data(), m, n), rule, matrix(y.data(), m, n));
        report_.compare("idiv_y", T::name, expected, result, y);
      } else {
        report_.skip("idiv_y", T::name, "this target has no kernel of its own: see the reference", x.size());
      }
    };
    if (deeploy_) {
      divide(quantlib::integer_div<quantlib::variant::deeploy>{delta, eps, eta});
    } else {
      divide(quantlib::integer_div<>{delta, eps, eta});
    }
  }

  /// Mean over the middle axis.
  void mean() {
    const auto x = in_.integers<int8_t>("imean_x", {any_extent, any_extent, any_extent});
    const index_t n = x.extent(1);
    const index_t inner = x.extent(2);
    const auto expected = in_.optional_integers<int32_t>("imean_axis1_y", {x.extent(0), inner});
    if (!expected) return;
    std::vector<int8_t> y(expected->values.size());
    status result = status::ok;
    for (index_t i = 0; i < x.extent(0) && result == status::ok; ++i) {
      const auto block = matrix(x.data() + i * n * inner, n, inner);
      const auto out = vector(y.data() + i * inner, inner);
      result = deeploy_ ? op::mean<T, axis::rows>(block, quantlib::mean<quantlib::variant::deeploy>{}, out)
                        : op::mean<T, axis::rows>(block, quantlib::mean<>{}, out);
    }
    report_.compare(expected->key, T::name, *expected, result, y);
  }

  golden_input& in_;
  golden_report& report_;
  bool deeploy_;
};

}  // namespace detail

/// Runs a file of quantlib_ops or deeploy_c_ops on those of the targets `T...` that the report asks for.
template <Target... T>
void check_golden_quantlib(golden_schema schema, golden_input& in, golden_report& report, type_list<T...>) {
  const bool deeploy = schema == golden_schema::deeploy_c_ops;
  const auto run = [&]<Target U>() {
    if (report.runs(U::name)) detail::quantlib_checks<U>(in, report, deeploy).run();
  };
  (run.template operator()<T>(), ...);
  report_unused(in, report);
}

}  // namespace tessera
