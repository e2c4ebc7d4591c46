#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debugs a small program on the model with gdb-multiarch, in batch mode, in both modes of the model, and checks what GDB
and the tool say. Exit status 77 if there is no GDB."""
import argparse
import functools
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = PROGRAM = SOURCE = GDB = None
TIMEOUT = 120
CORES = 16


def line_of(comment):
    """The number of the program's line that ends in the comment."""
    for number, line in enumerate(SOURCE.read_text().splitlines(), 1):
        if line.endswith("// " + comment):
            return number
    raise AssertionError(f"no line of {SOURCE.name} says {comment}")


class Model:
    """tessera sim, waiting for GDB."""

    def __init__(self, *options):
        self.process = subprocess.Popen([TOOL, "sim", "--quiet", "--gdb", "0", *options, PROGRAM],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = self.process.stderr.readline()
        match = re.fullmatch(r"Waiting for GDB on port (\d+):\n", first)
        if not match:
            self.process.kill()
            raise AssertionError("the tool says " + first)
        self.port = int(match.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self):
        """Exit status, standard output, standard error."""
        out, error = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, out, error

    def client(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)


def packet(payload):
    return b"$%s#%02x" % (payload, sum(payload) % 256)


def read_packet(connection):
    """The next payload; acknowledges are passed over."""
    data = b""
    while not re.search(rb"\$[^#]*#..", data):
        received = connection.recv(1)
        if not received:
            raise AssertionError(f"the tool has left after {data}")
        data += received
    return re.search(rb"\$([^#]*)#", data).group(1)


def in_both_modes(test):
    """Runs a test with a timed and with a functional model."""
    @functools.wraps(test)
    def tests(self):
        for options in ((), ("--functional",)):
            with self.subTest(options=options), Model(*options) as model:
                test(self, model)
    return tests


class Session(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-gdb-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def command(self, model, commands):
        script = self.folder / "script.gdb"
        script.write_text("set pagination off\nset width 0\n"
                          f"target remote 127.0.0.1:{model.port}\n{commands}\n")
        return [GDB, "-nx", "-batch", "-x", str(script), PROGRAM]

    def debug(self, model, commands):
        done = subprocess.run(self.command(model, commands), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def assertSays(self, text, *patterns):
        """The patterns occur in this order."""
        at = 0
        for pattern in patterns:
            match = re.compile(pattern, re.MULTILINE).search(text, at)
            self.assertIsNotNone(match, f"{pattern!r} is missing after {text[:at]!r} in\n{text}")
            at = match.end()

    @in_both_modes
    def test_a_session(self, model):
        said = self.debug(model, f"""
            x/3i $pc
            break main
            continue
            info threads
            info registers pc mhartid
            stepi
            delete
            tbreak {SOURCE.name}:{line_of('all cores')} thread 4
            continue
            print core
            step
            info args
            next
            print scaled
            finish
            print/x $mhartid
            tbreak {SOURCE.name}:{line_of('one core')}
            continue
            print sum
            print results
            x/2dw &results
            set var results[1] = -5
            print results[1]
            set var sum = 99
            set var exit_code = 3
            continue""")
        self.assertSays(said, r"^=> 0xa0000000:", r"wfi$",
                        r"Thread \d+ hit Breakpoint 1, main",
                        r"1 .*minpool core 0, awake", r"16 .*minpool core 15, awake.* main ",
                        r"^mhartid +0x",
                        r"Thread 4 hit Temporary breakpoint 2",
                        r"\$1 = 3$", r"scale \(value=.*3, by=3\)", r"^value = 3$", r"\$2 = 9$",
                        r"Value returned is \$3 = 10$", r"\$4 = 0x3$",
                        r"Thread 1 hit Temporary breakpoint 3", r"\$5 = 376$",
                        r"\$6 = \{1, 4, 7, 10, ", r"<results>:\s+1\s+4$", r"\$7 = -5$",
                        r"exited with code 03")
        self.assertEqual(model.end()[:2], (3, "sum 99\n"))

    @in_both_modes
    def test_each_core_stops_at_a_breakpoint(self, model):
        said = self.debug(model, "break scale\n" + "continue\n" * (CORES + 1))
        threads = re.findall(r"Thread (\d+) hit Breakpoint 1, scale", said)
        self.assertEqual(sorted(map(int, threads)), list(range(1, CORES + 1)), said)
        self.assertSays(said, "exited normally")
        self.assertEqual(model.end()[:2], (0, "sum 376\n"))

    @in_both_modes
    def test_conditions_and_commands(self, model):
        said = self.debug(model, """
            break scale if value == 11
            commands
            silent
            print value * 1000
            continue
            end
            continue""")
        self.assertEqual(re.findall(r"\$\d+ = (\d+)", said), ["11000"], said)
        self.assertEqual(model.end()[:2], (0, "sum 376\n"))

    @in_both_modes
    def test_code_that_is_written_under_a_breakpoint(self, model):
        said = self.debug(model, """
            break scale
            continue
            set var *(unsigned *)$pc = 0x00700513
            set var ((unsigned *)$pc)[1] = 0x00008067
            disable
            continue""")
        self.assertSays(said, "exited normally")
        # li a0, 7; ret. In the timed mode cores that have fetched it already are as before: there are none.
        self.assertEqual(model.end()[:2], (0, f"sum {7 * CORES}\n"))

    @in_both_modes
    def test_faults(self, model):
        said = self.debug(model, """
            break main
            continue
            delete
            set var $pc = 0x90000000
            continue
            set var $pc = main
            set var *(unsigned *)main = 0xffffffff
            continue""")
        self.assertSays(said, r"core \d+: instruction fetch from a place that holds no code: 0x90000000", "SIGSEGV",
                        r"core \d+: illegal instruction: 0xffffffff", "SIGILL")
        status, _, error = model.end()
        self.assertEqual(status, 1)
        self.assertIn("illegal instruction", error)

    @in_both_modes
    def test_sleeping_cores(self, model):
        said = self.debug(model, f"""
            tbreak {SOURCE.name}:{line_of('one core')}
            continue
            info threads
            thread 16
            print $minstret
            set scheduler-locking on
            stepi
            print $minstret
            set scheduler-locking off
            stepi
            print $minstret""")
        self.assertSays(said, "16 .*minpool core 15, asleep", "thread 16")
        asleep, locked, woken = (int(n) for n in re.findall(r"^\$\d+ = (\d+)$", said, re.MULTILINE))
        self.assertEqual((locked, woken), (asleep, asleep + 1), said)
        status, _, error = model.end()
        self.assertEqual(status, 1)
        self.assertIn("ended by GDB", error)

    @in_both_modes
    def test_detach(self, model):
        self.debug(model, "break main\ncontinue\ndetach")
        self.assertEqual(model.end()[:2], (0, "sum 376\n"))

    @in_both_modes
    def test_interrupt(self, model):
        script = self.command(model, "break main\ncontinue\ndelete\nset var spins = 1\necho spinning\\n\ncontinue\n"
                                     "set var spins = 0\ncontinue")
        with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              text=True) as gdb:
            said = ""
            while "spinning" not in said:
                line = gdb.stdout.readline()
                self.assertTrue(line, said)
                said += line
            time.sleep(1)
            gdb.send_signal(signal.SIGINT)
            rest, _ = gdb.communicate(timeout=TIMEOUT)
        self.assertSays(rest, "SIGINT", "exited normally")
        self.assertEqual(model.end()[:2], (0, "sum 376\n"))

    def test_a_client_that_leaves(self):
        with Model() as model:
            model.client().close()
            self.assertEqual(model.end()[0], 1)
        with Model() as model:
            with model.client() as connection:
                connection.sendall(packet(b"c")[:-1])
            self.assertEqual(model.end()[0], 1)

    def test_a_client_without_comfort(self):
        with Model() as model, model.client() as connection:
            connection.sendall(b"garbage\x03" + packet(b"?")[:-1] + b"x")
            self.assertEqual(connection.recv(1), b"-")
            connection.sendall(packet(b"?"))
            self.assertEqual(read_packet(connection), b"T05thread:1;")
            connection.sendall(packet(b"c"))
            self.assertEqual(read_packet(connection), b"W00")
            connection.sendall(packet(b"s"))
            self.assertEqual(read_packet(connection), b"W00")
            connection.close()
            self.assertEqual(model.end()[:2], (0, "sum 376\n"))

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            done = subprocess.run([TOOL, "sim", "--gdb", str(port), PROGRAM], capture_output=True, text=True,
                                  timeout=TIMEOUT)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"--gdb: cannot use port {port} of 127.0.0.1: Address already in use", done.stderr)
        for wrong in (["--gdb", "65536"], ["--gdb", "-1"], ["--gdb", "0", "--log", "-"]):
            done = subprocess.run([TOOL, "sim", *wrong, PROGRAM], capture_output=True, text=True, timeout=TIMEOUT)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    known, rest = parser.parse_known_args()
    TOOL, PROGRAM, SOURCE = known.tool, known.program, known.source
    GDB = shutil.which("gdb-multiarch") or shutil.which("riscv64-unknown-elf-gdb")
    if GDB is None:
        print("skipped: there is no gdb-multiarch (cmake/install-packages.sh --tests)")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest])
