#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every row of cycles.csv on the model and prints its cycles beside those of the RTL.

Every number in docs/timing-accuracy.md comes from here: --write replaces what stands between its `generated` markers.
--check fails if the model misses a limit. Exit status 77: no cross compiler, nothing was run.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # leaves nothing beside the sources
import programs  # noqa: E402

PROJECT = programs.FOLDER.parent.parent
PAGE = PROJECT / "docs" / "timing-accuracy.md"
COMPILER = "riscv64-unknown-elf-gcc"
EXAMPLES = """examples:
  benchmarks/rtl/report.py                            all rows
  benchmarks/rtl/report.py --only div                 a group
  benchmarks/rtl/report.py --only sw_onebank_16c      a row
  benchmarks/rtl/report.py --only conf3 --keep kept   also keeps programs, their sources and statistics in kept/
  benchmarks/rtl/report.py --write                    all rows, and updates docs/timing-accuracy.md
  benchmarks/rtl/report.py --check                    all rows, and fails if a limit is missed
"""

FLAGS = "-march=rv32ima_zicsr_zifencei -mabi=ilp32 -nostdlib -nostartfiles -static".split()
# As the measured programs were compiled.
C_FLAGS = "-O3 -fno-unroll-loops -fno-builtin -ffreestanding -DTS -DDIM=32".split()

# group -> greatest error of a row in percent, and of the mean over the group's rows.
LIMITS = {
    **{group: (0.0, 0.0) for group in programs.SINGLE_CORE},
    "conf3": (2.0, 2.0),
    "icache": (10.0, 10.0),
    "matmul": (4.0, 1.5),
}
ALL_ROWS_LIMIT = 1.0  # of the mean over all rows, in percent

Result = collections.namedtuple("Result", "row figures pairs error")  # pairs: [(RTL, model)]; error in percent


def build(program, folder):
    """Compiles a program; its ELF file."""
    elf = folder / f"{program.name}.elf"
    if program.source:
        source = folder / f"{program.name}.s"
        source.write_text(program.source)
        inputs = [source]
    else:
        inputs = [programs.FOLDER / "matmul.c", "-lgcc", *C_FLAGS, *program.defines]
    script = programs.FOLDER / "link.ld"
    command = [COMPILER, *FLAGS, "-T", script, programs.FOLDER / "crts.S", *inputs, "-o", elf]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise programs.Failure(f"does not compile\n{done.stdout}")
    return elf


def run(program, tool, folder):
    """{row name: figures} of one program."""
    try:
        elf = build(program, folder)
        stats = elf.with_suffix(".json")
        command = [tool, "sim", "--config", program.config, "--stats", stats, elf]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise programs.Failure(f"exit status {done.returncode}\n{done.stdout}")
        dumps = collections.defaultdict(list)
        for dump in json.loads(stats.read_text())["dumps"]:
            dumps[dump["core"]].append(dump)
        return program.read(program.rows, dumps)
    except programs.Failure as failure:
        raise programs.Failure(f"{program.name}: {failure}") from None


def result(row, figures):
    """What is compared of a row: cold and warm, or the makespan, or the call."""
    if row["group"] in programs.SINGLE_CORE:
        pairs = [(int(row["cycles_first_pass"]), figures["first"]), (int(row["cycles_warm"]), figures["warm"])]
    elif row["group"] == "conf3":
        pairs = [(programs.numbers(row["all_passes"])[0], figures["makespan"])]
    elif row["group"] == "icache":
        pairs = [(int(row["cycles_warm"]), figures["cycles"])]
    else:
        pairs = [(int(row["cycles_warm"]), figures["makespan"])]
    errors = [100.0 * (model - rtl) / max(rtl, 1) for rtl, model in pairs]
    return Result(row, figures, pairs, max(errors, key=abs))


def mean_error(results):
    return sum(abs(r.error) for r in results) / len(results)


def percent(error):
    return f"{error:+.2f} %" if error else "0"


def single_core_cells(r):
    (first, first_model), (warm, warm_model) = r.pairs
    return [r.row["group"], f"`{r.row['name']}`", first, first_model, warm, warm_model, percent(r.error)]


def contention_cells(r):
    least, most = programs.numbers(r.row["cycles_warm"])
    model = f"{r.figures['least']} to {r.figures['most']}"
    return [f"`{r.row['name']}`", f"{least} to {most}", model, *r.pairs[0], percent(r.error)]


def icache_cells(r):
    return [f"`{r.row['name']}`", r.row["ifetch_stall_warm"], r.figures["fetch"], *r.pairs[0], percent(r.error)]


def matmul_cells(r):
    stalls = programs.numbers(re.search(r"raw ([\d/]+)", r.row["desc"])[1])
    return [
        r.row["name"].replace(" dim32", ""), r.row["body_instr"], r.figures["instructions"],
        "/".join(map(str, stalls)), "/".join(map(str, r.figures["stalls"])), *r.pairs[0], percent(r.error)
    ]  # fmt: skip


# title, groups, head of the table, cells of a row, number of columns that are text
TABLES = (
    ("Sequences of instructions on one core", programs.SINGLE_CORE,
     ["group", "row", "RTL, cold", "model, cold", "RTL, warm", "model, warm", "error"], single_core_cells, 2),
    ("Contention", ("conf3",),
     ["row", "RTL, per core", "model, per core", "RTL, makespan", "model, makespan", "error"], contention_cells, 1),
    ("Instruction caches", ("icache",),
     ["row", "RTL, fetch stalls", "model, fetch stalls", "RTL, cycles", "model, cycles", "error"], icache_cells, 1),
    ("Matrix products", ("matmul",),
     ["row", "RTL, instructions", "model, instructions", "RTL, stalls", "model, stalls", "RTL, makespan",
      "model, makespan", "error"], matmul_cells, 1),
)  # fmt: skip


def tables(results):
    lines = []
    for title, groups, head, cells, texts in TABLES:
        chosen = [r for r in results if r.row["group"] in groups]
        if not chosen:
            continue
        lines += [f"### {title}", "", f"| {' | '.join(head)} |"]
        lines.append("|" + " --- |" * texts + " ---: |" * (len(head) - texts))
        lines += [f"| {' | '.join(str(c) for c in cells(r))} |" for r in chosen]
        lines.append("")
    return lines[:-1]


def summary(results):
    lines = ["| group | rows | exact | mean error | greatest error | limits: mean, greatest |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for group, (greatest, mean) in LIMITS.items():
        mine = [r for r in results if r.row["group"] == group]
        if mine:
            lines.append(summary_line(group, mine, f"{mean:g} %, {greatest:g} %" if greatest else "exact"))
    return [*lines, summary_line("all", results, f"{ALL_ROWS_LIMIT:g} %, -")]


def summary_line(group, results, limits):
    exact = sum(r.error == 0 for r in results)
    worst = max(abs(r.error) for r in results)
    return f"| {group} | {len(results)} | {exact} | {mean_error(results):.2f} % | {worst:.2f} % | {limits} |"


def missed(results):
    """A sentence for each limit that is missed."""
    for group, (greatest, mean) in LIMITS.items():
        mine = [r for r in results if r.row["group"] == group]
        for r in mine:
            if abs(r.error) > greatest:
                pairs = ", ".join(f"{model} cycles, RTL {rtl}" for rtl, model in r.pairs)
                yield f"{group} {r.row['name']}: {pairs}: {percent(r.error)}, the limit is {greatest:g} %"
        if mine and mean_error(mine) > mean:
            yield f"{group}: mean error {mean_error(mine):.2f} %, the limit is {mean:g} %"
    if mean_error(results) > ALL_ROWS_LIMIT:
        yield f"all rows: mean error {mean_error(results):.2f} %, the limit is {ALL_ROWS_LIMIT:g} %"


def write_page(sections):
    text = PAGE.read_text()
    for name, lines in sections.items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            sys.exit(f"{PAGE.name}: no section `generated: {name}`")
        text = pattern.sub(lambda m, lines=lines: m.group(1) + "\n" + "\n".join(lines) + "\n\n" + m.group(2), text)
    PAGE.write_text(text)


def tool_path(given):
    """The newest build of the tool, if none is given."""
    if given:
        return given.resolve()
    built = sorted((PROJECT / "build").glob("*/bin/tessera"), key=lambda path: path.stat().st_mtime)
    if not built:
        sys.exit("the tool is not built; try: cmake --preset release && cmake --build --preset release")
    return built[-1]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tool", type=pathlib.Path, help="program `tessera`; default: the newest in build/*/bin")
    parser.add_argument("--rows", type=pathlib.Path, default=programs.FOLDER / "cycles.csv", help="other measurements")
    parser.add_argument("--only", metavar="GROUP|NAME", help="only the rows of a group, or one row")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="keep the programs in this folder")
    parser.add_argument("--build", action="store_true", help="build the programs (see --keep), but run nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="programs that run at a time")
    parser.add_argument("--write", action="store_true", help=f"update {PAGE.relative_to(PROJECT)}")
    parser.add_argument("--check", action="store_true", help="fail if a limit is missed")
    arguments = parser.parse_args()
    if arguments.write and (arguments.only or arguments.rows != parser.get_default("rows")):
        parser.error("--write needs all rows, not --only or --rows")
    if arguments.build and not arguments.keep:
        parser.error("--build needs --keep")

    rows = [r for r in programs.read_rows(arguments.rows) if arguments.only in (None, r["group"], r["name"])]
    if not rows:
        parser.error(f"no group or row is called {arguments.only}")
    if not shutil.which(COMPILER):
        print(f"skipped: there is no {COMPILER}; Debian has it in gcc-riscv64-unknown-elf", file=sys.stderr)
        return 77

    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            try:
                if arguments.build:
                    list(pool.map(lambda p: build(p, folder), programs.programs_of(rows)))
                    return 0
                tool = tool_path(arguments.tool)
                figures = {}
                for done in pool.map(lambda p: run(p, tool, folder), programs.programs_of(rows)):
                    figures.update(done)
            except programs.Failure as failure:
                sys.exit(str(failure))

    results = [result(row, figures[row["name"]]) for row in rows]
    sections = {"summary": summary(results), "rows": tables(results)}
    print("\n".join(line for lines in sections.values() for line in [*lines, ""]))
    if arguments.write:
        write_page(sections)
    complaints = list(missed(results))
    for complaint in complaints:
        print(f"missed: {complaint}", file=sys.stderr)
    return 1 if arguments.check and complaints else 0


if __name__ == "__main__":
    sys.exit(main())
