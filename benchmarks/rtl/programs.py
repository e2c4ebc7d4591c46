# SPDX-License-Identifier: Apache-2.0
"""The programs behind the rows of cycles.csv, and how their results are read.

A program writes its results to CSRs that do not exist; the model reports each such write as a "dump". Single-core and
icache rows share one program each, which runs them one after another; a conf3 row and a build of matmul.c is a program
of its own.
"""

import collections
import csv
import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent
SINGLE_CORE = ("alu", "dsp", "div", "mem_local", "mem_rem1", "mem_rem2", "mem_rem3", "mem_mix", "ctl")
PASSES = 4


class Failure(Exception):
    """A program whose results make no sense; the message is a sentence."""


@dataclasses.dataclass
class Program:
    name: str
    config: str  # of the model
    rows: list  # of cycles.csv
    source: str  # assembly; if empty, matmul.c is compiled with `defines`
    read: object  # function(rows, dumps of each core) -> {row name: {figure: value}}
    defines: tuple = ()


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def numbers(text, pattern=r"\d+"):
    return [int(n) for n in re.findall(pattern, text)]


# Every program starts with crts.S, which calls main with a0 = hart id on all cores. Harness registers: t3 to t6, s7 to
# s11 and tp; bodies use the others. norelax: no instruction may move after it was aligned.
HEAD = """# SPDX-License-Identifier: Apache-2.0
.option norelax
.text
.globl main
main:
"""
# Leaves core 0 alone, and waits until the others sleep.
CORE_0 = """  beqz a0, 1f
  ret
1: mv tp, ra
  csrr t3, mcycle
  li t4, 2000
  add t4, t4, t3
1: csrr t3, mcycle
  bltu t3, t4, 1b
"""


def counted(body):
    """csrr of the cycles at byte 4 from here, body at byte 8, csrr. Fetch stalls likewise."""
    lines = ["csrr t3, mhpmcounter3", "csrr t4, mcycle", *(i.strip() for i in body.split(";"))]
    lines += ["csrr t5, mcycle", "csrr t6, mhpmcounter3", "sub t5, t5, t4", "sub t6, t6, t3"]
    lines += ["csrw 0x800, t5", "csrw 0x801, t6", ""]
    return "".join(f"  {i}\n" for i in lines if i)


def measured(label, setup, body):
    """`setup` once, then the passes, from the beginning of a line."""
    lines = "".join(f"  {i.strip()}\n" for i in setup.split(";"))
    lines += f"  li s11, {PASSES}\n  .balign 32\n{label}:\n"
    return lines + counted(body) + f"  addi s11, s11, -1\n  bnez s11, {label}\n"


def passes_of(dumps):
    """[(cycles, fetch stalls)] of all that is `counted`."""
    values = [d["value"] for d in dumps[0] if d["csr"] in (0x800, 0x801)]
    return list(zip(values[::2], values[1::2]))


def single_core(rows):
    source = HEAD + CORE_0
    for row in rows:
        source += f"\n# {row['group']} {row['name']}: {row['desc']}\n"
        source += measured(row["name"], row["setup"], row["body"])
    return Program("single", "minpool_tile4", rows, source + "  jr tp\n", read_single_core)


def read_single_core(rows, dumps):
    passes = passes_of(dumps)
    if len(passes) != PASSES * len(rows):
        raise Failure(f"{len(passes)} results, expected {PASSES * len(rows)}")
    results = {}
    for index, row in enumerate(rows):
        mine = passes[PASSES * index : PASSES * (index + 1)]
        first, warm = mine[0], mine[-1]
        results[row["name"]] = {
            "first": first[0] - 1,
            "warm": warm[0] - 1,
            "fetch_first": first[1],
            "fetch_warm": warm[1],
            "passes": [p[0] - 1 for p in mine],
        }
    return results


# Name of a call, block called; in the order of cycles.csv, because a call evicts what earlier ones fetched.
CALLS = (
    ("straight128", "straight128"),
    ("line", "line"),
    ("straight1024", "straight1024"),
    ("straight128_rohit", "straight128"),
    ("jump16", "jump16"),
)
# How far callers and blocks are apart decides which of their lines share a cache set. The text of the measured program
# is not at hand. In this layout, an obvious one, the caches as described give every measured figure: the callers, one
# for each of four passes, begin at a page boundary and take two lines each; every block begins at a page boundary.
BLOCKS = """
  jr tp
  .balign 4096
block_straight128:
  .rept 126
  addi a0, a0, 1
  .endr
  ret
  .balign 4096
block_line:
  .rept 6
  addi a0, a0, 1
  .endr
  ret
  .balign 4096
block_straight1024:
  .rept 1022
  addi a0, a0, 1
  .endr
  ret
  .balign 4096
block_jump16:
  .rept 16
  j .+64
  .balign 64
  .endr
  ret
"""


def icache(rows):
    source = HEAD + CORE_0 + "  j calls\n  .balign 4096\ncalls:\n"
    for name, block in CALLS:
        for index in range(PASSES):
            source += f"\n  .balign 64  # {name}, pass {index}\n" + counted(f"jal block_{block}")
    return Program("icache", "minpool", rows, source + BLOCKS, read_icache)


def read_icache(rows, dumps):
    passes = iter(passes_of(dumps))
    figures = {}
    for name, _ in CALLS:
        for index in range(PASSES):
            cycles, fetch = next(passes)
            figures[f"icache_{name}_p{index}"] = {"cycles": cycles, "fetch": fetch}
    figures["icache_straight128_rohit"] = figures["icache_straight128_rohit_p0"]
    return {row["name"]: figures[row["name"]] for row in rows}


# Addresses of the contention rows, from a0 = hart id to s0. 0x4000 is bank 0 of tile 0.
BANK_0 = "li s0, 0x4000"
BANK_OF_CORE = "slli t0, t0, 6; andi t1, a0, 3; slli t1, t1, 2; li s0, 0x4000; add s0, s0, t0; add s0, s0, t1"
OWN_BANK = "srli t0, a0, 2; " + BANK_OF_CORE
NEXT_TILE = "srli t0, a0, 2; addi t0, t0, 1; andi t0, t0, 3; " + BANK_OF_CORE
OF_CORE = "slli t0, a0, 6; li s0, 0x4000; add s0, s0, t0"
ADDRESSES = {"onebank": BANK_0, "remport": NEXT_TILE, "interown": OF_CORE, "ownbank": OWN_BANK}
ACCESSES = {"lw": "lw a{k}, {offset}(s0)", "sw": "sw a{k}, {offset}(s0)", "amo": "amoadd.w a{k}, t1, (s0)"}
WINDOW = 4096  # cycles; longer than any contention row


def contention(row):
    kind, where, cores = re.fullmatch(r"(\w+)_(\w+)_(\d+)c", row["name"]).groups()
    repeats = int(row["body_instr"]) // 8
    accesses = [ACCESSES[kind].format(k=k, offset=4 * k if where == "interown" else 0) for k in range(8)]
    lines = [f"  li t0, {cores}", "  bltu a0, t0, 1f", "  ret", "1: mv tp, ra"]
    lines += [f"  {i.strip()}" for i in ADDRESSES[where].split(";")]
    # The first pass warms up. s10: when the pass starts, a multiple of the window. t5: 0 in even tiles, which start one
    # cycle later: where all 16 cores run, the RTL's makespans show that its cores did not start in one cycle either.
    lines += ["  li t1, 1", "  srli t5, a0, 2", "  andi t5, t5, 1"]
    lines += [f"  li s8, {WINDOW}", "  li s11, 2", "  csrr s10, mcycle", "  divu s10, s10, s8"]
    lines += ["  addi s10, s10, 1", "  mul s10, s10, s8", "  .balign 32"]
    # The wait ends at s10 or one cycle later, and is made to end at s10 + 1.
    lines += ["pass:", "  csrr t3, mcycle", "  bltu t3, s10, pass", "  bne t3, s10, 1f", "  nop", "1: bnez t5, 1f"]
    lines += ["  nop", f"1: li s9, {repeats}", "  csrr t3, mcycle", "1:"]
    lines += [f"  {a}" for a in accesses]
    lines += ["  addi s9, s9, -1", "  bnez s9, 1b", "  fence", "  csrr t4, mcycle"]
    lines += ["  csrw 0x800, t3", "  csrw 0x801, t4", "  add s10, s10, s8", "  addi s11, s11, -1", "  bnez s11, pass"]
    # Core 0 ends the program: all others must be done.
    lines += ["1: csrr t3, mcycle", "  bltu t3, s10, 1b", "  jr tp", ""]
    source = HEAD + "\n".join([f"# {row['desc']}", *lines])
    return Program(row["name"], "minpool_tile4", [row], source, read_contention)


def read_contention(rows, dumps):
    cores = numbers(rows[0]["name"])[-1]
    starts, ends = [], []
    for core in range(cores):
        values = [d["value"] for d in dumps[core] if d["csr"] in (0x800, 0x801)]
        if len(values) != 4:
            raise Failure(f"core {core} has {len(values)} results, expected 4")
        starts.append(values[2])
        ends.append(values[3])
    if max(starts) - min(starts) > 2:
        raise Failure(f"cores start up to {max(starts) - min(starts)} cycles apart")
    cycles = [end - start for start, end in zip(starts, ends)]
    name = rows[0]["name"]
    return {name: {"least": min(cycles), "most": max(cycles), "makespan": max(ends) - min(starts)}}


# SEL of matmul.c -> cycles between its meeting points, which must exceed the kernel's; what each SEL runs stands in
# matmul.c. 1: naive, 2: 2x2, 3: 2x4 SIMD; three digits: kernel and number of cores.
FULL = {
    **{"101": 400000, "104": 120000, "116": 30000},
    **{"201": 200000, "204": 60000, "216": 12000},
    **{"301": 30000, "304": 9000, "316": 3000},
}
TILE4 = {"1": 120000, "2": 60000, "3": 30000, "6": 200000, "7": 400000}
CHECKSUM = 0xFDA2E000
KERNELS = {"naive rv32im": 1, "2x2 rv32im": 2, "2x4 pv.sdotsp.b + p.lw!": 3}
MATMUL_NAME = re.compile(r"\[(FULL|tile4)\] (.*) dim32 cores(\d+) rep(\d)")


def tag_of(row):
    _, kernel, cores, repetition = MATMUL_NAME.fullmatch(row["name"]).groups()
    return KERNELS[kernel] * 1000 + int(cores) * 10 + int(repetition)


def select(row):
    """The SEL of the build that a row comes from."""
    harness, kernel, cores, _ = MATMUL_NAME.fullmatch(row["name"]).groups()
    if harness == "FULL":
        return f"{KERNELS[kernel]}{int(cores):02}"
    return {(1, 1): "7", (2, 1): "6"}.get((KERNELS[kernel], int(cores)), str(KERNELS[kernel]))


def matmul(rows):
    builds = collections.defaultdict(list)
    for row in rows:
        builds["FULL" in row["name"], select(row)].append(row)
    for (full, sel), mine in builds.items():
        window = (FULL if full else TILE4)[sel]
        defines = (f"-DSEL={sel}", f"-DWS={window}", f"-DWK={window}")
        yield Program(f"matmul_{sel}", "minpool" if full else "minpool_tile4", mine, "", read_matmul, defines)


def read_matmul(rows, dumps):
    runs = collections.defaultdict(dict)  # tag -> core -> csr -> value
    checksums = {}
    for core, mine in dumps.items():
        tag = None
        for dump in mine:
            csr, value = dump["csr"], dump["value"]
            if csr == 0x800:
                tag = value
                runs[tag][core] = {}
            elif csr == 0x809:
                checksums[tag] = value
            elif tag is not None:
                runs[tag][core][csr] = value
    results = {}
    for row in rows:
        tag = tag_of(row)
        cores = int(MATMUL_NAME.fullmatch(row["name"])[3])
        if len(runs[tag]) != cores:
            raise Failure(f"{row['name']}: {len(runs[tag])} cores have results")
        if checksums.get(tag) != CHECKSUM:
            raise Failure(f"{row['name']}: the checksum of the result is {checksums.get(tag, 0):#x}, not {CHECKSUM:#x}")
        values = list(runs[tag].values())
        cycles = [v[0x804] - v[0x803] for v in values]
        core_0 = runs[tag][0]
        results[row["name"]] = {
            "least": min(cycles),
            "most": max(cycles),
            "makespan": max(v[0x804] for v in values) - min(v[0x803] for v in values),
            "instructions": core_0[0x805],
            "stalls": [core_0[0x806], core_0[0x807], core_0[0x808]],
        }
    return results


def programs_of(rows):
    """The programs that give the figures of the rows."""
    chosen = [r for r in rows if r["group"] in SINGLE_CORE]
    if chosen:
        yield single_core(chosen)
    for row in rows:
        if row["group"] == "conf3":
            yield contention(row)
    # All calls run, whichever is asked for: what the caches hold depends on the calls before.
    chosen = [r for r in rows if r["group"] == "icache"]
    if chosen:
        yield icache(chosen)
    yield from matmul([r for r in rows if r["group"] == "matmul"])
