#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that the model needs no operating system and does the same on every machine.

    portable.py freestanding --source PROJECT            its headers compile without a hosted C++ library
    portable.py counters --source PROJECT --work FOLDER --native PROGRAM
                                                         portable.cpp prints the same here and on 64-bit RISC-V
    portable.py tests --source PROJECT --work FOLDER --doctest FOLDER
                                                         the model's unit tests pass on 64-bit RISC-V

Exit status 77: a compiler or qemu-user is missing.
"""
import argparse
import difflib
import pathlib
import shutil
import subprocess
import sys

CROSS = "riscv64-linux-gnu-g++"
QEMU = "qemu-riscv64"
BARE_METAL = "riscv64-unknown-elf-g++"
PACKAGES = {CROSS: "g++-riscv64-linux-gnu", QEMU: "qemu-user", BARE_METAL: "gcc-riscv64-unknown-elf"}
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]


def missing(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            print(f"skipped: there is no {tool} (Debian: {PACKAGES[tool]})")
            return True
    return False


def freestanding(arguments):
    if missing(BARE_METAL):
        return 77
    folder = arguments.source / "include"
    headers = sorted(path.relative_to(folder) for path in (folder / "tessera" / "sim").glob("*.hpp"))
    text = "".join(f'#include "{header}"\n' for header in headers)
    done = subprocess.run([BARE_METAL, "-march=rv32im_zicsr", "-mabi=ilp32", "-std=c++20", "-ffreestanding",
                           "-nostdinc++", "-fsyntax-only", *WARNINGS, "-I", folder, "-x", "c++", "-"],
                          input=text.encode())
    print(f"{len(headers)} headers")
    return done.returncode


def build(arguments, name, sources, *flags):
    """Compiles for 64-bit RISC-V Linux; returns the program."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    program = arguments.work / name
    source = arguments.source
    subprocess.run([CROSS, "-std=c++20", "-O1", "-static", *WARNINGS, "-I", source / "include", "-I", source / "tests",
                    *flags, *sources, "-o", program], check=True)
    return program


def counters(arguments):
    if missing(CROSS, QEMU):
        return 77
    program = build(arguments, "portable", [arguments.source / "tests/qemu/portable.cpp"])
    here = subprocess.run([arguments.native], stdout=subprocess.PIPE, check=True, text=True).stdout
    there = subprocess.run([QEMU, program], stdout=subprocess.PIPE, check=True, text=True).stdout
    for line in difflib.unified_diff(here.splitlines(), there.splitlines(), "here", "RISC-V", lineterm=""):
        print(line)
    print(f"{len(here.splitlines())} lines of counters")
    return 0 if here == there and here else 1


def tests(arguments):
    if missing(CROSS, QEMU):
        return 77
    # doctest lies among the host's headers, of which the cross compiler must see no others.
    third_parties = arguments.work / "include"
    shutil.rmtree(third_parties, ignore_errors=True)
    shutil.copytree(arguments.doctest / "doctest", third_parties / "doctest")
    folder = arguments.source / "tests"
    program = build(arguments, "unit", [folder / "main.cpp", *sorted((folder / "unit/sim").glob("*.cpp"))],
                    "-isystem", third_parties, f'-DTESSERA_SOURCE_DIR="{arguments.source}"')
    return subprocess.run([QEMU, program]).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=["freestanding", "counters", "tests"])
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--native", type=pathlib.Path)
    parser.add_argument("--doctest", type=pathlib.Path)
    arguments = parser.parse_args()
    return {"freestanding": freestanding, "counters": counters, "tests": tests}[arguments.scenario](arguments)


if __name__ == "__main__":
    sys.exit(main())
