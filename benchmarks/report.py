#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks and compares host with reference, both measured in the same run.

Every number in docs/performance.md comes from here: --write replaces what stands between its `generated` markers.
--check fails if host misses a goal. Of the repetitions of a benchmark the fastest counts: other work on the machine can
only make one slower. Repetitions of all benchmarks of a program are run in random order, so that a slow minute does not
meet one target alone.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

PROJECT = pathlib.Path(__file__).resolve().parent.parent
PAGE = PROJECT / "docs" / "performance.md"
FAMILIES = ("matmul", "map", "row", "encoder")

TABLES = (
    ("Matrix products", ("linear", "matmul")),
    ("Element operators", ("requantize", "add", "gelu", "relu", "hardswish", "embedding")),
    ("Row operators", ("softmax", "layer_norm", "rms_norm", "inonorm", "mean")),
    ("Blocks", ("attention", "feed_forward", "encoder_layer")),
)

# (pattern of operator/type/shape, least ratio of the reference's time to the host's, in words); the first that matches.
GOALS = (
    (r"linear/.*/128x768x768", 8.0, "linear 128x768x768"),
    (r"gelu/.*", 2.0, "GELU"),
    (r"softmax/i8.*", 2.0, "the softmax of ITA and quantlib"),
    (r".*", 1.0, "every other operator"),
)


def goal(case):
    """The least ratio asked of a case."""
    return next(least for pattern, least, _ in GOALS if re.fullmatch(pattern, case))


def run(program, arguments, folder):
    """Runs one program; its JSON."""
    out = folder / f"{program.name}.json"
    command = [
        str(program),
        f"--benchmark_repetitions={arguments.repetitions}",
        f"--benchmark_min_time={arguments.min_time}",
        "--benchmark_enable_random_interleaving=true",
        f"--benchmark_filter={arguments.filter}",
        f"--benchmark_out={out}",
    ]
    print(f"running {program.name} ...", file=sys.stderr)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # A filter that nothing of this program matches leaves an empty file.
    if done.returncode != 0 or not out.exists():
        sys.exit(done.stdout + f"{program.name}: exit status {done.returncode}")
    text = out.read_text()
    return json.loads(text) if text.strip() else {"context": {}, "benchmarks": []}


def fastest(runs):
    """{case: {target: benchmark}}, the fastest repetition of each, in the order of the list of benchmarks."""
    cases = {}
    measured = [
        benchmark
        for document in runs
        for benchmark in sorted(document["benchmarks"], key=lambda b: b.get("family_index", 0))
        if benchmark.get("run_type") == "iteration"
    ]
    for benchmark in measured:
        name = benchmark.get("run_name", benchmark["name"])
        if benchmark.get("error_occurred"):
            sys.exit(f"{name}: {benchmark.get('error_message')}")
        case, target = name.rsplit("/", 1)
        best = cases.setdefault(case, {})
        if target not in best or benchmark["cpu_time"] < best[target]["cpu_time"]:
            best[target] = benchmark
    return cases


def nanoseconds(benchmark):
    return benchmark["cpu_time"] * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[benchmark["time_unit"]]


def time_text(benchmark):
    ns = nanoseconds(benchmark)
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns / size < 1000 else f"{ns / size:.0f} {unit}"
    return f"{ns:.3g} ns"


def rate_texts(benchmark):
    """The rates of a result: products in GOPS, others in elements and bytes."""
    if "GOPS" in benchmark:
        return [f"{benchmark['GOPS']:.3g}"]
    return [f"{benchmark['Gelements']:.3g}", f"{benchmark['GB']:.3g}"]


def ratio(pair):
    return nanoseconds(pair["reference"]) / nanoseconds(pair["host"])


def tables(cases):
    lines = []
    for title, operators in TABLES:
        chosen = {c: p for c, p in cases.items() if c.split("/")[0] in operators}
        if not chosen:
            continue
        rates = ["GOPS"] if "GOPS" in next(iter(chosen.values()))["host"] else ["G elements/s", "GB/s"]
        head = ["operator", "type", "shape", "reference", "host", *(f"host {r}" for r in rates), "times faster"]
        lines += [f"### {title}", "", "| " + " | ".join(head) + " |", "| --- | --- | --- |" + " ---: |" * (len(head) - 3)]
        for case, pair in chosen.items():
            cells = [*case.split("/"), time_text(pair["reference"]), time_text(pair["host"])]
            lines.append("| " + " | ".join([*cells, *rate_texts(pair["host"]), f"{ratio(pair):.1f}"]) + " |")
        lines.append("")
    return lines[:-1]


def goals(cases):
    """Sentences about the goals, and the cases that miss theirs."""
    lines, missed = [], []
    for index, (pattern, least, words) in enumerate(GOALS):
        mine = {c: ratio(p) for c, p in cases.items() if next(g for g in GOALS if re.fullmatch(g[0], c)) is GOALS[index]}
        if not mine:
            continue
        worst = min(mine, key=mine.get)
        asked = f"at least {least:g} times as fast" if least != 1 else "faster"
        lines.append(f"- {words}: host is to be {asked}; the least is {mine[worst]:.2f} times (`{worst}`).")
        missed += [c for c, value in mine.items() if (value < least if least != 1 else value <= 1)]
    return lines, missed


def machine(context, arguments):
    cpu = "unknown"
    if pathlib.Path("/proc/cpuinfo").exists():
        found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        cpu = found.group(1) if found else cpu
    caches = ", ".join(
        f"L{c['level']} {c['type'].lower() + ' ' if c['level'] == 1 else ''}{c['size'] // 1024} KiB"
        for c in context["caches"]
        if c["type"] != "Instruction"
    )
    repetitions = f"{arguments.repetitions} repetitions of at least {arguments.min_time:g} s, of which the fastest"
    return [
        f"- CPU: {cpu}, {context['num_cpus']} cores; {caches}; {float(context['tessera_clock_ghz']):.2f} GHz, measured by"
        " dependent additions",
        f"- compiler: {context['tessera_compiler']}, `{context['tessera_flags']}`; xsimd's `{context['tessera_vectors']}`",
        f"- one thread; CPU time; {repetitions}; data of seed {context['tessera_seed']}, in cache from the call before",
    ]


def bound(cases, context):
    """What the product kernel executes: the comment of kernel/matmul/xsimd.hpp counts instructions, the clock is known."""
    case = "linear/i8i8_ibert/128x768x768"
    if case not in cases:
        return []
    instructions, macs, ports = 31, 192, 3
    clock = float(context["tessera_clock_ghz"])
    measured = cases[case]["host"]["GOPS"] / 2
    per_cycle = measured / clock
    whole = ports * macs / instructions
    return [
        f"On AVX2 the kernel of matrix products executes {instructions} vector instructions for {macs} MACs: 12"
        f" multiply-adds, 12 additions and 7 widening loads. A CPU that starts {ports} of them per cycle cannot pass"
        f" {whole:.1f} MACs per cycle. `{case}` runs {per_cycle:.1f} MACs per cycle, {100 * per_cycle / whole:.0f} % of"
        " that; the rest goes into requantisation, horizontal sums and loads.",
    ]


def wrapped(lines):
    """Prose in 120 columns; tables and code as they are."""
    for line in lines:
        if line.startswith("|") or not line:
            yield line
        else:
            indent = "  " if line.startswith("- ") else ""
            yield from textwrap.wrap(
                line, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )


def write_page(sections):
    text = PAGE.read_text()
    for name, lines in sections.items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            sys.exit(f"{PAGE.name}: no section `generated: {name}`")
        text = pattern.sub(lambda m, lines=lines: m.group(1) + "\n" + "\n".join(wrapped(lines)) + "\n\n" + m.group(2), text)
    PAGE.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=PROJECT / "build" / "release", help="build folder")
    parser.add_argument("--json", type=pathlib.Path, nargs="+", help="results of earlier runs, instead of running")
    parser.add_argument("--filter", default=".*", help="regular expression: ids to run")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--min-time", type=float, default=0.1, help="seconds per repetition")
    parser.add_argument("--write", action="store_true", help=f"update {PAGE.relative_to(PROJECT)}")
    parser.add_argument("--check", action="store_true", help="fail if host misses a goal")
    arguments = parser.parse_args()
    if arguments.write and arguments.filter != ".*":
        parser.error("--write needs all benchmarks, not --filter")

    if arguments.json:
        runs = [json.loads(path.read_text()) for path in arguments.json]
    else:
        programs = [arguments.build / "bin" / f"bench_{family}" for family in FAMILIES]
        for program in programs:
            if not os.access(program, os.X_OK):
                sys.exit(f"{program}: not built; try: cmake --preset release && cmake --build --preset release")
        with tempfile.TemporaryDirectory() as folder:
            runs = [run(program, arguments, pathlib.Path(folder)) for program in programs]

    cases = {c: pair for c, pair in fastest(runs).items() if {"reference", "host"} <= pair.keys()}
    if not cases:
        sys.exit("no benchmark was run on both targets")
    context = next(document["context"] for document in runs if document["context"])
    sentences, missed = goals(cases)
    sections = {
        "machine": machine(context, arguments),
        "goals": sentences,
        "bound": bound(cases, context),
        "results": tables(cases),
    }
    print("\n".join(line for lines in sections.values() for line in [*lines, ""]))
    if arguments.write:
        write_page(sections)
    for case in missed:
        print(f"missed: {case}: {ratio(cases[case]):.2f} times, the goal is {goal(case):g}", file=sys.stderr)
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
