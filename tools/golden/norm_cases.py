"""Normalizations as functions."""
import keras
import numpy as np
import tensorflow as tf

from common import Family


def make():
    f = Family("norm", "norm_cases.py")
    for shape in ((4, 3), (2, 5, 4, 3), (2, 6, 3)):
        for affine in (True, False):
            stats = lambda d, c: [d.normal(c), d.uniform(c, low=0.4, high=2)]
            scale = lambda d, c: [d.normal(c), d.normal(c)] if affine else []
            f.op(
                "nn.batch_normalization",
                lambda x, m, v, *s: tf.nn.batch_normalization(x, m, v, s[0] if s else None, s[1] if s else None, 1e-3),
                lambda d: [d.normal(*shape), *stats(d, shape[-1]), *scale(d, shape[-1])],
                {"variance_epsilon": 1e-3},
                note=f"{shape}affine{affine}",
            )
    for axes, keepdims in [([0], False), ([0, 1, 2], False), ([1, 2], True), ([-1], True)]:
        x = (lambda d: d.normal(4, 3)) if axes == [0] else (lambda d: d.normal(2, 4, 3, 5))
        f.op("nn.moments", lambda t: tf.nn.moments(t, axes, keepdims=keepdims), x, {"axes": axes, "keepdims": keepdims})
    layer_norm = lambda x, g, b: keras.ops.layer_normalization(x, g, b, axis=-1, epsilon=1e-3)
    for shape in ((4, 6), (2, 3, 5)):
        f.op("nn.layer_norm", layer_norm, lambda d: [d.normal(*shape), d.normal(shape[-1]), d.normal(shape[-1])], {"epsilon": 1e-3}, note=f"{shape}")
    return f
