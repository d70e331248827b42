#!/usr/bin/env python3
"""Builds the fuzz targets of tests/fuzz with clang and runs each of them; fails where one finds anything.

usage: fuzz.py [SECONDS] [--runs N] [--only NAME...] [--seed N]     600 seconds each, unless told otherwise

What is found that reaches new code stays in build/fuzz/corpus/NAME and is where the next run begins; an input that
crashes, hangs or takes more than 2 GiB is kept in build/fuzz/found/NAME.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "fuzz"
MEMORY_MB, HANG_SECONDS = 2048, 10


def build(only):
    targets = [f"fuzz_{name}" for name in only] or ["strata_fuzz"]
    for command in (["cmake", "--preset", "fuzz"], ["ninja", "-C", str(BUILD), "-j2", *targets]):
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            sys.exit(f"{' '.join(command)} failed. Clang and libFuzzer are in Debian's package clang.")


def statistic(log, name):
    found = re.search(rf"^stat::{name}:\s+(\d+)", log, re.M)
    return int(found.group(1)) if found else 0


def run(program, limits):
    """Runs one target; gives its name, numbers and what it found."""
    name = program.name.removeprefix("fuzz_")
    corpus, found = BUILD / "corpus" / name, BUILD / "found" / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    environment = os.environ | {"STRATA_FUZZ_SEEDS": str(corpus), "STRATA_KERNEL_CACHE": "", "OMP_NUM_THREADS": "1",
                                "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0"}
    command = [program, *limits, f"-rss_limit_mb={MEMORY_MB}", f"-timeout={HANG_SECONDS}", "-print_final_stats=1",
               f"-artifact_prefix={found}/", corpus, ROOT / "tests" / "golden" / "files"]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    log = done.stdout + done.stderr
    (BUILD / "found" / f"{name}.log").write_text(log)
    new = sorted(p.name for p in set(found.iterdir()) - before)
    if done.returncode != 0 and not new:
        new = [f"exit status {done.returncode}, see {name}.log"]
    return name, statistic(log, "number_of_executed_units"), statistic(log, "new_units_added"), statistic(log, "peak_rss_mb"), new


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", nargs="?", type=int, default=600, help="of each target (600)")
    parser.add_argument("--runs", type=int, help="inputs of each target, instead of a time")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="formats of tests/support/file_formats.cpp")
    parser.add_argument("--seed", type=int, default=0, help="of the random changes; 0 takes another one each time")
    options = parser.parse_args()
    build(options.only)
    limits = [f"-runs={options.runs}" if options.runs else f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
    programs = [BUILD / "bin" / f"fuzz_{name}" for name in options.only] or sorted((BUILD / "bin").glob("fuzz_*"))
    print(f"{'target':20}{'runs':>10}{'new units':>11}{'peak MB':>9}  found", flush=True)
    failed = False
    for program in programs:
        name, runs, units, peak, found = run(program, limits)
        failed = failed or bool(found)
        print(f"{name:20}{runs:>10}{units:>11}{peak:>9}  {', '.join(found) or '-'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
