// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Golden vectors of the accelerator: whole attention and feed-forward runs, requantisation, activations, softmax.
/// Include the kernels of the targets that you ask for.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/arith/quantlib_softmax.hpp"
#include "tessera/network/golden_ita_mha.hpp"
#include "tessera/op/map.hpp"
#include "tessera/op/row.hpp"

namespace tessera {
namespace detail {

// ---- ita_requant ---------------------------------------------------------------------------------------------------

/// One requantisation per element.
struct ita_requant_vectors {
  golden_array<int32_t> acc;
  golden_array<uint8_t> mult, shift;
  golden_array<int8_t> add;
  std::optional<golden_array<int8_t>> rtl, pyita;

  explicit ita_requant_vectors(golden_input& in) {
    acc = in.integers<int32_t>("acc", {any_extent});
    const index_t n = acc.size();
    mult = in.integers<uint8_t>("mult", {n});
    shift = in.integers<uint8_t>("shift", {n});
    add = in.integers<int8_t>("add", {n});
    rtl = in.optional_integers<int8_t>("out_rtl", {n});
    pyita = in.optional_integers<int8_t>("out_pyita", {n});
    in.ignore("seed");
  }
};

template <Target T>
void check_ita_requant(const ita_requant_vectors& v, golden_report& report) {
  // Each value in every lane of a vector register and in the scalar rest of a row.
  constexpr std::size_t copies = 13;
  status result = status::ok;
  std::vector<std::array<int8_t, copies>> lanes(v.acc.values.size());
  for (std::size_t i = 0; i < lanes.size() && result == status::ok; ++i) {
    std::array<int32_t, copies> x;
    x.fill(v.acc.values[i]);
    const ita::requant policy{v.mult.values[i], v.shift.values[i], v.add.values[i]};
    result =
        op::requantize<T>(matrix<1, index_t{copies}>(x.data()), policy, matrix<1, index_t{copies}>(lanes[i].data()));
  }
  const auto compare = [&](const golden_array<int8_t>& expected, auto take, const char* note) {
    std::vector<int8_t> actual(lanes.size());
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      actual[i] = lanes[i][0];
      for (const int8_t y : lanes[i]) actual[i] = y != expected.values[i] ? y : actual[i];
    }
    report.compare_if(expected.key, T::name, expected, result, actual, take, note);
  };
  if (v.rtl)
    compare(
        *v.rtl, [](index_t) { return true; }, "");
  if (v.pyita) {
    const bool all = std::all_of(v.shift.values.begin(), v.shift.values.end(), [](uint8_t s) { return s <= 22; });
    compare(
        *v.pyita, [&](index_t i) { return v.shift.values[static_cast<std::size_t>(i)] <= 22; },
        all ? "" : "PyITA's rounding is its own for shifts over 22: left out");
  }
}

// ---- ita_activation ------------------------------------------------------------------------------------------------

/// Rows of params = (gelu_one, gelu_b, gelu_c, mult, shift, add), applied to all x.
struct ita_activation_vectors {
  golden_array<int8_t> x;
  golden_array<int32_t> params;
  std::optional<golden_array<int8_t>> rtl, pyita;
  std::optional<golden_array<int32_t>> raw;  ///< GELU before its requantisation, as PyITA has it
  bool relu = false;

  explicit ita_activation_vectors(golden_input& in) {
    x = in.integers<int8_t>("x", {any_extent});
    params = in.integers<int32_t>("params", {any_extent, 6});
    const index_t rows = params.extent(0);
    in.volume("outputs", {rows, x.size()});
    rtl = in.optional_integers<int8_t>("out_rtl", {rows, x.size()});
    pyita = in.optional_integers<int8_t>("out_pyita", {rows, x.size()});
    raw = in.optional_integers<int32_t>("raw_i_gelu", {rows, x.size()});
    for (index_t r = 0; r < rows; ++r) {
      const auto check = [&](index_t column, int32_t low, int32_t high, const char* what) {
        if (at(r, column) < low || at(r, column) > high) {
          in.fail("params", std::string(what) + " of row " + std::to_string(r) + " is " +
                                std::to_string(at(r, column)) + ", outside " + std::to_string(low) + ".." +
                                std::to_string(high));
        }
      };
      check(1, -32768, 32767, "gelu_b");
      check(2, -32768, 32767, "gelu_c");
      check(3, 0, 255, "mult");
      check(4, 0, 255, "shift");
      check(5, -128, 127, "add");
    }
    relu = !raw && looks_like_relu();
    in.ignore("seed");
  }

  int32_t at(index_t row, index_t column) const { return params.values[static_cast<std::size_t>(row * 6 + column)]; }
  ita::requant second(index_t row) const {
    return {static_cast<uint8_t>(at(row, 3)), static_cast<uint8_t>(at(row, 4)), static_cast<int8_t>(at(row, 5))};
  }
  ita::gelu gelu(index_t row) const {
    return {static_cast<int16_t>(at(row, 1)), static_cast<int16_t>(at(row, 2)), second(row)};
  }
  /// PyITA limits x to -127 before the GELU; the hardware does not.
  bool pyita_differs(index_t element) const {
    return !relu && x.values[static_cast<std::size_t>(element % x.size())] == -128 && at(element / x.size(), 1) < -127;
  }

 private:
  /// Both activations are stored under the same names, and the parameters are those of GELU in both. ReLU gives `add`
  /// for every negative x, GELU for those far below zero only.
  bool looks_like_relu() const {
    const auto& out = rtl ? *rtl : *pyita;
    index_t negative = 0, constant = 0;
    for (index_t i = 0; i < out.size(); ++i) {
      if (x.values[static_cast<std::size_t>(i % x.size())] >= 0) continue;
      ++negative;
      constant += out.values[static_cast<std::size_t>(i)] == at(i / x.size(), 5) ? 1 : 0;
    }
    return constant * 4 > negative * 3;
  }
};

/// In: the element type of the input; bytes take a table on some targets, so wide inputs are run as well.
template <Target T, Integer In>
void check_ita_activation(const ita_activation_vectors& v, const char* input, golden_report& report) {
  const index_t n = v.x.size();
  const std::vector<In> x(v.x.values.begin(), v.x.values.end());
  std::vector<int8_t> actual(static_cast<std::size_t>(v.params.extent(0) * n));
  status result = status::ok;
  for (index_t r = 0; r < v.params.extent(0) && result == status::ok; ++r) {
    const auto in = matrix(x.data(), 1, n);
    const auto out = matrix(actual.data() + r * n, 1, n);
    if (v.relu) {
      result = op::requantize<T>(in, ita::relu{v.second(r)}, out);
    } else {
      result = v.gelu(r).check();
      if (result == status::ok) result = op::gelu<T>(in, v.gelu(r), out);
    }
  }
  const std::string what = std::string(v.relu ? "relu " : "gelu ") + input + " ";
  if (v.rtl) report.compare(what + v.rtl->key, T::name, *v.rtl, result, actual);
  if (v.pyita) {
    bool all = true;
    for (index_t i = 0; i < v.pyita->size(); ++i) all = all && !v.pyita_differs(i);
    report.compare_if(
        what + v.pyita->key, T::name, *v.pyita, result, actual, [&](index_t i) { return !v.pyita_differs(i); },
        all ? "" : "without x = -128 where b < -127: PyITA limits x first");
  }
}

inline void check_ita_raw_gelu(const ita_activation_vectors& v, golden_report& report) {
  if (!v.raw) return;
  std::vector<int64_t> actual;
  bool all = true;
  for (index_t i = 0; i < v.raw->size(); ++i) {
    const index_t row = i / v.x.size();
    actual.push_back(ita::i_gelu(v.x.values[static_cast<std::size_t>(i % v.x.size())], v.at(row, 1), v.at(row, 2)));
    all = all && !v.pyita_differs(i);
  }
  report.compare_if(
      "raw_i_gelu", "reference", *v.raw, status::ok, actual, [&](index_t i) { return !v.pyita_differs(i); },
      all ? "" : "without x = -128 where b < -127: PyITA limits x first");
}

// ---- ita_softmax ---------------------------------------------------------------------------------------------------

/// Blocks of rows with the outputs of several programs: `x` or `S<N>_x`, and the keys of `softmax_outputs` likewise.
struct ita_softmax_vectors {
  struct block {
    golden_array<int8_t> x;
    std::vector<std::pair<std::string_view, golden_array<int16_t>>> outputs;
  };
  std::vector<block> blocks;

  explicit ita_softmax_vectors(golden_input& in) {
    std::vector<std::string> prefixes;
    if (in.contains("x")) prefixes.push_back("");
    for (const auto& group : numbered_groups(in.keys(), "S", "_x")) prefixes.push_back(group + "_");
    for (const auto& prefix : prefixes) {
      block b{in.integers<int8_t>(prefix + "x", {any_extent, any_extent}), {}};
      for (const std::string_view output : softmax_outputs) {
        const std::string key = prefix + std::string(output);
        if (auto array = in.optional_integers<int16_t>(key, {b.x.extent(0), b.x.extent(1)})) {
          b.outputs.emplace_back(output, std::move(*array));
        }
      }
      blocks.push_back(std::move(b));
    }
    in.ignore("seed");
  }
};

template <Target T>
void check_ita_softmax(const ita_softmax_vectors& v, golden_report& report) {
  for (const auto& block : v.blocks) {
    const index_t m = block.x.extent(0);
    const index_t n = block.x.extent(1);
    for (const auto& [output, expected] : block.outputs) {
      std::vector<uint8_t> y(block.x.values.size());
      const auto run = [&](const auto& rule) {
        return op::softmax<T>(matrix(block.x.data(), m, n), rule, matrix(y.data(), m, n));
      };
      status result = status::ok;
      if (output == "rtl" || output == "pyita_streaming") result = run(ita::streaming_softmax{});
      if (output == "banshee") result = run(ita::mempool_softmax{});
      if (output == "deeploy_c_itapartialmax_signed") result = run(quantlib::itapartialmax<>{});
      if (output == "quantlib_itapartialmax") result = run(quantlib::itapartialmax<quantlib::variant::quantlib>{});
      if (output == "deeploy_c_itamax_signed" || output == "quantlib_itamax") result = run(quantlib::itamax{});
      const int stored = output.ends_with("_signed") ? -128 : 0;  // Deeploy keeps an unsigned byte as value - 128
      std::vector<int> actual;
      for (const uint8_t p : y) actual.push_back(p + stored);
      report.compare(expected.key, T::name, expected, result, actual);
    }
  }
}

}  // namespace detail

/// Runs a file of one of the ita schemas on those of the targets `T...` that the report asks for.
template <Target... T>
void check_golden_ita(golden_schema schema, golden_input& in, golden_report& report, type_list<T...>) {
  const auto each = [&](auto run) { ((report.runs(T::name) ? run.template operator()<T>() : void()), ...); };
  if (schema == golden_schema::ita_mha) {
    const detail::ita_mha_vectors v(in);
    each([&]<Target U>() {
      detail::check_ita_stages<U>(v, report);
      detail::check_ita_chain<U>(v, report);
    });
  } else if (schema == golden_schema::ita_requant) {
    const detail::ita_requant_vectors v(in);
    each([&]<Target U>() { detail::check_ita_requant<U>(v, report); });
  } else if (schema == golden_schema::ita_activation) {
    const detail::ita_activation_vectors v(in);
    each([&]<Target U>() {
      detail::check_ita_activation<U, int8_t>(v, "int8", report);
      detail::check_ita_activation<U, int32_t>(v, "int32", report);
      if (U::minimum_tier == 0) {
        detail::check_ita_raw_gelu(v, report);
      } else if (v.raw) {
        report.skip("raw_i_gelu", U::name, "inside the operator: only the reference shows it", v.raw->size());
      }
    });
  } else if (schema == golden_schema::ita_softmax) {
    const detail::ita_softmax_vectors v(in);
    each([&]<Target U>() { detail::check_ita_softmax<U>(v, report); });
  }
  report_unused(in, report);
}

}  // namespace tessera
