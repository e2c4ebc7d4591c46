#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps docs/embedding.md true: its program is the one that the package tests compile.

    embedding.py check             the ```cpp block is consumer/main.cpp, licence line aside
    embedding.py update            writes consumer/main.cpp into the page
    embedding.py extract FOLDER    writes the page's CMakeLists.txt, main.cpp and expected.txt into FOLDER
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "embedding.md"
PROGRAM = HERE / "consumer" / "main.cpp"


def block(language, text):
    """The one fenced block of `language` in `text`."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if len(found) != 1:
        raise SystemExit(f"docs/embedding.md must have exactly one ```{language} block, not {len(found)}")
    return found[0]


def program():
    lines = PROGRAM.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if "SPDX-License-Identifier" not in line)


def check():
    if block("cpp", PAGE.read_text(encoding="utf-8")) == program():
        print("docs/embedding.md quotes tests/package/consumer/main.cpp")
        return 0
    print("docs/embedding.md differs from tests/package/consumer/main.cpp: run tests/package/embedding.py update")
    return 1


def update():
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.replace(f"```cpp\n{block('cpp', text)}```", f"```cpp\n{program()}```"), encoding="utf-8")
    return 0


def extract(folder):
    text = PAGE.read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    for name, language in (("CMakeLists.txt", "cmake"), ("main.cpp", "cpp"), ("expected.txt", "text")):
        (folder / name).write_text(block(language, text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        sys.exit(check())
    if sys.argv[1:] == ["update"]:
        sys.exit(update())
    if len(sys.argv) == 3 and sys.argv[1] == "extract":
        sys.exit(extract(pathlib.Path(sys.argv[2])))
    print(__doc__, file=sys.stderr)
    sys.exit(2)
