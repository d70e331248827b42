#!/usr/bin/env python3
"""Runs a program and compares what it prints with what it should.

usage: run_program.py EXPECTED PROGRAM [ARGUMENT...]

The program must end with status 0. EXPECTED has the lines of its standard output and, after a line `--- stderr`, those of its
standard error. {number} stands for a number, {count} for a whole one, {time} for a duration, {text} for anything in a line.
Lines of progress on standard error, which a program prints where it is slow, are left out.
"""
import difflib
import pathlib
import re
import subprocess
import sys

NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?)"
HOLES = {"number": NUMBER, "count": r"\d+", "time": r"\d+(?:us|ms|s)", "text": r".*"}


def pattern(line):
    parts = re.split(r"\{(number|count|time|text)\}", line)
    return "".join(HOLES[part] if i % 2 else re.escape(part) for i, part in enumerate(parts))


def compare(expected, actual, what):
    """The differences, as text; empty where there are none."""
    expected, actual = expected.rstrip("\n").split("\n"), actual.rstrip("\n").split("\n")
    if len(expected) == len(actual) and all(re.fullmatch(pattern(e), a) for e, a in zip(expected, actual)):
        return ""
    # A line that matches is shown as it is expected, so that the difference has only what is wrong.
    shown = [next((e for e in expected if re.fullmatch(pattern(e), a)), a) for a in actual]
    return "\n".join(difflib.unified_diff(expected, shown, f"{what}, expected", f"{what}, printed", lineterm="")) + "\n"


PROGRESS = re.compile(r"epoch \d+: training batch \d+ of \d+\n")


def main(expected, command):
    stdout, _, stderr = pathlib.Path(expected).read_text(encoding="utf-8").partition("--- stderr\n")
    run = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    wrong = compare(stdout, run.stdout, "stdout") + compare(stderr, PROGRESS.sub("", run.stderr), "stderr")
    if run.returncode:
        wrong += f"exit status {run.returncode}\n"
    if wrong:
        sys.exit(f"{' '.join(command)}\n{wrong}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
