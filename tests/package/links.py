#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""links.py PROJECT_FOLDER: every relative link of the project's Markdown pages leads to a file."""
import pathlib
import re
import sys

# Links inside fenced code are text.
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def main():
    project = pathlib.Path(sys.argv[1])
    pages = sorted(project.glob("*.md"))
    for folder in ("docs", "tests", "examples", "benchmarks"):
        pages += sorted((project / folder).rglob("*.md"))
    links, broken = 0, 0
    for page in pages:
        for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
            path = target.split("#")[0]
            if not path or re.match(r"[a-z]+:", target):
                continue
            links += 1
            if not (page.parent / path).exists():
                print(f"{page.relative_to(project)}: {target} does not exist")
                broken += 1
    print(f"{len(pages)} pages, {links} links, {broken} broken")
    return 1 if broken or not links else 0


if __name__ == "__main__":
    sys.exit(main())
