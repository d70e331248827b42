#!/usr/bin/env python3
"""Writes tests/golden/core/weights.json: what Keras's regularizers and constraints give.

usage: weights.py [OUTPUT]
"""
import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import keras
import numpy as np

REGULARIZERS = [("L1", {}), ("L1", {"l1": 0.3}), ("L2", {}), ("L2", {"l2": 0.2}), ("L1L2", {}),
                ("L1L2", {"l1": 0.1, "l2": 0.02}), ("L1L2", {"l1": 0.1}), ("OrthogonalRegularizer", {}),
                ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"})]
CONSTRAINTS = [("MaxNorm", {}), ("MaxNorm", {"max_value": 1, "axis": 1}), ("MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
               ("NonNeg", {}), ("UnitNorm", {}), ("UnitNorm", {"axis": 1}), ("MinMaxNorm", {}),
               ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.2, "rate": 0.4, "axis": 1})]


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                       pathlib.Path(__file__).resolve().parents[2] / "tests/golden/core/weights.json")
    w = np.random.default_rng(5).normal(size=(4, 3)).astype("float32").round(3)
    w[1] = 0
    rows = []
    for module, cases in ((keras.regularizers, REGULARIZERS), (keras.constraints, CONSTRAINTS)):
        for name, config in cases:
            thing = getattr(module, name)(**config)
            value = np.asarray(thing(keras.ops.convert_to_tensor(w)))
            rows.append({"class_name": name, "config": config, "value": value.ravel().astype("float64").tolist()})
    golden = {"versions": {"keras": keras.__version__, "numpy": np.__version__}, "shape": w.shape,
              "w": w.ravel().astype("float64").tolist(), "cases": rows}
    out.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
