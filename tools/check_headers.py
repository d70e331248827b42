#!/usr/bin/env python3
"""Public headers are light: each compiles alone, costs at most 0.25 s more than the standard headers that it includes and
0.9 s in all, and includes nothing of other libraries; strata.h includes them all, and a program with it compiles in 2 s.

usage: check_headers.py [--table] [--compiler g++] [HEADER...]

Times are of the processor, not of the clock, and the best of a few, so that other work on the machine does not count. The
budgets are for the machine on which they were set: where a yardstick of standard headers takes longer, they grow with it.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import project

OWN_SECONDS, ALL_SECONDS, PROGRAM_SECONDS = 0.25, 0.9, 2.0
# By so much do two series of measurements of one header differ on a shared machine: what exceeds a budget by less is
# printed, but is no failure.
NOISE_SECONDS = 0.15
YARDSTICK = "".join(f"#include <{name}>\n" for name in "concepts memory optional span string utility vector".split())
YARDSTICK_SECONDS = 0.33
TRIES = 8
BASE_TRIES = 5
HEAVY = {"functional", "map", "iostream", "regex", "filesystem", "random", "iomanip"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
PROGRAM = """#include <strata/strata.h>

#include <iostream>

int main() {
  strata::Tensor x = {{1.f, 2.f}, {3.f, 4.f}};
  strata::Variable w(x, {.name = "w"});
  strata::GradientTape tape;
  strata::Tensor y = strata::reduce_mean(strata::matmul(x, w));
  std::cout << tape.gradient(y, w) << std::endl;
}
"""


class Compiler:
    def __init__(self, command, folder):
        self.command, self.folder = command, folder
        self.best = {}
        self.slow, self.measured_at = 1.0, -60.0

    def slowness(self):
        """How many times as long as where the budgets were set a compilation takes in this minute; at least 1."""
        if time.monotonic() - self.measured_at >= 60:
            key = (YARDSTICK, ("-fsyntax-only",))
            self.best.pop(key, None)
            self.slow = max(1.0, self.seconds(*key, 0, 3) / YARDSTICK_SECONDS)
            self.measured_at = time.monotonic()
        return self.slow

    def seconds(self, text, flags, limit, tries=TRIES):
        """The least processor time of a few compilations; it stops as soon as the limit is met."""
        key = (text, tuple(flags))
        source = self.folder / "alone.cpp"
        if key in self.best and limit == 0:
            return self.best[key]
        for _ in range(tries):
            if self.best.get(key, limit + 1) <= limit:
                break
            source.write_text(text)
            child = subprocess.Popen([self.command, "-std=c++20", "-Wall", "-Wextra", "-I", str(project.ROOT / "include"),
                                      *flags, str(source)], stderr=subprocess.PIPE, text=True)
            errors = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode or errors:
                raise RuntimeError(errors)
            self.best[key] = min(self.best.get(key, 1e9), usage.ru_utime + usage.ru_stime)
        return self.best[key]


def includes(header, seen):
    """The standard headers that a header includes, through strata's own headers too, in order; and what is wrong."""
    standard, problems = [], []
    for bracket, name in INCLUDE.findall(header.read_text(encoding="utf-8")):
        inner = project.ROOT / "include" / name
        if name.startswith("strata/"):
            if bracket == "<":
                problems.append(f'write #include "{name}" inside strata')
            if not inner.exists():
                problems.append(f"'{name}' does not exist")
            elif inner not in seen:
                seen.add(inner)
                standard += includes(inner, seen)[0]
        elif not re.fullmatch(r"[a-z_]+|std[a-z]+\.h", name):
            problems.append(f"<{name}> is of another library: keep it inside src/")
        elif name in HEAVY:
            problems.append(f"<{name}> is heavy: keep it inside src/")
        else:
            standard.append(name)
    return list(dict.fromkeys(standard)), problems


def check(header, compiler, table):
    where = project.name(header)
    standard, problems = includes(header, {header})
    problems = [f"{where}: {p}" for p in problems]
    base_text = "".join(f"#include <{name}>\n" for name in sorted(standard))
    base = compiler.seconds(base_text, ["-fsyntax-only"], 0, BASE_TRIES) if standard else 0.0
    text, flags = f'#include "{where.removeprefix("include/")}"\n', ["-fsyntax-only"]
    slow = 1.0
    try:
        total = compiler.seconds(text, flags, min(ALL_SECONDS, base + OWN_SECONDS), 2)
        if total > min(ALL_SECONDS, base + OWN_SECONDS):
            slow = compiler.slowness()
            total = compiler.seconds(text, flags, min(ALL_SECONDS * slow, base + OWN_SECONDS * slow))
    except RuntimeError as error:
        return problems + [f"{where} does not compile alone:\n{error}"]
    if table:
        speed = f", at {slow:.1f} times the time" if slow > 1 else ""
        print(f"{where:50} {total:5.2f} s, {total - base:5.2f} s of its own{speed}")
    over = []
    if total > ALL_SECONDS * slow:
        over.append(f"{where}: {total / slow:.2f} s to compile; at most {ALL_SECONDS}")
    elif total - base > OWN_SECONDS * slow:
        over.append(f"{where}: {(total - base) / slow:.2f} s beyond its standard headers; at most {OWN_SECONDS}")
    if total <= min(ALL_SECONDS * slow, base + OWN_SECONDS * slow) + NOISE_SECONDS * slow:
        for text in over:
            print(f"near its budget, within the noise: {text}")
        return problems
    return problems + over


def check_umbrella(umbrella, headers, compiler, folder, table):
    seen = {umbrella}
    _, problems = includes(umbrella, seen)
    problems = [f"strata.h: {p}" for p in problems]
    problems += [f"{project.name(h)}: strata.h does not include it" for h in headers if h not in seen]
    try:
        flags = ["-O1", "-c", "-o", f"{folder}/alone.o"]
        took = compiler.seconds(PROGRAM, flags, PROGRAM_SECONDS, 2)
        slow = compiler.slowness() if took > PROGRAM_SECONDS else 1.0
        took = compiler.seconds(PROGRAM, flags, PROGRAM_SECONDS * slow) / slow
    except RuntimeError as error:
        return problems + [f"a program that includes strata.h does not compile:\n{error}"]
    if table:
        print(f"{'a program that includes strata.h':50} {took:5.2f} s")
    if took > PROGRAM_SECONDS:
        problems.append(f"a program that includes strata.h: {took:.2f} s to compile; at most {PROGRAM_SECONDS}")
    return problems


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--table", action="store_true", help="print every measurement")
    options.add_argument("--compiler", default="g++")
    options.add_argument("headers", nargs="*", type=pathlib.Path)
    given = options.parse_args()

    umbrella = project.ROOT / "include/strata/strata.h"
    headers = [h.resolve() for h in given.headers] or sorted((project.ROOT / "include").rglob("*.h"))
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        compiler = Compiler(given.compiler, pathlib.Path(folder))
        for header in headers:
            if header != umbrella:  # its budget is that of a program
                problems += check(header, compiler, given.table)
        if not given.headers:
            problems += check_umbrella(umbrella, headers, compiler, folder, given.table)
    project.finish(problems, f"{len(headers)} public headers compile alone, within their budgets")


if __name__ == "__main__":
    sys.exit(main())
