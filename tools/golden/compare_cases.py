"""Comparisons and logic."""
import keras
import numpy as np
import tensorflow as tf

from common import Family


def make():
    f = Family("compare", "compare_cases.py")
    pairs = {
        "equal_shapes": lambda d: [d.integers(0, 3, 3, 4).astype(np.float32), d.integers(0, 3, 3, 4).astype(np.float32)],
        "broadcast": lambda d: [d.integers(0, 3, 3, 1), d.integers(0, 3, 2, 1, 4)],
        "nan": lambda d: [np.float32([np.nan, 1, np.inf]), np.float32([np.nan, 1, np.inf])],
        "no_elements": lambda d: [np.zeros((0, 2), np.float32), np.zeros((2,), np.float32)],
    }
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        for note, inputs in pairs.items():
            f.op(name, getattr(tf, name), inputs, note=note)
    booleans = lambda d: [np.array([[True, False], [True, False]]), np.array([True, True])]
    for name in ("logical_and", "logical_or", "logical_xor"):
        f.op(name, getattr(keras.ops, name), booleans)
    f.op("logical_not", tf.logical_not, lambda d: d.booleans(5))
    special = lambda d: np.float32([1, np.inf, -np.inf, np.nan, 0])
    f.op("isnan", tf.math.is_nan, special)
    f.op("isinf", tf.math.is_inf, special)
    f.op("isfinite", tf.math.is_finite, special)
    return f
