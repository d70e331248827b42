#!/usr/bin/env python3
"""Writes tests/golden/core/npy/: small files as NumPy writes them, and versions.txt.

In each array of n elements, element i (in row-major order) is i - 2, or i % 3 == 0 for bool and i for unsigned types.

usage: npy.py [FOLDER]
"""
import pathlib
import sys

import ml_dtypes
import numpy as np


def array(dtype, shape=(2, 3)):
    n = np.arange(int(np.prod(shape))).reshape(shape)
    kind = np.dtype(dtype).kind
    return (n % 3 == 0 if kind == "b" else n if kind == "u" else n - 2).astype(dtype)


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                       pathlib.Path(__file__).resolve().parents[2] / "tests/golden/core/npy")
    out.mkdir(parents=True, exist_ok=True)
    for t in ("bool", "uint8", "int32", "int64", "float16", "float32", "float64"):
        np.save(out / f"{t}.npy", array(t))
    for t in ("int8", "int16", "uint16", "uint32"):
        np.save(out / f"wider_{t}.npy", array(t))
    for t in (">i4", ">i8", ">f2", ">f4", ">f8", ">u2"):
        np.save(out / f"big_{t[1:]}.npy", array(t))
    np.save(out / "bfloat16.npy", array(ml_dtypes.bfloat16))
    np.save(out / "scalar.npy", np.float32(-2))
    np.save(out / "vector.npy", array("float32", (5,)))
    np.save(out / "empty.npy", array("float64", (3, 0, 2)))
    np.save(out / "fortran.npy", np.asfortranarray(array("float32", (2, 3, 4))))
    np.save(out / "fortran_big.npy", np.asfortranarray(array(">i8", (3, 2))))
    for version in ((2, 0), (3, 0)):
        with (out / f"format{version[0]}.npy").open("wb") as file:
            np.lib.format.write_array(file, array("int32"), version=version)
    entries = {"kernel": array("float32", (2, 3)), "layer/bias": array("int64", (3,)), "flag": array("bool", ()),
               "none": array("float32", (0, 4))}
    np.savez(out / "stored.npz", **entries)
    np.savez_compressed(out / "deflated.npz", **entries, large=array("float32", (50, 100)))
    np.savez(out / "nothing.npz")
    # Files that are to be refused.
    np.save(out / "refused_complex.npy", np.ones(2, "complex64"))
    np.save(out / "refused_structured.npy", np.zeros(2, [("a", "i4"), ("b", "f4")]))
    np.save(out / "refused_text.npy", np.array(["a", "bc"]))
    np.save(out / "refused_rank9.npy", np.ones((1,) * 9, "float32"))
    (out / "versions.txt").write_text(f"numpy {np.__version__}\nml_dtypes {ml_dtypes.__version__}\n")


if __name__ == "__main__":
    main()
