#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Uses Tessera as other projects do: each scenario configures, builds and runs a project of its own.

    installed      find_package in a fresh install; wrong versions and components are refused
    moved          the same after the installed tree was moved
    build-tree     find_package in a configured but not installed build
    subdirectory   add_subdirectory
    embedding      the project that docs/embedding.md shows, with the output that it promises
    mempool        a program for MemPool, from an installed Tessera and from a subdirectory, with g++ and with clang
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CONSUMER = HERE / "consumer"
PROGRAMS = ["consumer", "consumer_core", "consumer_network"]


class Failed(Exception):
    pass


class Scenario:
    def __init__(self, args):
        self.args = args
        self.source = args.source
        # Every run starts from nothing: a stale cache would hide what a newcomer meets.
        self.work = args.work
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def run(self, *command, expect=0):
        """Runs a command; returns what it printed. `expect` is its exit status, or None for any failure."""
        done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              text=True, errors="replace")
        good = done.returncode != 0 if expect is None else done.returncode == expect
        if not good:
            raise Failed(f"exit status {done.returncode}: {' '.join(map(str, command))}\n{done.stdout}")
        return done.stdout

    def configure(self, source, build, *options, expect=0):
        a = self.args
        return self.run(a.cmake, "-S", source, "-B", build, "-G", a.generator, f"-DCMAKE_CXX_COMPILER={a.compiler}",
                        "-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF", *options, expect=expect)

    def consume(self, name, *options, source=CONSUMER, programs=()):
        build = self.work / name
        self.configure(source, build, *options)
        self.run(self.args.cmake, "--build", build)
        output = ""
        for program in programs or PROGRAMS:
            output = self.run(build / program)
        print(f"{name}: configured, built and run")
        return output

    def tessera_build(self):
        """Configures Tessera for installation only, as a packager does. There is nothing to build."""
        build = self.work / "tessera-build"
        self.configure(self.source, build, "-DTESSERA_BUILD_TESTS=OFF", "-DTESSERA_BUILD_EXAMPLES=OFF",
                       "-DTESSERA_BUILD_BENCHMARKS=OFF")
        return build

    def install(self):
        build, prefix = self.tessera_build(), self.work / "prefix"
        self.run(self.args.cmake, "--install", build, "--prefix", prefix)
        return build, prefix

    def probe(self, prefix, request, expect, *options):
        """Configures a project that only says find_package(tessera REQUEST)."""
        folder = self.work / "probe"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.23)\nproject(probe LANGUAGES CXX)\n"
            f"find_package(tessera {request} REQUIRED)\n", encoding="utf-8")
        output = self.configure(folder, folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", *options,
                                expect=0 if expect is None else None)
        output = " ".join(output.split())  # CMake wraps its messages
        if expect is not None and not re.search(expect, output):
            raise Failed(f"find_package(tessera {request}) does not say /{expect}/:\n{output}")
        print(f"find_package(tessera {request}): {'accepted' if expect is None else 'refused, as it must be'}")

    def no_absolute_paths(self, prefix, build):
        """An installed file that names this machine's folders breaks elsewhere, and only there."""
        files = [f for f in prefix.rglob("*") if f.is_file()]
        scripts = [f for f in files if f.suffix in (".cmake", ".pc")]
        if not scripts or not any(f.suffix == ".hpp" for f in files):
            raise Failed(f"{prefix} lacks headers or CMake files")
        for file in scripts:
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                code = line.split("#")[0]
                places = [p for p in (self.source, build, prefix) if str(p) in line]
                # CMake's own boilerplate compares prefixes with "/".
                places += re.findall(r"/(?:usr|home|root|opt|tmp|work)/[\w./-]*", code)
                if places:
                    raise Failed(f"{file.relative_to(prefix)}:{number}: absolute path {places[0]}: {line.strip()}")
        print(f"{len(scripts)} installed CMake files: no absolute paths")


def installed(s):
    build, prefix = s.install()
    s.no_absolute_paths(prefix, build)
    s.consume("consumer", f"-DCMAKE_PREFIX_PATH={prefix}")

    version = re.search(r"set\(PACKAGE_VERSION \"(\d+)\.(\d+)\.(\d+)\"",
                        next(prefix.rglob("tesseraConfigVersion.cmake")).read_text(encoding="utf-8"))
    major, minor, patch = map(int, version.groups())
    s.probe(prefix, f"{major}.{minor}", None)
    s.probe(prefix, f"{major}.{minor}.{patch} EXACT", None)
    refused = "compatible with requested version|matching requested version"
    s.probe(prefix, f"{major}.{minor + 1}", refused)
    s.probe(prefix, f"{major + 1}.0", refused)
    s.probe(prefix, f"{major}.{minor}.{patch + 1}", refused)
    if minor > 0:  # before 1.0 a minor version may change the interface
        s.probe(prefix, f"{major}.{minor - 1}", refused)
    s.probe(prefix, "COMPONENTS tessera host network", None)
    s.probe(prefix, "COMPONENTS nonsense", "tessera_FOUND to FALSE|nonsense")
    # A component whose third party is missing says so, and does not take the others with it.
    without = "-DCMAKE_DISABLE_FIND_PACKAGE_xsimd=ON"
    s.probe(prefix, "COMPONENTS tessera network", None, without)
    s.probe(prefix, "COMPONENTS host", "tessera::host needs xsimd .*libxsimd-dev", without)
    s.probe(prefix, "COMPONENTS network", "tessera::network needs nlohmann-json .*nlohmann-json3-dev",
            "-DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON")


def moved(s):
    build, prefix = s.install()
    shutil.rmtree(build)
    elsewhere = s.work / "somewhere" / "else"
    elsewhere.parent.mkdir()
    prefix.rename(elsewhere)
    s.consume("consumer", f"-DCMAKE_PREFIX_PATH={elsewhere}")


def build_tree(s):
    s.consume("consumer", f"-Dtessera_DIR={s.tessera_build()}")


def subdirectory(s):
    s.consume("consumer", f"-DTESSERA_CHECKOUT={s.source}")
    # On request, a part of Tessera builds there too.
    build = s.work / "parts"
    s.configure(CONSUMER, build, f"-DTESSERA_CHECKOUT={s.source}", "-DTESSERA_BUILD_TESTS=ON",
                "-DTESSERA_BUILD_EXAMPLES=ON", "-DTESSERA_BUILD_BENCHMARKS=ON", "-DCONSUMER_WANTS_PARTS=ON")
    s.run(s.args.cmake, "--build", build, "--target", "test_core")
    print("subdirectory: tests, examples and benchmarks configured, test_core built")


def embedding(s):
    _, prefix = s.install()
    project = s.work / "project"
    s.run(sys.executable, "-B", HERE / "embedding.py", "check")
    s.run(sys.executable, "-B", HERE / "embedding.py", "extract", project)
    output = s.consume("build", f"-DCMAKE_PREFIX_PATH={prefix}", source=project, programs=["my_engine"])
    expected = (project / "expected.txt").read_text(encoding="utf-8")
    if output != expected:
        raise Failed(f"docs/embedding.md promises\n{expected}but its program prints\n{output}")


def mempool(s):
    compilers = ["riscv64-unknown-elf-g++", "clang++", "ld.lld"]
    missing = [c for c in compilers if shutil.which(c) is None]
    if missing:
        print(f"skipped: {', '.join(missing)} not found; cmake/install-packages.sh --tests installs them")
        return SKIPPED
    _, prefix = s.install()
    places = {"installed": (f"-DCMAKE_PREFIX_PATH={prefix}", prefix / "share" / "cmake" / "tessera"),
              "subdirectory": (f"-DTESSERA_CHECKOUT={s.source}", s.source / "cmake")}
    for place, (option, toolchains) in places.items():
        for compiler in ("gcc", "clang"):
            build = s.work / f"{place}-{compiler}"
            s.run(s.args.cmake, "-S", HERE / "mempool", "-B", build, "-G", s.args.generator, option,
                  f"-DCMAKE_TOOLCHAIN_FILE={toolchains}/toolchain-rv32-{compiler}.cmake")
            s.run(s.args.cmake, "--build", build)
            program = (build / "program.elf").read_bytes()
            if program[:5] != b"\x7fELF\x01" or b"minpool\0" not in program:
                raise Failed(f"{build}/program.elf is no 32-bit ELF file that names its configuration")
            print(f"{place}, {compiler}: configured and built")
    return 0


SKIPPED = 77
SCENARIOS = {"installed": installed, "moved": moved, "build-tree": build_tree, "subdirectory": subdirectory,
             "embedding": embedding, "mempool": mempool}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="Tessera's checkout")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder of this scenario; emptied first")
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--generator", default="Ninja")
    parser.add_argument("--compiler", default="c++")
    args = parser.parse_args()
    try:
        return SCENARIOS[args.scenario](Scenario(args)) or 0
    except Failed as problem:
        print(problem)
        return 1


if __name__ == "__main__":
    sys.exit(main())
