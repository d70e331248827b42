#!/usr/bin/env python3
"""Files and functions stay small: public headers under 300 lines, other sources under 500, functions under 60.

usage: check_sizes.py [FILE...]
"""
import pathlib
import re
import sys

import project

HEADER_LINES, FILE_LINES, FUNCTION_LINES = 300, 500, 60
# What a function's head cannot start with, and what makes a block a scope that holds functions.
SCOPE = re.compile(r"^\s*(?:(?:inline|static|export|typedef|template\s*<.*>)\s+)*(?:namespace|class|struct|union|enum|extern)\b", re.S)


def blank(text):
    """The text with comments, strings and preprocessor lines blanked, line breaks kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^[ \t]*#(?:\\\n|[^\n])*',
                         re.S | re.M)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def functions(text):
    """Yields (first line, lines, head) of each function of a C++ source, by its braces."""
    text = blank(text)
    stack, start = [], 0  # start: where the current declaration began
    for at, c in enumerate(text):
        if c == "{":
            head = text[start:at]
            outside = all(kind == "scope" for kind, _ in stack)
            if outside and SCOPE.search(head) and "(" not in re.sub(r"\b(?:alignas|requires|__attribute__)\s*\(+[^)]*\)+", "", head):
                kind = "scope"
            elif outside and "(" in head and not re.search(r"=\s*$", head):
                kind = "function"
            else:
                kind = "block"
            stack.append((kind, start + len(head) - len(head.lstrip())))
            if kind == "scope":
                start = at + 1
        elif c == "}" and stack:
            kind, begin = stack.pop()
            if kind == "function":
                yield text.count("\n", 0, begin) + 1, text.count("\n", begin, at) + 1, " ".join(text[begin:at].split("{")[0].split())
            if all(kind == "scope" for kind, _ in stack):
                start = at + 1
        elif c == ";" and all(kind == "scope" for kind, _ in stack):
            start = at + 1


def main():
    given = [pathlib.Path(a).resolve() for a in sys.argv[1:]]
    paths = given or [p for p in project.files(".h", ".cpp", ".py") if not project.name(p).startswith("examples/")]
    problems = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        lines, where = text.count("\n"), project.name(path)
        limit = HEADER_LINES if where.startswith("include/") else FILE_LINES
        if lines >= limit:
            problems.append(f"{where}: {lines} lines; stay under {limit}: split it by what it does")
        if path.suffix == ".py":
            continue
        for first, length, head in functions(text):
            if length >= FUNCTION_LINES:
                problems.append(f"{where}:{first}: {length} lines in a function; stay under {FUNCTION_LINES}: {head[:70]}")
    project.finish(problems, f"sizes of {len(paths)} files and their functions")


if __name__ == "__main__":
    main()
