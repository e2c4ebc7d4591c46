// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "support/measure.hpp"

namespace {

/// Clock of the CPU in GHz while it works: dependent additions of registers take one cycle each.
double measured_clock() {
  constexpr int additions = 4'000'000;
  double best = 0;
  for (int trial = 0; trial < 10; ++trial) {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t sum = 1;
    std::uint64_t step = 3;
    for (int i = 0; i < additions; i += 8) {
      for (int j = 0; j < 8; ++j) {
        sum += step;
        asm volatile("" : "+r"(sum), "+r"(step));
      }
    }
    benchmark::DoNotOptimize(sum);
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    best = std::max(best, additions / taken.count());
  }
  return best;
}

}  // namespace

bool tessera::bench::some_result_is_wrong = false;

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("tessera_compiler", TESSERA_BENCHMARK_COMPILER);
  benchmark::AddCustomContext("tessera_flags", TESSERA_BENCHMARK_FLAGS);
  benchmark::AddCustomContext("tessera_vectors", tessera::simd::arch::name());
  benchmark::AddCustomContext("tessera_seed", std::to_string(tessera::bench::seed));
  benchmark::AddCustomContext("tessera_clock_ghz", std::to_string(measured_clock()));
  tessera::bench::register_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return tessera::bench::some_result_is_wrong ? 1 : 0;
}
