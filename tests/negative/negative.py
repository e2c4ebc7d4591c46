#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles a fragment that must be refused, and its control that must not. README.md describes fragments."""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ERROR = re.compile(r"\b(fatal )?error:")


def compile_fragment(compiler, flags, fragment, control):
    command = [compiler, f"@{flags}", "-fsyntax-only", "-Wno-unused-variable", str(fragment)]
    if control:
        command.insert(1, "-DTESSERA_CONTROL")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def check(compiler, flags, fragment):
    """Says what is wrong with `fragment` under `compiler`, or None; prints what the compiler said."""
    expected = re.findall(r"^// expect: (.+)$", fragment.read_text(encoding="utf-8"), re.MULTILINE)
    if len(expected) != 1:
        return "needs exactly one line `// expect: regular expression`"

    code, output = compile_fragment(compiler, flags, fragment, control=True)
    if code != 0:
        return f"the control (-DTESSERA_CONTROL) does not compile, so the fragment proves nothing:\n{output}"
    code, output = compile_fragment(compiler, flags, fragment, control=False)
    if code == 0:
        return "compiles, but must be refused"

    errors = [line for line in output.splitlines() if ERROR.search(line)]
    print(f"{compiler}: {len(output.splitlines())} lines, {len(errors)} errors")
    if not errors or not re.search(expected[0], errors[0]):
        return f"the first error does not say /{expected[0]}/:\n{output}"
    print(f"  {errors[0]}")
    if len(errors) > 1:
        return f"one mistake must give one error, not {len(errors)}:\n{output}"
    return None


def run(compilers, flags, fragment):
    failures = 0
    for compiler in compilers:
        problem = check(compiler, flags, fragment)
        if problem:
            print(f"{compiler}: {fragment.name}: {problem}")
            failures += 1
    return 1 if failures else 0


def self_test(compilers, flags):
    """Good and bad fragments: run() must tell them apart."""
    refused = 'static_assert(false, "no such tile");\n'
    either = "#ifdef TESSERA_CONTROL\n{}\n#else\n{}\n#endif\n"
    fragments = [
        ("good", "// expect: no such tile\n" + either.format("", refused), 0),
        ("compiles", "// expect: no such tile\nint x;\n", 1),
        ("control_fails", "// expect: no such tile\n" + refused, 1),
        ("other_message", "// expect: no such shape\n" + either.format("", refused), 1),
        ("other_reason_first", "// expect: no such tile\n" + either.format("", "typo;\n" + refused), 1),
        ("several_errors", "// expect: no such tile\n" + either.format("", refused + "typo;\n"), 1),
        ("message_only_in_note", "// expect: no such tile\n" + either.format(
            "", 'void no_such_tile(int);\nint main() { no_such_tile("no such tile" + 1.0); }'), 1),
        ("no_expectation", either.format("", refused), 1),
    ]
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, text, expected in fragments:
            fragment = pathlib.Path(folder) / f"{name}.cpp"
            fragment.write_text(text, encoding="utf-8")
            print(f"--- {name}")
            for compiler in compilers:
                if run([compiler], flags, fragment) != expected:
                    print(f"*** {name} with {compiler}: expected {'a pass' if expected == 0 else 'a failure'}")
                    failures += 1
    print("self test passed" if failures == 0 else f"{failures} failures")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flags", required=True, help="response file with the compilers' flags")
    parser.add_argument("--compilers", nargs="+", required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--fragment", type=pathlib.Path)
    what.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        return self_test(args.compilers, args.flags)
    return run(args.compilers, args.flags, args.fragment)


if __name__ == "__main__":
    sys.exit(main())
