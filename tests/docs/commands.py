#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Follows a page of the documentation word by word: writes its files and runs its commands, in the order of the page.

    commands.py PAGE.md --project FOLDER            follows and checks it
    commands.py PAGE.md --project FOLDER --write    and puts into it what the commands print today

A code block behind <!-- file: PATH --> is written to PATH; every block of `bash` is run in the project's folder and must
succeed. A block of `text` behind one holds the last lines that it prints. Exits with 77 where a program is missing that
--needs names.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^(?:<!-- file: (?P<path>\S+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--project", type=pathlib.Path, required=True)
    parser.add_argument("--needs", nargs="*", default=[], help="programs without which the page cannot be followed")
    parser.add_argument("--write", action="store_true", help="update the page's blocks of text")
    arguments = parser.parse_args()
    missing = [program for program in arguments.needs if shutil.which(program) is None]
    if missing:
        print(f"not run: {', '.join(missing)} not found")
        return 77

    text = arguments.page.read_text()
    blocks = list(BLOCK.finditer(text))
    written = {arguments.project / block["path"] for block in blocks if block["path"]}
    # A new user starts without them.
    for folder in {path.parent for path in written}:
        shutil.rmtree(folder, ignore_errors=True)
    commands = 0
    printed = []
    outdated = []
    for block in blocks:
        line = text.count("\n", 0, block.start()) + 1
        if block["path"]:
            path = arguments.project / block["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"])
        elif block["language"] == "bash":
            commands += 1
            print(f"--- {arguments.page.name}:{line}\n{block['text']}", flush=True)
            script = ["bash", "-euo", "pipefail", "-c", block["text"]]
            done = subprocess.run(script, cwd=arguments.project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=1200)
            print(done.stdout, flush=True)
            if done.returncode != 0:
                print(f"{arguments.page}:{line}: exit status {done.returncode}")
                return 1
            printed = done.stdout.splitlines(keepends=True)
        elif block["language"] == "text":
            today = "".join(printed[-block["text"].count("\n"):])
            if today != block["text"]:
                outdated.append((block, today))
    if arguments.write:
        for block, today in reversed(outdated):
            text = text[:block.start("text")] + today + text[block.end("text"):]
        arguments.page.write_text(text)
    else:
        for block, today in outdated:
            line = text.count("\n", 0, block.start()) + 1
            print(f"{arguments.page}:{line}: today the command prints otherwise; --write updates the page:\n{today}")
        if outdated:
            return 1
    print(f"{len(written)} files written, {commands} blocks of commands run")
    return 0 if commands else 1


if __name__ == "__main__":
    sys.exit(main())
