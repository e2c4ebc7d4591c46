# SPDX-License-Identifier: Apache-2.0
# Bare-metal RV32 with Debian's gcc-riscv64-unknown-elf, which brings neither a C nor a C++ library.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_COMPILER riscv64-unknown-elf-g++)
set(CMAKE_CXX_FLAGS_INIT "-march=rv32ima_zicsr_zifencei -mabi=ilp32 -mcmodel=medany -ffreestanding")
string(APPEND CMAKE_CXX_FLAGS_INIT " -fno-exceptions -fno-rtti")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
