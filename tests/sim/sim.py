#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `tessera sim` on small programs: what it prints, its exit status, --stats, --trace, --log, and what it says of
broken programs. Exits with 77 where there is no RISC-V assembler."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import trace_schema

HERE = pathlib.Path(__file__).resolve().parent
TOOL = None
COMPILER = None
CORES = 16
BOTH_MODES = ((), ("--functional",))


class SimTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-sim-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.kernel = cls.link("kernel", HERE / "kernel.S")

    @classmethod
    def link(cls, name, source, *options):
        path = cls.folder / f"{name}.elf"
        subprocess.run([COMPILER, "-march=rv32ima_zicsr", "-mabi=ilp32", "-nostdlib", "-static", "-T",
                        HERE / "program.ld", "-Wl,--build-id=none", *options, HERE / "start.S", source, "-o", path],
                       check=True)
        return path

    def program(self, main):
        """A program whose main, on each core, is these instructions."""
        source = self.folder / f"{self._testMethodName}.S"
        source.write_text(f".globl main\n.type main, @function\nmain:\n{main}\n.size main, . - main\n")
        return self.link(self._testMethodName, source)

    def sim(self, *arguments, status=0, says=()):
        """Runs the tool; returns standard output and standard error."""
        done = subprocess.run([TOOL, "sim", *map(os.fspath, arguments)], capture_output=True, timeout=300)
        out, error = done.stdout.decode(), done.stderr.decode()
        context = f"{arguments}\nstdout: {out[:500]}\nstderr: {error[:4000]}"
        self.assertEqual(done.returncode, status, context)
        for piece in says:
            self.assertIn(piece, error, context)
        return out, error


class Results(SimTest):
    def test_output_and_summary(self):
        out, error = self.sim(self.kernel)
        self.assertEqual(out, "hello\n")
        for line in (r"configuration +minpool, 16 cores", r"cycles +\d+", r"instructions +\d+",
                     r"MACs per cycle +0\.\d+", r"IPC while awake +0\.\d+ +0\.\d+", r"bank conflicts +[1-9]\d*",
                     r"DMA bytes +1024", r"\nsleep +\d+ +\d+\.\d+", r"\nsum +\d+ +100\.00 +\d+ +100\.00\n"):
            self.assertRegex(error, line)
        self.assertEqual(self.sim(self.kernel, "--quiet"), ("hello\n", ""))
        self.assertRegex(self.sim(self.kernel, "--functional")[1], r"turns +\d+\ninstructions +\d+\n")

    def test_statistics(self):
        path = self.folder / "stats.json"
        self.sim(self.kernel, "--stats", path)
        stats = json.loads(path.read_text())
        self.assertEqual(stats["configuration"], "minpool")
        self.assertEqual(stats["mode"], "timed")
        self.assertEqual(stats["stop"]["reason"], "finished")
        self.assertEqual(stats["stop"]["exit_code"], 0)
        self.assertEqual(stats["dma_bytes"], 1024)
        self.assertEqual(stats["macs"], CORES * 20)
        self.assertEqual(stats["executed"]["mul"], CORES * 20)
        self.assertGreater(stats["bank_conflicts"], 0)
        self.assertEqual(len(stats["cores"]), CORES)
        # Nothing is lost, nothing counted twice.
        for core in stats["cores"]:
            self.assertEqual(core["instructions"] + sum(core["stalls"].values()), stats["cycles"])
        self.assertEqual(sum(c["instructions"] for c in stats["cores"]), stats["instructions"])
        # What the program marked is a part of it, counted in the same way.
        marked = [core["marked"] for core in stats["cores"]]
        for core, part in zip(stats["cores"], marked):
            self.assertEqual(part["instructions"] + sum(part["stalls"].values()), part["cycles"])
            self.assertTrue(0 < part["instructions"] < core["instructions"])
        self.assertEqual(sum(part["cycles"] for part in marked), stats["marked"]["core_cycles"])
        self.assertEqual(stats["marked"]["macs"], CORES * 20)
        self.assertEqual(sum(stats["executed"].values()), stats["instructions"])
        for cause, cycles in stats["stalls"].items():
            self.assertEqual(sum(c["stalls"][cause] for c in stats["cores"]), cycles)
        self.sim(self.kernel, "--functional", "--stats", path)
        stats = json.loads(path.read_text())
        self.assertEqual(stats["mode"], "functional")
        self.assertNotIn("stalls", stats)

    def test_exit_code(self):
        for code, status in ((0, 0), (1, 1), (2, 2), (42, 42), (256, 1)):
            program = self.program(f"li a0, {code}\nret")
            for mode in BOTH_MODES:
                with self.subTest(code=code, mode=mode):
                    _, error = self.sim(program, "--quiet", *mode, status=status)
                    self.assertEqual(error, "" if code == 0 else f"tessera: {program}: exit code {code}\n")

    def test_text_without_end_of_line(self):
        # Printed by a program that never ends.
        program = self.program("la a0, text\ncall print\n1: j 1b\n.section .rodata\ntext: .string \"...\"\n.text")
        for mode in BOTH_MODES:
            out, _ = self.sim(program, "--max-cycles", "9000", *mode, status=1)
            self.assertIn("...", out)

    def test_raw(self):
        # 1: lui a0, 0x40000; li a1, 7; sw a1, 0(a0); j 1b - all cores end the program with exit code 3
        image = self.folder / "image.bin"
        image.write_bytes(b"".join(w.to_bytes(4, "little") for w in (0x40000537, 0x00700593, 0x00b52023, 0xff5ff06f)))
        for mode in BOTH_MODES:
            self.sim("--raw", image, "--config", "minpool", *mode, status=3, says=["exit code 3"])
        self.sim(image, status=1, says=["image.bin: "])
        image.write_bytes(b"")
        self.sim("--raw", image, status=1, says=["image.bin: 0 bytes; the L2 of minpool takes 1 to 4194304"])


class Trace(SimTest):
    def trace(self, *arguments, program=None, status=0):
        path = self.folder / "trace.json"
        self.sim(program or self.kernel, "--trace", path, *arguments, status=status)
        return trace_schema.check(json.loads(path.read_text()))

    def test_schema(self):
        threads, tracks, counters = self.trace()
        self.assertEqual(sorted(threads.values()), sorted(f"core {i}" for i in range(CORES)))
        self.assertEqual({pid: sum(1 for p, _ in threads if p == pid) for pid, _ in threads}, {2: 4, 3: 4, 4: 4, 5: 4})
        self.assertEqual(set(counters), {"running cores", "bank conflicts per 100 cycles", "DMA bytes per 100 cycles"})
        self.assertEqual({v for _, v in counters["running cores"]} & {0, CORES}, {0, CORES})
        for key, track in tracks.items():
            functions = {name for _, name, *_ in track.of("function")}
            expected = {"(boot ROM)", "_start", "main", "barrier", "test::kernel"}
            self.assertEqual(functions - {"copy", "print"}, expected)
            self.assertEqual("copy" in functions, threads[key] == "core 0")

    def test_sums(self):
        """Spans and counters are the statistics, cut into pieces."""
        stats_file = self.folder / "stats.json"
        for detail in ("stalls", "instructions"):
            threads, tracks, counters = self.trace("--trace-detail", detail, "--stats", stats_file)
            stats = json.loads(stats_file.read_text())
            for key, track in tracks.items():
                core = stats["cores"][int(threads[key].split()[1])]
                for cause, cycles in core["stalls"].items():
                    self.assertEqual(track.sum("stall", cause), cycles, (threads[key], cause))
                if detail == "instructions":
                    self.assertEqual(track.sum("instruction"), core["instructions"])
                    self.assertEqual(track.sum("instruction", "mul"), 20)
                self.assertEqual(track.sum("function"), stats["cycles"])
            for name, total in (("bank conflicts", "bank_conflicts"), ("DMA bytes", "dma_bytes")):
                series = counters[f"{name} per 100 cycles"] + [(-(-stats["cycles"] // 100) * 100, 0)]
                counted = sum(v * (after - ts) // 100 for (ts, v), (after, _) in zip(series, series[1:]))
                self.assertEqual(counted, stats[total])

    def test_tracing_changes_nothing(self):
        plain = self.sim(self.kernel)
        for flags in (("--trace", self.folder / "t.json"), ("--log", self.folder / "log"),
                      ("--trace", self.folder / "t.json", "--log", self.folder / "log", "--window", "333:1777")):
            self.assertEqual(self.sim(self.kernel, *flags), plain)

    def test_details(self):
        _, tracks, _ = self.trace("--trace-detail", "functions")
        self.assertEqual({name for t in tracks.values() for cat, name, *_ in t.spans if cat != "function"}, {"sleep"})

    def test_cores_and_window(self):
        threads, tracks, counters = self.trace("--cores", "0-1,9", "--window", "1150:1250")
        self.assertEqual(sorted(threads.values()), ["core 0", "core 1", "core 9"])
        for track in tracks.values():
            self.assertEqual(min(begin for *_, begin, _ in track.spans), 1150)
            self.assertEqual(max(end for *_, end in track.spans), 1250)
        for series in counters.values():
            self.assertTrue(all(1150 <= ts <= 1250 for ts, _ in series))
        # All of a window may lie in a sleep.
        _, tracks, _ = self.trace("--window", "500:600")
        self.assertEqual({s for t in tracks.values() for s in t.spans}, {("stall", "sleep", 500, 600)})

    def test_window_that_the_program_marks(self):
        _, tracks, _ = self.trace("--window", "marked")
        self.assertEqual(len(tracks), CORES)
        for track in tracks.values():
            self.assertEqual([name for _, name, *_ in track.of("function")], ["main", "test::kernel"])

    def test_window_with_nothing(self):
        for window in ("999999:", "marked"):
            program = self.program("li a0, 0\nret")
            path = self.folder / "trace.json"
            self.sim(program, "--trace", path, "--window", window, says=[f"nothing to trace or log: --window {window}"])
            self.assertEqual(trace_schema.check(json.loads(path.read_text()))[1], {})

    def test_programs_that_stop(self):
        for main in ("nop\n.word -1", "wfi\nj main", "addi sp, sp, -64\ncall main"):
            _, tracks, _ = self.trace(program=self.program(main), status=1)
            self.assertEqual(len(tracks), CORES)
        self.trace("--max-cycles", "1234", status=1)

    def test_any_symbol_name(self):
        name = "a\\\"\\\\\t\x01é<"
        source = self.folder / "names.S"
        source.write_text(f'.globl main\nmain: j "{name}"\n.globl "{name}"\n.type "{name}", @function\n"{name}": '
                          f'li a0, 0\nret\n.size "{name}", . - "{name}"\n')
        _, tracks, _ = self.trace(program=self.link("names", source))
        self.assertTrue(any('"' in n and "é" in n for t in tracks.values() for _, n, *_ in t.spans))


class Log(SimTest):
    LINE = re.compile(r"^ *(\d+) +(\d+) ([0-9a-f]{8}) ([0-9a-f]{8}|        )  (\S.*|  arrives .*)$")

    def log(self, *arguments, program=None, status=0):
        path = self.folder / "log"
        self.sim(program or self.kernel, "--log", path, *arguments, status=status)
        lines = path.read_text().splitlines()
        self.assertTrue(lines[0].startswith("#") and lines[-1].startswith("#"))
        for line in lines[1:-1]:
            self.assertRegex(line, self.LINE)
            self.assertEqual(line, line.rstrip())
        return lines

    def test_lines(self):
        stats = self.folder / "stats.json"
        lines = self.log("--stats", stats)
        issued = [line for line in lines[1:-1] if "  arrives " not in line]
        self.assertEqual(len(issued), json.loads(stats.read_text())["instructions"])
        cycles = [int(line.split()[0]) for line in lines[1:-1]]
        self.assertEqual(cycles, sorted(cycles))
        self.assertRegex(lines[-1], r"^# cycle \d+: finished by core 0, exit code 0$")

    def test_content(self):
        text = "\n".join(self.log("--cores", "0"))
        for pattern in (
            r"\n +\d+ +0 a0000000 80000537  lui +a0, 0x80000 +a0=80000000  \(\d+: fetch\)  <\(boot ROM\)>\n",
            r" lui +t0, 0x2 +t0=00002000  \(\d+: fetch\)  <test::kernel>\n",
            r" lw +t2, 0\(t0\) +\[00002000\]",
            r" 0002a383  lw +t2, .*(\n.*)?\n +\d+ +0 [0-9a-f]{8} +arrives +t2=00000000\n",
            r" div +a1, t0, t1 +a1=00000492\n",
            r" addi +a1, a1, 1 +a1=00000493  \(\d+: alu_result\)\n",
            r" sw +a1, 256\(t0\) +\[00002100\]=00000000",
            r" sb +t1, 0\(t0\) +\[c0000000\]=68",
            r" amoadd\.w +t1, t1, \(t0\) +\[80001000\]",
            r" ret|jalr +zero, 0\(ra\) +\(\d+: sleep\)",
        ):
            self.assertRegex(text, pattern)
        self.assertNotRegex(text, r"\n +\d+ +[1-9]")

    def test_functional(self):
        text = "\n".join(self.log("--functional", "--cores", "0", "--window", "marked"))
        self.assertRegex(text, r" lw +t2, 0\(t0\) +t2=00000000  \[00002000\]\n")
        self.assertRegex(text, r" addi +a1, a1, 1 +a1=00000493\n")
        self.assertNotIn("arrives", text)

    def test_standard_error(self):
        out, error = self.sim(self.kernel, "--log", "-", "--window", ":60", "--quiet")
        self.assertEqual(out, "hello\n")
        self.assertTrue(error.startswith("#   cycle core pc"))
        self.assertTrue(error.endswith("# cycle 60: the log ends, the program was still running\n"))

    def test_a_stopped_program(self):
        lines = self.log(program=self.program("nop\n.word -1"), status=1)
        self.assertRegex(lines[-1], r"^# cycle \d+: stopped by core 0 at 8000009\w: illegal instruction$")


class Stops(SimTest):
    def stops(self, main, *says, at="main", mode=()):
        _, error = self.sim(self.program(main), *mode, status=1)
        for piece in says:
            self.assertRegex(error, piece)
        self.assertRegex(error, r"^tessera: \S+\.elf: core \d+, cycle \d+: ")
        self.assertRegex(error, rf"\n  (instruction|after) +[0-9a-f]{{8}}  [0-9a-f]{{8}}  \S.* {re.escape(at)}\n")
        self.assertRegex(error, r"\nregisters:\n  zero 00000000    ra [0-9a-f]{8}    sp ")
        history = error.split("newest last:\n")[1].splitlines()
        self.assertTrue(8 <= len(history) <= 16, history)
        for line in history:
            self.assertRegex(line, r"^  [0-9a-f]{8}  [0-9a-f]{8}  \S.*( \S+)$")
        return error

    def test_faults(self):
        for main, at, *says in [
            ("nop\n.word -1", "main+0x4", ": illegal instruction\n", r"ffffffff  \.word 0xffffffff"),
            ("li a1, 0x2001\nlw a2, 0(a1)", "main+0x8", ": misaligned memory access\n", "address +00002001",
             r"\n.* a1 00002001"),
            ("li a1, 0x50000000\nsw a2, 0(a1)", "main+0x4", ": access to an address where nothing is\n",
             "address +50000000"),
            ("la a1, _start\nsw zero, 0(a1)", "main+0x8", ": write to read-only data or code", "address +80000000"),
            ("addi sp, sp, -64\ncall main", "main", ": stack overflow",
             "sp +ffffffc0, 64 bytes below the limit 00000000"),
            ("li a1, 0x2000\njr a1", "main+0x4", ": instruction fetch from a place that holds no code\n",
             "target +00002000", r"jalr +zero, 0\(a1\) +main\+0x4\n"),
            ("la a1, main + 2\njr a1", "main+0x8", ": jump to an address that is no multiple of 4\n",
             r"target +8000009\w", r"(instruction|after) +\w+  \w+  jalr "),
            ("la a1, main\nlr.w a2, (a1)", "main+0x8", "does not support: LR and SC work in L1 only\n"),
            ("li a1, 0x40010000\nlw a2, 0x14(a1)\n1: j 1b", "main+0x4", ": DMA transfer .*: it has zero bytes"),
        ]:
            for mode in BOTH_MODES:
                with self.subTest(main=main, mode=mode):
                    self.stops(main, *says, at=at, mode=mode)

    def test_deadlock(self):
        program = self.program("li a1, 3\nbne a0, a1, 2f\n1: wfi\nj 1b\n2: ret")
        for mode in BOTH_MODES:
            _, error = self.sim(program, *mode, status=1)
            self.assertRegex(error, r": deadlock: all cores sleep, and nothing is left that could wake them\n")
            self.assertRegex(error, r"\ncores 0-2,4-15 sleep at\n  \w+  10500073  wfi +barrier\+0x34\n")
            self.assertRegex(error, r"\ncore 3 sleeps at\n  \w+  10500073  wfi +main\+0x8\n")

    def test_run_away(self):
        program = self.program("li a1, 3\nbne a0, a1, 2f\n1: j 1b\n2: ret")
        for mode, unit in zip(BOTH_MODES, ("cycles", "turns")):
            _, error = self.sim(program, "--max-cycles", "5000", *mode, status=1)
            self.assertIn(f": not finished after 5000 {unit}; --max-cycles ", error)
            self.assertRegex(error, r"\ncore 3 runs in main, at\n  \w+  0000006f  jal .* main\+0x8\n")
            self.assertRegex(error, r"\ncores 0-2,4-15 sleep at\n")


class Usage(SimTest):
    def test_help(self):
        text, _ = self.sim("--help")
        for option in ("--config", "--raw", "--functional", "--max-cycles", "--stats", "--trace", "--trace-detail",
                       "--log", "--cores", "--window", "--quiet"):
            self.assertRegex(text, rf"\n  {option}[ ,].*\S")
            self.assertIn(option, text.split("Examples:")[1]) if option in ("--trace", "--log") else None

    def test_wrong_usage(self):
        trace = ("--trace", self.folder / "t.json")
        for arguments, says in [
            ((), "PROGRAM"),
            (("--cores", "0"), "give one of those"),
            (("--window", "1:2"), "give one of those"),
            (("--trace-detail", "stalls"), "--trace"),
            ((*trace, "--trace-detail", "all"), "--trace-detail"),
            ((*trace, "--functional"), "--functional"),
            (("--trace", "-"), "--trace"),
            (("--config", "giant"), "minpool, mempool"),
            (("--max-cycles", "many"), "--max-cycles"),
            *(((*trace, "--cores", bad), f"'{bad}' is no list of cores") for bad in
              ("x", "3-1", "1,", ",1", "1,,2", "-1", "1-", "0x3", "1 2", "99999999999999999999")),
            ((*trace, "--cores", "0-16"), "there is no core 16, the last is 15"),
            *(((*trace, "--window", bad), f"'{bad}' is neither") for bad in
              ("5", "x:", "5:5", "6:5", ":0", "1:2:3", "-1:5", "all")),
        ]:
            with self.subTest(arguments=arguments):
                program = (self.kernel,) if arguments else ()
                _, error = self.sim(*arguments, *program, status=2)
                self.assertIn(says if arguments else "program", error)
        self.assertFalse((self.folder / "t.json").exists())

    def test_configuration_of_the_program(self):
        def linked_for(name):
            return self.program(f'li a0, 0\nret\n.section .tessera.config\n.ascii "{name}"\n.text')

        program = linked_for("minpool")
        says = f"tessera: {program}: linked for minpool, whose cores and memories are not those of mempool"
        self.sim(program, "--config", "mempool", says=[says])
        for arguments in ((), ("--config", "minpool"), ("--config", "minpool_tile4"),
                          ("--config", "mempool", "--quiet")):
            with self.subTest(arguments=arguments):
                _, error = self.sim(program, *arguments)
                self.assertNotIn("linked for", error)
        program = linked_for("giant")
        self.sim(program, status=1, says=[f"{program}: linked for a configuration 'giant' that is not known",
                                          "minpool, mempool"])
        self.sim(program, "--config", "minpool")

    def test_files(self):
        none = self.folder / "none" / "file"
        for option in ("--trace", "--log", "--stats"):
            out, _ = self.sim(self.kernel, option, none, status=1, says=[f"{none}: cannot be created"])
            self.assertEqual(out, "", "it ran before it looked")
            if os.path.exists("/dev/full"):
                self.sim(self.kernel, option, "/dev/full", status=1, says=["/dev/full: cannot be written"])
        self.sim(none, status=1, says=[f"{none}: cannot be read"])
        self.sim(self.folder, status=1, says=["cannot be read"])
        self.sim(HERE / "start.S", status=1, says=["start.S: "])


def main():
    global TOOL, COMPILER
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", type=pathlib.Path, required=True)
    parser.add_argument("--compiler", default="riscv64-unknown-elf-gcc")
    args, rest = parser.parse_known_args()
    TOOL, COMPILER = args.tool, shutil.which(args.compiler)
    if COMPILER is None:
        print("skipped: riscv64-unknown-elf-gcc is missing (cmake/install-packages.sh --tests installs it)")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
