// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Reading files of golden vectors without trusting them.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/shape.hpp"
#include "tessera/core/status.hpp"
#include "tessera/network/npz.hpp"

namespace tessera {

/// An array of a file, row-major.
template <class T>
struct golden_array {
  std::string key;
  std::vector<index_t> shape;
  std::vector<T> values;

  index_t extent(std::size_t dimension) const { return shape[dimension]; }
  index_t size() const { return static_cast<index_t>(values.size()); }
  const T* data() const { return values.data(); }
};

/// Stands for an extent that may have any value from 1 on.
inline constexpr index_t any_extent = -1;

/// A file of golden vectors. Every array is checked against what its schema says of it; every violation is a
/// `data_error` that names the file and the key. It remembers which arrays were asked for.
class golden_input {
 public:
  /// The file must outlive this object.
  explicit golden_input(const npz_file& file) : file_(file) {}

  const std::string& name() const { return file_.name(); }
  const std::vector<std::string>& keys() const { return file_.names(); }
  bool contains(std::string_view key) const { return file_.contains(key); }

  /// Integers of any stored width that are values of T. `shape`: any_extent accepts all but 0.
  template <Integer T>
  golden_array<T> integers(const std::string& key, std::initializer_list<index_t> shape) {
    const npy_array array = checked(key, shape);
    if (!is_integer(array.type)) fail(key, std::string("its elements are ") + to_string(array.type) + ", not integers");
    return {key, array.shape, array.to<T>()};
  }
  /// Real numbers of any stored width, all finite.
  golden_array<double> reals(const std::string& key, std::initializer_list<index_t> shape) {
    const npy_array array = checked(key, shape);
    if (array.type != dtype::f16 && array.type != dtype::f32 && array.type != dtype::f64) {
      fail(key, std::string("its elements are ") + to_string(array.type) + ", not real numbers");
    }
    golden_array<double> result{key, array.shape, array.to<double>()};
    for (const double v : result.values) {
      if (!std::isfinite(v)) fail(key, "it holds a value that is not finite");
    }
    return result;
  }
  /// The only element, whatever the rank.
  template <Integer T>
  T integer(const std::string& key) {
    const npy_array array = checked(key);
    if (!is_integer(array.type)) fail(key, std::string("its elements are ") + to_string(array.type) + ", not integers");
    return array.scalar<T>();
  }
  double real(const std::string& key) {
    const npy_array array = checked(key);
    if (array.type != dtype::f16 && array.type != dtype::f32 && array.type != dtype::f64) {
      fail(key, std::string("its elements are ") + to_string(array.type) + ", not real numbers");
    }
    const double value = array.scalar<double>();
    if (!std::isfinite(value)) fail(key, "its value is not finite");
    return value;
  }

  /// A positive real number of a magnitude with which no later step can overflow.
  double scale(const std::string& key) {
    const double value = real(key);
    if (!(value > 1e-15 && value < 1e15)) fail(key, "it is no usable scale: outside 1e-15..1e15");
    return value;
  }

  template <Integer T>
  std::optional<golden_array<T>> optional_integers(const std::string& key, std::initializer_list<index_t> shape) {
    if (!contains(key)) return std::nullopt;
    return integers<T>(key, shape);
  }
  std::optional<golden_array<double>> optional_reals(const std::string& key, std::initializer_list<index_t> shape) {
    if (!contains(key)) return std::nullopt;
    return reals(key, shape);
  }

  /// Elements of a buffer of these extents: refuses what no file of reasonable size asks for.
  std::size_t volume(std::string_view what, std::initializer_list<index_t> extents) const {
    constexpr index_t most = index_t{1} << 26;
    index_t product = 1;
    for (const index_t extent : extents) {
      if (extent < 0 || (extent != 0 && product > most / extent)) {
        throw data_error(name(), "", "its shapes ask for more than 2^26 elements of " + std::string(what));
      }
      product *= extent;
    }
    return static_cast<std::size_t>(product);
  }

  /// Not part of any comparison, and that is right.
  void ignore(std::string key) { used_.insert(std::move(key)); }
  /// As if nobody had asked for it yet.
  void forget(const std::string& key) { used_.erase(key); }
  /// Arrays that nobody asked for, in the order of the file.
  std::vector<std::string> unused() const {
    std::vector<std::string> result;
    for (const auto& key : keys()) {
      if (!used_.contains(key)) result.push_back(key);
    }
    return result;
  }

  [[noreturn]] void fail(std::string_view key, std::string_view reason) const {
    throw data_error(name(), "tensor " + tessera::quoted(key), reason);
  }

 private:
  static bool is_integer(dtype type) {
    return type != dtype::boolean && type != dtype::f16 && type != dtype::bf16 && type != dtype::f32 &&
           type != dtype::f64;
  }
  npy_array checked(const std::string& key) {
    used_.insert(key);
    return file_.array(key);
  }
  npy_array checked(const std::string& key, std::initializer_list<index_t> shape) {
    npy_array array = checked(key);
    bool good = array.shape.size() == shape.size();
    for (std::size_t d = 0; good && d < shape.size(); ++d) {
      const index_t wanted = shape.begin()[d];
      good = wanted == any_extent ? array.shape[d] > 0 : array.shape[d] == wanted;
    }
    if (!good) {
      std::string wanted;
      for (const index_t extent : shape) {
        wanted += (wanted.empty() ? "" : ", ") + (extent == any_extent ? "any" : std::to_string(extent));
      }
      fail(key, "its shape is " + detail::shape_text(array.shape) + ", but (" + wanted + ") is expected");
    }
    return array;
  }

  const npz_file& file_;
  std::set<std::string> used_;
};

}  // namespace tessera
