#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how fast the instruction-level model is, beside qemu-riscv32 on the same loop in the same run.

Builds the programs with the preset rv32-gcc, runs bench_sim of the preset release, and prints a table; --write puts it
into docs/performance.md. --check fails if a goal is missed: functional at least a twelfth of qemu's rate, and at least
ten million core-cycles per second with 256 busy cores. Of the repetitions the fastest counts; they run in random order.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(PROJECT / "benchmarks"))
import report  # noqa: E402  (the page and how programs are run)

QEMU_SHARE = 1 / 12
CORE_CYCLES = 10e6


def build():
    for command in (
        ["cmake", "--preset", "release"],
        ["cmake", "--build", "--preset", "release", "--target", "bench_sim", "tessera_tool"],
        ["cmake", "--preset", "rv32-gcc"],
        ["cmake", "--build", "--preset", "rv32-gcc"],
    ):
        done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout + f"{' '.join(command)}: exit status {done.returncode}")


def results(document):
    """{(program, cores, who): fastest repetition}."""
    best = {}
    for benchmark in document["benchmarks"]:
        if benchmark.get("error_occurred"):
            sys.exit(f"{benchmark['name']}: {benchmark['error_message']}")
        if benchmark.get("run_type") != "iteration":
            continue
        _, program, cores, who = benchmark["run_name"].split("/")[:4]
        key = (program, int(cores.split("_")[0]), who)
        if key not in best or benchmark["instructions"] > best[key]["instructions"]:
            best[key] = benchmark
    return best


def lines(best):
    qemu = best[("loop", 1, "qemu")]["instructions"]
    functional = best[("loop", 1, "functional")]["instructions"]
    table = [
        f"On the loop, on one core, the functional mode executes {functional / 1e6:.0f} million instructions per second,"
        f" and qemu-riscv32, which translates to machine code, {qemu / 1e6:.0f}: 1/{qemu / functional:.1f} of its rate."
        " (The goal is 1/12.)",
        "",
        "| program | cores | functional, M instructions/s | timed, M instructions/s | timed, M core-cycles/s |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for program in ("loop", "matmul"):
        for cores in (1, 16, 256):
            timed = best[(program, cores, "timed")]
            # On one core the other 15 sleep, and a sleeping core's cycles cost nothing: they say nothing, either.
            rate = f"{timed['core_cycles'] / 1e6:.1f}" if cores > 1 else "-"
            fast = best[(program, cores, "functional")]["instructions"] / 1e6
            table.append(f"| {program} | {cores} | {fast:.0f} | {timed['instructions'] / 1e6:.1f} | {rate} |")
    return table


def missed(best):
    qemu = best[("loop", 1, "qemu")]["instructions"]
    functional = best[("loop", 1, "functional")]["instructions"]
    if functional < qemu * QEMU_SHARE:
        yield f"functional: {functional / qemu:.3f} of qemu's rate, the goal is {QEMU_SHARE:.3f}"
    for program in ("loop", "matmul"):
        rate = best[(program, 256, "timed")]["core_cycles"]
        if rate < CORE_CYCLES:
            yield f"{program}, timed: {rate / 1e6:.1f} M core-cycles/s with 256 cores, the goal is {CORE_CYCLES / 1e6:.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--min-time", type=float, default=0.2, help="seconds per repetition")
    parser.add_argument("--write", action="store_true", help="update docs/performance.md")
    parser.add_argument("--check", action="store_true", help="fail if a goal is missed")
    arguments = parser.parse_args()
    arguments.filter = ".*"
    build()
    with tempfile.TemporaryDirectory() as folder:
        best = results(report.run(PROJECT / "build" / "release" / "bin" / "bench_sim", arguments, pathlib.Path(folder)))
    table = lines(best)
    print("\n".join(table))
    if arguments.write:
        report.write_page({"simulator": table})
    problems = list(missed(best))
    for problem in problems:
        print(f"missed: {problem}", file=sys.stderr)
    return 1 if arguments.check and problems else 0


if __name__ == "__main__":
    sys.exit(main())
