// SPDX-License-Identifier: Apache-2.0
#include "support/measure.hpp"

bool tessera::bench::some_result_is_wrong = false;

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("tessera_compiler", TESSERA_BENCHMARK_COMPILER);
  benchmark::AddCustomContext("tessera_flags", TESSERA_BENCHMARK_FLAGS);
  benchmark::AddCustomContext("tessera_vectors", tessera::simd::arch::name());
  benchmark::AddCustomContext("tessera_seed", std::to_string(tessera::bench::seed));
  tessera::bench::register_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return tessera::bench::some_result_is_wrong ? 1 : 0;
}
