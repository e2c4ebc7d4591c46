# SPDX-License-Identifier: Apache-2.0
# Bare-metal RV32 with clang and lld.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_COMPILER clang++)
set(CMAKE_CXX_COMPILER_TARGET riscv32-unknown-elf)
set(CMAKE_CXX_FLAGS_INIT "-march=rv32ima -mabi=ilp32 -mcmodel=medany -ffreestanding")
string(APPEND CMAKE_CXX_FLAGS_INIT " -fno-exceptions -fno-rtti")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
