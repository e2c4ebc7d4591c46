// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// One operator on one set of data, checked and timed on each target. Ids are `op/type/shape/target`.

#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "support/data.hpp"
#include "tessera/core/status.hpp"
#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera::bench {

/// What one call does. Products count their multiply-accumulates, other operators their elements.
struct work {
  double macs = 0;
  double elements = 0;
  double bytes = 0;  ///< read and written, each byte once
};

/// Set when a result was wrong; the program then ends with exit status 1.
extern bool some_result_is_wrong;

/// The list of benchmarks of this program.
void register_benchmarks();

/// Data, the reference's result and the output buffer of one case, for all targets. Made when first needed, so that a
/// filtered run does not pay for the rest.
template <class Y, class Make>
class prepared_case {
 public:
  prepared_case(index_t size, Make make) : size_(static_cast<std::size_t>(size)), make_(std::move(make)) {}

  /// Computes the result on T once and compares it with the reference. Empty if they agree.
  template <Target T>
  std::string compare() {
    if (!op_) {
      op_.emplace(make_());
      expected_ = buffer<Y>(size_);
      y_ = buffer<Y>(size_);
      rewind();
      reference_status_ = (*op_)(target::reference{}, expected_.data());
    }
    if (reference_status_ != status::ok) return std::string("the reference refuses: ") + to_string(reference_status_);
    std::memset(static_cast<void*>(y_.data()), 0x5a, size_ * sizeof(Y));
    rewind();
    if (const status s = run<T>(); s != status::ok) return std::string("refused: ") + to_string(s);
    for (std::size_t i = 0; i < size_; ++i) {
      if (y_[i] != expected_[i]) {
        return "element " + std::to_string(i) + " is " + std::to_string(y_[i]) + ", the reference has " +
               std::to_string(expected_[i]);
      }
    }
    return {};
  }

  template <Target T>
  status run() {
    return (*op_)(T{}, y_.data());
  }
  const Y* output() const { return y_.data(); }

 private:
  /// A case that takes other inputs in every call begins anew.
  void rewind() {
    if constexpr (requires { op_->rewind(); }) op_->rewind();
  }

  std::size_t size_;
  Make make_;
  std::optional<decltype(std::declval<Make>()())> op_;
  status reference_status_ = status::ok;
  buffer<Y> expected_;
  buffer<Y> y_;
};

template <Target T, class Case>
void measure(benchmark::State& state, Case& prepared, const work& w) {
  if (const std::string error = prepared.template compare<T>(); !error.empty()) {
    some_result_is_wrong = true;
    return state.SkipWithError(error.c_str());
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(prepared.template run<T>());
    benchmark::DoNotOptimize(prepared.output());
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const auto rate = [&](const char* name, double per_call) {
    if (per_call != 0) state.counters[name] = Counter(per_call, Counter::kIsIterationInvariantRate);
  };
  rate("GOPS", 2e-9 * w.macs);
  rate("Gelements", 1e-9 * w.elements);
  rate("GB", 1e-9 * w.bytes);
}

/// Registers `id/target` for every target. make(): everything that the operator reads, as a function
/// (target, y) -> status that writes `size` elements y.
template <class Y, class Make>
void add_case(const std::string& id, index_t size, const work& w, Make make) {
  const auto prepared = std::make_shared<prepared_case<Y, Make>>(size, std::move(make));
  const auto add_target = [&]<Target T>(T) {
    benchmark::RegisterBenchmark((id + "/" + T::name).c_str(), [prepared, w](benchmark::State& state) {
      measure<T>(state, *prepared, w);
    })->Unit(benchmark::kMicrosecond);
  };
  add_target(target::reference{});
  add_target(target::host{});
}

}  // namespace tessera::bench
