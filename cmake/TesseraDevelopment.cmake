# SPDX-License-Identifier: Apache-2.0
# What only Tessera's own executables need: warnings, ccache, the instruction set of tools and tests. As a part of
# another project this changes nothing outside Tessera's directory: no cache variable but TESSERA_*.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

find_program(TESSERA_CCACHE ccache)
if(TESSERA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${TESSERA_CCACHE}")
endif()

# Tools, tests and benchmarks are compiled for this instruction set. `auto` takes x86-64-v3 (AVX2, FMA) where this
# machine has it, else the compiler's baseline; `baseline` keeps binaries portable; anything else goes to -march.
set(TESSERA_HOST_ARCH auto CACHE STRING "auto, baseline, or a value for -march")
set(TESSERA_HOST_ARCH_FLAGS "")
if(TESSERA_HOST_ARCH STREQUAL "auto")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT CMAKE_CROSSCOMPILING)
    include(CheckCXXSourceRuns)
    check_cxx_source_runs("int main() { __builtin_cpu_init();
      return __builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\") && __builtin_cpu_supports(\"bmi2\") ? 0 : 1; }"
      TESSERA_CPU_HAS_AVX2)
    if(TESSERA_CPU_HAS_AVX2)
      set(TESSERA_HOST_ARCH_FLAGS -march=x86-64-v3)
    endif()
  endif()
elseif(NOT TESSERA_HOST_ARCH STREQUAL "baseline")
  set(TESSERA_HOST_ARCH_FLAGS -march=${TESSERA_HOST_ARCH})
endif()

# tessera_development(target): how this project compiles its own executables.
function(tessera_development target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wpedantic ${TESSERA_HOST_ARCH_FLAGS})
  if(TESSERA_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
option(TESSERA_WERROR "Treat warnings as errors" OFF)
