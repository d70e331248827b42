"""bench/run with a program in place of strata's: turns, medians, ratios, the table, and what it says of bad input."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench")]

from harness import machine, table
from harness.measure import Bench
from harness.rows import ROWS, Row, Variant

# A worker that says what the works of strata_bench say, with times that are known.
WORKER = """import sys
print("@ready", flush=True)
for line in sys.stdin:
    print("chatter of a library", flush=True)
    print('@{"seconds": %s, "runs": 1}' % sys.argv[1], flush=True)
"""


def programs(folder):
    path = os.path.join(folder, "worker.py")
    pathlib.Path(path).write_text(WORKER)
    return {"strata": [sys.executable, path, "0.25"], "PyTorch": [sys.executable, path, "0.5"]}


class Benches(unittest.TestCase):
    def setUp(self):
        Bench.pause = 0

    def test_peers_take_turns_and_are_compared(self):
        row = Row("work", "some work", (Variant("strata", "a"), Variant("PyTorch", "b"), Variant("OpenVINO")), items=64,
                  against=("PyTorch",), factor=1.9)
        with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as log:
            bench = Bench(programs(folder), {}, folder, rounds=2, limit=1, models={}, log=log)
            results = bench.run(row)
        self.assertEqual({name: r["samples"] for name, r in results.items()},
                         {"strata a": [256, 256], "PyTorch b": [128, 128]})
        self.assertEqual(table.ratio(row, results, table.PEERS), 2)
        self.assertEqual(table.target(row, results), ("1.9 x PyTorch", True))
        self.assertEqual(table.target(Row("w", "", (), against=("PyTorch",), factor=2.1, items=1), results)[1], False)

    def test_a_worker_that_ends_is_left_out(self):
        row = Row("work", "some work", (Variant("strata"), Variant("PyTorch")))
        with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as log:
            commands = programs(folder) | {"PyTorch": [sys.executable, "-c", "raise SystemExit(3)"]}
            results = Bench(commands, {}, folder, 1, 1, {}, log).run(row)
        self.assertEqual(list(results), ["strata"])

    def test_times_and_sizes_want_to_be_small(self):
        row = Row("work", "some work", (Variant("strata"), Variant("PyTorch")), bound=60e-6)
        results = {n: {"peer": n, "label": "", "value": v, "samples": [v]} for n, v in (("strata", 5e-5), ("PyTorch", 1e-3))}
        self.assertAlmostEqual(table.ratio(row, results, table.PEERS), 20)
        self.assertEqual(table.target(row, results), ("at most 60 us", True))

    def test_the_table_has_a_line_for_each_measured_row(self):
        results = {name: {"strata": {"peer": "strata", "label": "way", "value": 2.0, "samples": [2.0]}} for name in ROWS}
        everything = {"rows": results, "commits": dict.fromkeys(ROWS, "1234567"), "about": "Machine: m."}
        lines = table.markdown(everything).splitlines()
        self.assertEqual(lines[0], "Machine: m. strata at 1234567.")
        self.assertEqual(sum(line.startswith("| ") for line in lines), 2 + sum(
            1 if any(v.peer != "strata" for v in row.variants) else len(results[name]) for name, row in ROWS.items()))
        self.assertEqual(len(set(line.count("|") for line in lines[2:lines.index("strata against itself:") - 1])), 1)

    def test_disturbed_numbers_meet_no_target(self):
        row = {"strata": {"peer": "strata", "label": "", "value": 0.01, "samples": [0.01], "disturbed": True}}
        everything = {"rows": {"start": row}, "commits": {"start": "1234567"}, "about": ""}
        self.assertIn("| 10 ms (disturbed) |", table.markdown(everything))
        self.assertIn("| at most 100 ms | not sure |", table.markdown(everything))

    def test_others_work_is_seen(self):
        with machine.Disturbance(os.getpid()) as alone:
            sum(range(3_000_000))
        child = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
        try:
            child.stdout.readline()
            with machine.Disturbance(os.getpid()) as disturbed:
                sum(range(8_000_000))
        finally:
            child.kill()
            child.communicate()
        self.assertGreater(disturbed.share, 0)
        self.assertGreaterEqual(alone.share, 0)

    def test_unknown_rows_and_missing_programs_are_said(self):
        def run(*words):
            return subprocess.run([sys.executable, "-B", ROOT / "bench/run", *words], capture_output=True, text=True)
        self.assertIn("no row nonsense; there are inception_step_f32", run("--only", "nonsense").stderr)
        self.assertIn("ninja -C build/release benches", run("--only", "start", "--build", "/nowhere").stderr)
        self.assertIn("mlp_step ", run("--list").stdout)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            path.write_text(json.dumps({"rows": {}, "commits": {}, "about": "Machine: m"}))
            self.assertIn("| work | strata | PyTorch |", run("--table", "--results", str(path)).stdout)


if __name__ == "__main__":
    unittest.main()
