#!/usr/bin/env python3
"""Writes tests/golden/core/print.json: arrays, and the text with which NumPy prints them.

Elements are kept as their bytes, so that the test reads exactly the numbers that NumPy printed.

usage: print.py [OUTPUT]
"""
import json
import pathlib
import sys

import numpy as np

FLOATS = ("float16", "float32", "float64")


def cases():
    r = np.random.default_rng(7)
    for t in FLOATS:
        f = np.dtype(t).type
        for v in (0, -0.0, 1, -1.5, 0.1, 1e-4, 9.9e-5, 1e-7, 1000, 12345, 65504, 1 / 3, np.nan, np.inf, -np.inf):
            yield f"{t} scalar {v}", np.array(v, t)
        for v in (1e15, 1e16, 123456789.0, 1e22, 3.4e38, 1e-30) if t != "float16" else ():
            yield f"{t} scalar {v}", np.array(v, t)
        yield f"{t} small", np.array([1.5, -2.25, 3], t)
        yield f"{t} thirds", np.arange(12).reshape(3, 4).astype(t) / f(3)
        yield f"{t} documented", (np.array([[-5.2607636, 1.4286567]], t) * np.array([[1], [2], [3]], t))
        yield f"{t} whole", np.arange(10).astype(t)
        yield f"{t} nan", np.array([np.nan, 1, -2.5], t)
        yield f"{t} infinities", np.array([[np.inf, 1.25], [-np.inf, 0]], t)
        yield f"{t} nothing finite", np.array([np.nan, -np.inf, np.inf], t)
        yield f"{t} nan alone", np.array([np.nan], t)
        yield f"{t} zeros", np.zeros((2, 2), t)
        yield f"{t} minus zero", np.array([-0.0, 0.0], t)
        yield f"{t} ratio 1000", np.array([1, 1000], t)
        yield f"{t} ratio above", np.array([1, 1001, -5], t)
        yield f"{t} exponent with nan", np.array([1e-5, 3, np.nan, -np.inf], t)
        yield f"{t} below", np.array([0.0001, 0.05], t)
        yield f"{t} below a bit", np.array([0.00009, 0.05], t)
        yield f"{t} wide", np.array([[10000, 999], [-0.5, 123]], t)
        yield f"{t} long row", (np.arange(60).astype(t) - f(30)) / f(7)
        yield f"{t} long rows", ((np.arange(90).astype(t) - f(30)) / f(8)).reshape(3, 30)
        yield f"{t} summarized", (np.arange(1001).astype(t) / f(4))
        yield f"{t} threshold", (np.arange(1000).astype(t) / f(4)).reshape(10, 100)
        yield f"{t} large 3d", (np.arange(4 * 40 * 8).astype(t) / f(16)).reshape(4, 40, 8)
        yield f"{t} wide 4d", (np.arange(2 * 3 * 7 * 40).astype(t) / f(16)).reshape(2, 3, 7, 40)
        yield f"{t} 3d", (np.arange(24).astype(t) / f(5)).reshape(2, 3, 4)
        for i in range(6):
            yield f"{t} normal {i}", r.normal(size=(3, 5)).astype(t) * f(10.0 ** (i - 3))
        for i in range(4):
            yield f"{t} uniform {i}", r.uniform(-1, 1, size=(2, 2, 9)).astype(t)
        yield f"{t} all sizes", (10.0 ** r.uniform(-4, 4, size=50)).astype(t)
        bits = {"float16": np.uint16, "float32": np.uint32, "float64": np.uint64}[t]
        for i in range(40):
            raw = r.integers(0, np.iinfo(bits).max, size=4, dtype=bits, endpoint=True).view(t)
            yield f"{t} bits {i}", raw
            yield f"{t} scalar bits {i}", raw[0]
    every = np.arange(1, 0x7C00, 11, dtype=np.uint16).view("float16")
    for start in range(0, len(every), 500):
        yield f"float16 every {start}", every[start:start + 500]
    yield "float32 million", np.array([1e6, 1], "float32")
    yield "float32 below a million", np.array([999999.94, 1000], "float32")
    yield "float64 hundred million", np.array([1e8, 1e7], "float64")
    yield "float64 exponents", np.array([1e-300, 1e200, 1.5], "float64")
    yield "float64 digits", np.array([0.1 + 0.2, 1 / 3, 123456.123456789012], "float64")
    yield "float64 half", np.array([0.000000005, 0.5], "float64") + 1
    yield "float64 tie", np.array([1 + 2.0**-9, 1 + 2.0**-10, 3 * 2.0**-9], "float64")
    for t in ("int32", "int64", "uint8"):
        yield f"{t} scalar", np.array(42, t)
        yield f"{t} row", np.array([1, 20, 100], t)
        yield f"{t} long", np.arange(200).astype(t)
        yield f"{t} summarized", (np.arange(2000) % 251).astype(t).reshape(40, 50)
        yield f"{t} 3d", np.arange(12).astype(t).reshape(2, 3, 2)
    yield "int32 signs", np.array([[-1, 20], [300, -4000]], "int32")
    yield "int64 wide", np.array([-(2**63), 2**63 - 1, 0], "int64")
    yield "bool scalar", np.array(True)
    yield "bool false", np.array(False)
    yield "bool", np.array([[True, False], [False, False]])
    yield "bool long", np.arange(100) % 3 == 0
    yield "bool summarized", (np.arange(3000) % 3 == 0).reshape(3, 1000)
    for shape in ((0,), (0, 3), (2, 0, 3)):
        yield f"empty {shape}", np.zeros(shape, "float32")
    yield "one", np.array([[[1.5]]], "float32")
    yield "rank 8", np.arange(8).reshape(1, 2, 1, 2, 1, 2, 1, 1).astype("float32")


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                       pathlib.Path(__file__).resolve().parents[2] / "tests/golden/core/print.json")
    rows = []
    with np.errstate(all="ignore"):
        for name, a in cases():
            a = np.asarray(a)
            rows.append({"name": name, "dtype": str(a.dtype), "shape": a.shape,
                         "bytes": np.ascontiguousarray(a).tobytes().hex(), "text": str(a)})
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        file.write('{"versions": {"numpy": "%s"}, "cases": [\n' % np.__version__)
        file.write(",\n".join(json.dumps(row) for row in rows) + "\n]}\n")


if __name__ == "__main__":
    main()
