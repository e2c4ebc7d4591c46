// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Golden vectors: files of inputs and outputs that other programs have computed. This header has what all schemas
/// share: recognising a file, comparing, and the list of results. The schemas are in golden_ita.hpp,
/// golden_quantlib.hpp, golden_ibert.hpp and golden_ibert_layer.hpp; docs/golden.md describes them.

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/concepts.hpp"
#include "tessera/core/status.hpp"
#include "tessera/network/golden_input.hpp"

namespace tessera {

// ---- Results -------------------------------------------------------------------------------------------------------

enum class golden_verdict : std::uint8_t {
  passed,
  failed,
  skipped,  ///< nothing was compared; the note says why
};

/// One case on one target: an array of the file against what was computed.
struct golden_result {
  std::string file;
  std::string name;    ///< of the case: the array's key, or `chain KEY` when a whole network block was run
  std::string target;  ///< empty where the case is about no target
  index_t elements = 0;
  golden_verdict verdict = golden_verdict::passed;
  index_t differences = 0;
  std::vector<index_t> at;  ///< index of the first difference, in the order of the file's axes
  std::string expected, actual;
  std::string note;

  bool ok() const { return verdict != golden_verdict::failed; }
};

/// Compares, and keeps what came of it. `targets` are the names of those that are asked for.
class golden_report {
 public:
  explicit golden_report(std::vector<std::string> targets) : targets_(std::move(targets)) {}

  bool runs(std::string_view target) const {
    return std::find(targets_.begin(), targets_.end(), target) != targets_.end();
  }
  /// Results from here on belong to `file`.
  void begin_file(std::string file) { file_ = std::move(file); }
  /// Called with every result as it comes.
  void on_result(std::function<void(const golden_result&)> listener) { listener_ = std::move(listener); }

  const std::vector<golden_result>& results() const { return results_; }
  index_t count(golden_verdict verdict) const {
    return std::count_if(results_.begin(), results_.end(), [=](const auto& r) { return r.verdict == verdict; });
  }

  /// All elements, where `status` is what the operator returned; the values do not matter if it refused.
  template <class Expected, class Actual>
  void compare(std::string name, std::string_view target, const golden_array<Expected>& expected, status computed,
               const std::vector<Actual>& actual, std::string note = "") {
    compare_if(
        std::move(name), target, expected, computed, actual, [](index_t) { return true; }, std::move(note));
  }

  /// Those elements for which `take(i)` is true.
  template <class Expected, class Actual, std::predicate<index_t> Take>
  void compare_if(std::string name, std::string_view target, const golden_array<Expected>& expected, status computed,
                  const std::vector<Actual>& actual, Take take, std::string note = "") {
    golden_result r = result(std::move(name), target, std::move(note));
    if (computed != status::ok) {
      r.verdict = golden_verdict::failed;
      r.elements = expected.size();
      r.note = std::string("the operator refuses: ") + to_string(computed) + (r.note.empty() ? "" : "; " + r.note);
      return keep(std::move(r));
    }
    if (static_cast<index_t>(actual.size()) != expected.size()) throw std::logic_error("golden: sizes differ");
    for (index_t i = 0; i < expected.size(); ++i) {
      if (!take(i)) continue;
      ++r.elements;
      const auto a = expected.values[static_cast<std::size_t>(i)];
      const auto b = actual[static_cast<std::size_t>(i)];
      if (same(a, b)) continue;
      if (r.differences++ == 0) {
        r.verdict = golden_verdict::failed;
        r.at = index_of(expected.shape, i);
        r.expected = text(a);
        r.actual = text(b);
      }
    }
    keep(std::move(r));
  }

  /// Nothing to pass or fail: how far `actual` is from numbers that were computed in another precision.
  template <class Expected, class Actual>
  void distance(std::string name, std::string_view target, const golden_array<Expected>& expected, status computed,
                const std::vector<Actual>& actual) {
    double largest = 0;
    if (computed != status::ok) return skip(std::move(name), target, std::string("refused: ") + to_string(computed));
    for (std::size_t i = 0; i < actual.size(); ++i) {
      largest =
          std::max(largest, std::abs(static_cast<double>(expected.values.at(i)) - static_cast<double>(actual[i])));
    }
    char number[40];
    std::snprintf(number, sizeof number, "%.17g", largest);
    skip(std::move(name), target, "tolerance only: largest difference " + std::string(number), expected.size());
  }

  void skip(std::string name, std::string_view target, std::string note, index_t elements = 0) {
    golden_result r = result(std::move(name), target, std::move(note));
    r.verdict = golden_verdict::skipped;
    r.elements = elements;
    keep(std::move(r));
  }

 private:
  template <class A, class B>
  static bool same(A a, B b) {
    if constexpr (std::floating_point<A> || std::floating_point<B>) {
      return static_cast<double>(a) == static_cast<double>(b);
    } else {
      return std::cmp_equal(a, b);
    }
  }
  template <class A>
  static std::string text(A value) {
    if constexpr (std::floating_point<A>) {
      char number[40];
      std::snprintf(number, sizeof number, "%.17g", value);
      return number;
    } else {
      return std::to_string(value);
    }
  }
  static std::vector<index_t> index_of(const std::vector<index_t>& shape, index_t flat) {
    std::vector<index_t> at(shape.size());
    for (std::size_t d = shape.size(); d-- > 0; flat /= shape[d]) at[d] = flat % shape[d];
    return at;
  }
  golden_result result(std::string name, std::string_view target, std::string note) const {
    golden_result r;
    r.file = file_;
    r.name = std::move(name);
    r.target = target;
    r.note = std::move(note);
    return r;
  }
  void keep(golden_result r) {
    results_.push_back(std::move(r));
    if (listener_) listener_(results_.back());
  }

  std::vector<std::string> targets_;
  std::string file_;
  std::vector<golden_result> results_;
  std::function<void(const golden_result&)> listener_;
};

/// Scratch memory for operators.
class golden_scratch {
 public:
  explicit golden_scratch(index_t bytes)
      : blocks_(static_cast<std::size_t>(ceil_div(bytes, static_cast<index_t>(sizeof(block))))) {}
  scratch_span span() { return {blocks_.data(), static_cast<index_t>(blocks_.size() * sizeof(block))}; }

 private:
  struct alignas(scratch_alignment) block {
    std::byte bytes[scratch_alignment];
  };
  std::vector<block> blocks_;
};

/// Reports the arrays of a file that no case has used, in one line, so that nothing is passed over in silence.
inline void report_unused(const golden_input& in, golden_report& report) {
  const std::vector<std::string> keys = in.unused();
  if (keys.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < keys.size() && i < 8; ++i) list += (i == 0 ? "" : ", ") + tessera::quoted(keys[i]);
  if (keys.size() > 8) list += ", ...";
  report.skip("other keys", "", std::to_string(keys.size()) + " arrays are not part of a comparison: " + list);
}

// ---- Recognising ---------------------------------------------------------------------------------------------------

enum class golden_schema : std::uint8_t {
  unknown,
  ita_mha,
  ita_requant,
  ita_activation,  ///< GELU or ReLU
  ita_softmax,
  ibert_ops,
  ibert_layer,
  quantlib_ops,
  deeploy_c_ops,
};

constexpr const char* to_string(golden_schema schema) {
  switch (schema) {
    case golden_schema::unknown: return "unknown";
    case golden_schema::ita_mha: return "ita_mha";
    case golden_schema::ita_requant: return "ita_requant";
    case golden_schema::ita_activation: return "ita_activation";
    case golden_schema::ita_softmax: return "ita_softmax";
    case golden_schema::ibert_ops: return "ibert_ops";
    case golden_schema::ibert_layer: return "ibert_layer";
    case golden_schema::quantlib_ops: return "quantlib_ops";
    case golden_schema::deeploy_c_ops: return "deeploy_c_ops";
  }
  return "unknown";
}

namespace detail {

/// `stem`, digits (and underscores between them), `suffix`, as in isoftmax0_2_x: the part before the suffix. Nothing if
/// the key is not of this form.
inline std::optional<std::string> numbered(std::string_view key, std::string_view stem, std::string_view suffix) {
  if (key.size() <= stem.size() + suffix.size() || !key.starts_with(stem) || !key.ends_with(suffix)) return {};
  const std::string_view middle = key.substr(stem.size(), key.size() - stem.size() - suffix.size());
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!digit(middle.front()) || !digit(middle.back())) return {};
  for (const char c : middle) {
    if (!digit(c) && c != '_') return {};
  }
  return std::string(key.substr(0, key.size() - suffix.size()));
}

/// What `numbered` finds among all keys, in their order.
inline std::vector<std::string> numbered_groups(const std::vector<std::string>& keys, std::string_view stem,
                                                std::string_view suffix) {
  std::vector<std::string> groups;
  for (const auto& key : keys) {
    if (const auto group = numbered(key, stem, suffix)) groups.push_back(*group);
  }
  return groups;
}

/// The outputs that ita_softmax knows, see golden_ita.hpp.
inline constexpr std::string_view softmax_outputs[] = {"rtl",
                                                       "pyita_streaming",
                                                       "banshee",
                                                       "deeploy_c_itapartialmax_signed",
                                                       "deeploy_c_itamax_signed",
                                                       "quantlib_itapartialmax",
                                                       "quantlib_itamax"};

inline bool any_numbered(const std::vector<std::string>& keys,
                         std::initializer_list<std::pair<std::string_view, std::string_view>> forms) {
  return std::any_of(forms.begin(), forms.end(),
                     [&](const auto& form) { return !numbered_groups(keys, form.first, form.second).empty(); });
}

inline bool any_ends_with(const std::vector<std::string>& keys, std::initializer_list<std::string_view> suffixes) {
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return std::any_of(suffixes.begin(), suffixes.end(), [&](std::string_view s) { return key.ends_with(s); });
  });
}

}  // namespace detail

/// Which schema the names of the arrays belong to; the name of the file does not matter.
inline golden_schema recognise_golden(const npz_file& file) {
  const auto& keys = file.names();
  const auto has = [&](std::initializer_list<std::string_view> all) {
    return std::all_of(all.begin(), all.end(), [&](std::string_view key) { return file.contains(key); });
  };
  if (has({"cfg_SEPFH"})) return golden_schema::ita_mha;
  if (has({"cfg_C_H_F_T_B"})) return golden_schema::ibert_layer;
  const bool rtl = has({"out_rtl"}) || has({"out_pyita"});
  if (rtl && has({"acc", "mult", "shift", "add"})) return golden_schema::ita_requant;
  if (rtl && has({"x", "params"})) return golden_schema::ita_activation;
  for (const std::string_view output : detail::softmax_outputs) {
    if (has({"x", output}) || !detail::numbered_groups(keys, "S", "_" + std::string(output)).empty()) {
      return golden_schema::ita_softmax;
    }
  }
  if (has({"emb_tokens"}) ||
      detail::any_numbered(
          keys, {{"gelu", "_scale"}, {"soft", "_scale"}, {"ln", "_x"}, {"act", "_bits"}, {"lin", "_in_scale"}})) {
    return golden_schema::ibert_ops;
  }
  const bool operators =
      has({"igelu_x"}) || has({"idiv_x"}) || has({"imean_x"}) ||
      detail::any_numbered(keys, {{"isoftmax", "_x"}, {"iln", "_x"}, {"irms", "_x"}, {"itamax", "_x"}, {"rq", "_x"}});
  if (!operators) return golden_schema::unknown;
  // The C kernels' files have stored (signed) values and shifts where quantlib's have logical values and divisors.
  const bool deeploy = detail::any_ends_with(keys, {"_log2D", "_y_signed", "_y_nchw", "_rq_y"});
  return deeploy ? golden_schema::deeploy_c_ops : golden_schema::quantlib_ops;
}

}  // namespace tessera
