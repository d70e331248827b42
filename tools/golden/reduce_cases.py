"""Reductions, statistics, arg, top-k, sort and cumulative ops."""
import keras
import numpy as np
import tensorflow as tf

from common import Family


def reductions(f):
    axes = [(None, False), (0, False), (-1, True), ([0, 2], False), ([1, 2], True), (None, True), ([], False)]
    for name, function, make in [
        ("reduce_sum", tf.reduce_sum, lambda d: d.normal(2, 3, 4)),
        ("reduce_mean", tf.reduce_mean, lambda d: d.normal(2, 3, 4)),
        ("reduce_max", tf.reduce_max, lambda d: d.spread(2, 3, 4)),
        ("reduce_min", tf.reduce_min, lambda d: d.spread(2, 3, 4)),
        ("reduce_prod", tf.reduce_prod, lambda d: d.away(2, 3, 4)),
        ("reduce_logsumexp", tf.reduce_logsumexp, lambda d: d.normal(2, 3, 4)),
        ("reduce_variance", tf.math.reduce_variance, lambda d: d.normal(2, 3, 4)),
        ("reduce_std", tf.math.reduce_std, lambda d: d.normal(2, 3, 4)),
    ]:
        for axis, keepdims in axes:
            if axis == [] and name in ("reduce_std", "reduce_variance"):
                continue
            f.op(name, lambda x: function(x, axis=axis, keepdims=keepdims), make, {"axis": axis, "keepdims": keepdims})
    for name, function in [("reduce_all", tf.reduce_all), ("reduce_any", tf.reduce_any)]:
        for axis, keepdims in [(None, False), (1, False), ([0, 2], True)]:
            f.op(
                name,
                lambda x: function(x, axis=axis, keepdims=keepdims),
                lambda d: d.random.uniform(size=(2, 3, 4)) < (0.8 if name == "reduce_all" else 0.2),
                {"axis": axis, "keepdims": keepdims},
            )
    for name, function in [("reduce_sum", tf.reduce_sum), ("reduce_max", tf.reduce_max), ("reduce_prod", tf.reduce_prod)]:
        f.op(name, lambda x: function(x, axis=1), lambda d: d.integers(-3, 4, 3, 4), {"axis": 1}, note="int32")
    for name, function in [("reduce_sum", tf.reduce_sum), ("reduce_prod", tf.reduce_prod)]:
        f.op(name, lambda x: function(x, axis=0), lambda d: np.zeros((0, 3), np.float32), {"axis": 0}, note="no_elements")
        f.op(name, lambda x: function(x, axis=1), lambda d: np.zeros((0, 3), np.float32), {"axis": 1}, note="no_rows")
    f.op("reduce_max", tf.reduce_max, lambda d: np.float32([1, 3, 3, 2, 3]), {"axis": None, "keepdims": False}, note="ties")
    f.op("reduce_prod", lambda x: tf.reduce_prod(x, axis=1), lambda d: np.float32([[1, 0, 2], [0, 0, 3], [2, 3, 4]]), {"axis": 1}, note="zeros")
    f.op("reduce_logsumexp", lambda x: tf.reduce_logsumexp(x, axis=1), lambda d: np.float32([[1000, 1001], [-1000, -1001]]), {"axis": 1}, note="large")
    f.op("norm", lambda x: tf.math.reduce_euclidean_norm(x, axis=1), lambda d: d.normal(3, 4), {"axis": 1})
    f.op("reduce_sum", lambda x: tf.reduce_sum(x, axis=0), lambda d: d.normal(1000, 2), {"axis": 0}, note="long")


def orders(f):
    for name, function in [("argmax", tf.argmax), ("argmin", tf.argmin)]:
        for axis in (0, 1, -1):
            f.op(name, lambda x: function(x, axis=axis), lambda d: d.spread(3, 4), {"axis": axis})
        f.op(name, lambda x: function(x, axis=0), lambda d: np.float32([2, 5, 5, 1, 1]), {"axis": 0}, note="ties")
    for k, sorted_ in [(1, True), (3, True), (6, True)]:
        f.op("top_k", lambda x: tuple(tf.math.top_k(x, k, sorted=sorted_)), lambda d: d.spread(2, 6), {"k": k, "sorted": sorted_})
    f.op("top_k", lambda x: tuple(tf.math.top_k(x, 3)), lambda d: np.float32([1, 3, 3, 2, 3]), {"k": 3, "sorted": True}, note="ties")
    for axis, direction in [(-1, "ASCENDING"), (0, "ASCENDING"), (1, "DESCENDING")]:
        config = {"axis": axis, "direction": direction}
        f.op("sort", lambda x: tf.sort(x, axis=axis, direction=direction), lambda d: d.spread(4, 5), config)
        f.op("argsort", lambda x: tf.argsort(x, axis=axis, direction=direction), lambda d: d.spread(4, 5), config)
    f.op("argsort", lambda x: tf.argsort(x, stable=True), lambda d: np.float32([2, 1, 2, 1, 1]), {"axis": -1, "direction": "ASCENDING"}, note="ties")
    for axis in (0, -1):
        for exclusive in (False, True):
            for reverse in (False, True):
                config = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
                f.op("cumsum", lambda x: tf.cumsum(x, axis, exclusive, reverse), lambda d: d.normal(3, 5), config)
                f.op("cumprod", lambda x: tf.math.cumprod(x, axis, exclusive, reverse), lambda d: d.away(3, 5), config)
    f.op("in_top_k", lambda t, p: tf.math.in_top_k(t, p, 2), lambda d: [d.integers(0, 5, 6), d.spread(6, 5)], {"k": 2})


def make():
    f = Family("reduce", "reduce_cases.py")
    reductions(f)
    orders(f)
    return f
