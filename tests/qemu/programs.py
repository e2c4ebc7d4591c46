#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles program.cpp at each level of optimisation and runs it on qemu-user and on the model, which must agree.

    programs.py --differential PROGRAM --work FOLDER        exit status 77: something that this needs is missing
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

COMPILER = "riscv64-unknown-elf-g++"
FLAGS = ["-march=rv32ima", "-mabi=ilp32", "-std=c++20", "-Wall", "-Wextra", "-ffreestanding", "-fno-exceptions",
         "-nostdlib", "-Wl,-Ttext=0x80000000,--section-start=.l1=0x20000"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--differential", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    if shutil.which(COMPILER) is None:
        print(f"skipped: there is no {COMPILER} (Debian: gcc-riscv64-unknown-elf)")
        return 77
    source = pathlib.Path(__file__).with_name("program.cpp")
    arguments.work.mkdir(parents=True, exist_ok=True)
    for level in ("-O0", "-Os", "-O2", "-O3"):
        program = arguments.work / f"program{level}.elf"
        subprocess.run([COMPILER, *FLAGS, level, source, "-lgcc", "-o", program], check=True)
        status = subprocess.run([arguments.differential, "--program", program]).returncode
        if status != 0:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
