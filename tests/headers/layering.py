#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom under include/tessera, and a few rules that a line of text can break.

    layering.py PROJECT_FOLDER      prints each violation as file:line: reason
    layering.py --self-test         proves that each rule can fail

The rules are those of docs/design.md: config <- std <- core <- arith <- isa <- target <- op <- kernel; network may use
anything but sim; sim may use std, core, isa, arith and op; third parties stay at the edge; below network no standard
library, because bare-metal compilers come without one.
"""
import pathlib
import re
import sys
import tempfile

LAYERS = ["config", "std", "core", "arith", "isa", "target", "op", "kernel"]
MAY_USE = {layer: set(LAYERS[:i + 1]) for i, layer in enumerate(LAYERS)}
MAY_USE["sim"] = {"config", "std", "core", "isa", "arith", "op", "sim"}
MAY_USE["network"] = set(LAYERS) | {"network"}

# Pattern of the header's name -> the third party it belongs to.
THIRD_PARTIES = [
    (re.compile(r"xsimd(/|\.)"), "xsimd"),
    (re.compile(r"(unsupported/)?Eigen/"), "Eigen"),
    (re.compile(r"nlohmann/"), "nlohmann-json"),
    (re.compile(r"z(lib|conf)\.h$"), "zlib"),
    (re.compile(r"utf8proc\.h$"), "utf8proc"),
    (re.compile(r"fmt/"), "fmt"),
    (re.compile(r"doctest"), "doctest"),
    (re.compile(r"benchmark/"), "benchmark"),
    (re.compile(r"CLI/"), "CLI11"),
]
NETWORK_ONLY = {"Eigen", "nlohmann-json", "zlib", "utf8proc"}
INTRINSICS = re.compile(r"([a-z]*mmintrin|x86intrin|x86gprintrin|avx\w*intrin|arm_\w+|riscv_\w+|cpuid)\.h$")
FREESTANDING = {"stdint.h", "stddef.h"}
ARCHITECTURE = re.compile(r"\b__(AVX|SSE|FMA|BMI|F16C|ARM|arm|aarch64|x86_64|i386|riscv|amd64)\w*")

INCLUDE = re.compile(r"^\s*#\s*include\b\s*(.*)$")
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
SPDX = "SPDX-License-Identifier: Apache-2.0"


def third_party(name):
    """The third party that the header `name` belongs to, or None."""
    for pattern, party in THIRD_PARTIES:
        if pattern.match(name):
            return party
    return None


def includes(text):
    """Yields (line number, spelled name with its delimiters) of each #include."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            name = re.match(r'<[^>]*>|"[^"]*"', match.group(1))
            yield number, name.group(0) if name else match.group(1)


def layer_of(path):
    """`path` is relative to include/, e.g. tessera/core/shape.hpp -> core, tessera/std.hpp -> std."""
    parts = pathlib.PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 else pathlib.PurePosixPath(parts[-1]).stem


def check_include(path, spelled, root):
    """Reasons why the header `path` may not include `spelled`."""
    layer = layer_of(path)
    if spelled[:1] not in ("<", '"'):
        return [f"include of a macro ({spelled}) cannot be checked"]
    name = spelled[1:-1]
    if name.startswith("tessera/"):
        reasons = []
        if not (root / name).is_file():
            reasons.append(f"{name} does not exist")
        other = layer_of(name)
        if other not in MAY_USE.get(layer, set()):
            reasons.append(f"{layer} must not include {other} ({name})")
        return reasons
    if spelled[0] == '"':
        return [f'{spelled}: include headers by their full name, "tessera/..."']

    host_edge = re.fullmatch(r"tessera/target/host\w*\.hpp", path) is not None
    vector_kernel = re.fullmatch(r"tessera/kernel/\w+/xsimd\.hpp", path) is not None
    party = third_party(name)
    if party == "xsimd":
        allowed = host_edge or vector_kernel
        return [] if allowed else ["xsimd belongs only in target/host*.hpp and kernel/*/xsimd.hpp"]
    if party in NETWORK_ONLY:
        return [] if layer == "network" else [f"{party} belongs only in network/"]
    if party:
        return [f"{party} must not appear under include/"]
    if INTRINSICS.fullmatch(name):
        return [] if host_edge else [f"intrinsics (<{name}>) belong only in target/host*.hpp"]
    if layer in ("network", "sim") or host_edge or vector_kernel or name in FREESTANDING:
        return []
    return [f"<{name}>: below network only <stdint.h> and <stddef.h>, because bare-metal compilers have no more"]


def check_header(file, path, root):
    """Yields (line, reason) for the header `file`, whose name relative to include/ is `path`."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    layer = layer_of(path)
    if layer not in MAY_USE:
        yield 1, f"{layer} is not a layer of docs/design.md"
    if not lines or lines[0] != f"// {SPDX}":
        yield 1, f"the first line must be // {SPDX}"
    if "#pragma once" not in lines:
        yield 1, "#pragma once is missing"
    for number, spelled in includes(text):
        for reason in check_include(path, spelled, root):
            yield number, reason
    for number, line in enumerate(lines, 1):
        if not CONDITION.match(line):
            continue
        if layer == "kernel":
            yield number, "kernels contain no #if: constrain a specialisation by what the target can do"
        elif layer != "config" and ARCHITECTURE.search(line):
            yield number, "only config.hpp asks the preprocessor about the architecture"


# Everything that carries a licence line, besides the headers.
SOURCE_FOLDERS = ["runtime", "tests", "examples", "benchmarks", "cmake", ".ci"]
SOURCE_SUFFIXES = {".cpp", ".hpp", ".h", ".cmake", ".sh", ".py"}


def check_licence_lines(project):
    files = [project / "CMakeLists.txt"]
    for folder in SOURCE_FOLDERS:
        files += [f for f in sorted((project / folder).rglob("*")) if f.suffix in SOURCE_SUFFIXES or
                  f.name in ("CMakeLists.txt", "run")]
    for file in files:
        if file.is_file():
            head = file.read_text(encoding="utf-8", errors="replace").splitlines()[:2]
            if not any(SPDX in line for line in head):
                yield file, 1, f"the first line (after #!) must name {SPDX}"


def check(project):
    """All violations as (file relative to the project, line, reason)."""
    root = project / "include"
    found = []
    headers = sorted(f for f in root.rglob("*") if f.is_file())
    if not headers:
        found.append((root, 1, "no header found"))
    for file in headers:
        for line, reason in check_header(file, file.relative_to(root).as_posix(), root):
            found.append((file, line, reason))
    found += check_licence_lines(project)
    return [(file.relative_to(project).as_posix(), line, reason) for file, line, reason in found]


GOOD = f"// {SPDX}\n#pragma once\n"
# file -> (text after SPDX and pragma on lines 1 and 2, or the whole text if it starts with "!"; expected (line, words))
BAD_TREE = {
    "config.hpp": ("#if defined(__AVX2__)\n#endif\n#include \"tessera/std.hpp\"", [(5, "config must not include std")]),
    "std.hpp": ("#include <stdint.h>\n#include \"tessera/config.hpp\"\n#include <type_traits>", [(5, "<type_traits>")]),
    "core/up.hpp": ("#include \"tessera/arith/fine.hpp\"", [(3, "core must not include arith")]),
    "core/relative.hpp": ("#include \"up.hpp\"", [(3, "by their full name")]),
    "core/gone.hpp": ("#include \"tessera/core/nowhere.hpp\"", [(3, "does not exist")]),
    "core/macro.hpp": ("#include HEADER", [(3, "cannot be checked")]),
    "core/isa_probe.hpp": ("#ifdef __riscv_xlen\n#endif", [(3, "only config.hpp asks")]),
    "arith/fine.hpp": ("#include \"tessera/core/up.hpp\"\n#include <stddef.h>", []),
    "arith/vector.hpp": ("#  include <vector>", [(3, "<vector>: below network")]),
    "isa/up.hpp": ("#include \"tessera/target/host.hpp\"", [(3, "isa must not include target")]),
    "target/host.hpp": ("#include <xsimd/xsimd.hpp>\n#include <immintrin.h>\n#include <cmath>", []),
    "target/up.hpp": ("#include \"tessera/op/up.hpp\"", [(3, "target must not include op")]),
    "target/other.hpp": ("#include <xsimd/xsimd.hpp>", [(3, "xsimd belongs only")]),
    "op/up.hpp": ("#include \"tessera/kernel/linear/xsimd.hpp\"", [(3, "op must not include kernel")]),
    "op/eigen.hpp": ("#include <Eigen/Core>\n#include <zlib.h>\n#include <nlohmann/json.hpp>\n#include <utf8proc.h>",
                     [(3, "Eigen belongs"), (4, "zlib belongs"), (5, "nlohmann-json bel"), (6, "utf8proc belongs")]),
    "kernel/linear/xsimd.hpp": ("#include <xsimd/xsimd.hpp>\n#include \"tessera/op/up.hpp\"\n#include <cmath>", []),
    "kernel/linear/intrinsics.hpp": ("#include <immintrin.h>\n#include <arm_neon.h>",
                                     [(3, "intrinsics"), (4, "intrinsics")]),
    "kernel/linear/switch.hpp": ("#if 1\n#elif 0\n#endif", [(3, "no #if"), (4, "no #if")]),
    "kernel/linear/host.hpp": ("#include \"tessera/network/fine.hpp\"", [(3, "kernel must not include network")]),
    "network/fine.hpp": ("#include <vector>\n#include <Eigen/Core>\n#include \"tessera/kernel/linear/xsimd.hpp\"", []),
    "network/sim.hpp": ("#include \"tessera/sim/core.hpp\"", [(3, "network must not include sim")]),
    "network/fmt.hpp": ("#include <fmt/core.h>\n#include <CLI/CLI.hpp>\n#include <doctest/doctest.h>\n"
                        "#include <benchmark/benchmark.h>",
                        [(3, "fmt must"), (4, "CLI11 must"), (5, "doctest must"), (6, "benchmark must")]),
    "sim/core.hpp": ("#include \"tessera/op/up.hpp\"\n#include \"tessera/kernel/linear/xsimd.hpp\"",
                     [(4, "sim must not include kernel")]),
    "utils/things.hpp": ("", [(1, "utils is not a layer")]),
    "core/no_licence.hpp": ("!#pragma once\n", [(1, "first line must be")]),
    "core/no_pragma.hpp": (f"!// {SPDX}\n", [(1, "#pragma once is missing")]),
}


def self_test():
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder)
        expected = set()
        for name, (text, violations) in BAD_TREE.items():
            file = project / "include" / "tessera" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text[1:] if text.startswith("!") else GOOD + text + "\n", encoding="utf-8")
            expected |= {(f"include/tessera/{name}", line, words) for line, words in violations}
        (project / "CMakeLists.txt").write_text(f"# {SPDX}\n", encoding="utf-8")
        (project / "tests").mkdir()
        (project / "tests" / "bare.py").write_text("print()\n", encoding="utf-8")
        expected.add(("tests/bare.py", 1, "the first line"))

        for file, line, reason in check(project):
            hit = {e for e in expected if e[0] == file and e[1] == line and e[2] in reason}
            if not hit:
                print(f"not expected: {file}:{line}: {reason}")
                failures += 1
            expected -= hit
        for file, line, words in sorted(expected):
            print(f"not reported: {file}:{line}: ...{words}...")
            failures += 1
        if not check(project / "empty"):
            print("not reported: a project without headers")
            failures += 1
    print("self test passed" if failures == 0 else f"{failures} failures")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    violations = check(pathlib.Path(sys.argv[1]))
    for file, line, reason in violations:
        print(f"{file}:{line}: {reason}")
    print(f"{len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
