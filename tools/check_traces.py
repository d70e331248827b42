#!/usr/bin/env python3
"""No file of the project names a place on somebody's machine.

usage: check_traces.py
"""
import re

import project

# Folders that exist on one machine only. In a URL or behind a variable the same words are harmless.
PLACE = re.compile(r"(?:(?<=-[IL])|(?<![\w.$}/:-]))/(?:root|home/\w+|work|mnt|Users|opt/\w+)(?:/|\b)")


def main():
    problems, count = [], 0
    for path in project.files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # pictures, archives, arrays
            continue
        count += 1
        if path.name == "check_traces.py":
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found = PLACE.search(line)
            if found:
                problems.append(f"{project.name(path)}:{number}: the path '{found.group()}' exists on one machine only")
    project.finish(problems, f"no absolute paths in {count} files")


if __name__ == "__main__":
    main()
