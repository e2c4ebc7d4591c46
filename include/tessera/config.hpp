// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Version, compiler and ISA probes, and the replaceable assertion. This is the only header that
/// asks the preprocessor what the compiler targets; everything else asks a target type.

/// major * 10000 + minor * 100 + patch. CMake reads the project version from this line.
#define TESSERA_VERSION 100

// What the translation unit may use of the host's vector units. `target/host.hpp` turns these into a type.
#if defined(__AVX2__)
#define TESSERA_ISA_X86 2
#elif defined(__SSE2__)
#define TESSERA_ISA_X86 1
#else
#define TESSERA_ISA_X86 0
#endif

#if defined(__aarch64__) && defined(__ARM_NEON)
#define TESSERA_ISA_NEON64 1
#else
#define TESSERA_ISA_NEON64 0
#endif

#if defined(__FMA__) || TESSERA_ISA_NEON64
#define TESSERA_ISA_FMA 1
#else
#define TESSERA_ISA_FMA 0
#endif

// Whether the cores execute Xpulpimg. No stock compiler knows that extension, so the build says it
// (tessera_add_mempool_executable does). `isa/native.hpp` turns it into a type.
#ifndef TESSERA_XPULPIMG
#define TESSERA_XPULPIMG 0
#endif

/// Internal consistency check. Define it before the first Tessera header to route failures elsewhere
/// (bare metal: a UART print and a halt). Silent under NDEBUG, but still type-checked. Operators report
/// bad arguments through `status`, never through this.
#ifndef TESSERA_ASSERT
#ifdef NDEBUG
#define TESSERA_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#else
#define TESSERA_ASSERT(condition) ((condition) ? static_cast<void>(0) : __builtin_trap())
#endif
#endif
