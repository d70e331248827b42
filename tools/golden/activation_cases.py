"""Activations and the softmax family."""
import keras
import numpy as np
import tensorflow as tf

from common import Family

ops = keras.ops


def make():
    f = Family("activation", "activation_cases.py")
    away = lambda d: d.away(3, 6, scale=2.0)
    for name, function in [
        ("nn.relu", tf.nn.relu),
        ("nn.relu6", tf.nn.relu6),
        ("nn.elu", tf.nn.elu),
        ("nn.selu", tf.nn.selu),
        ("nn.softplus", tf.nn.softplus),
        ("nn.softsign", tf.nn.softsign),
        ("nn.sigmoid", tf.nn.sigmoid),
        ("nn.silu", tf.nn.silu),
        ("nn.hard_sigmoid", ops.hard_sigmoid),
        ("nn.hard_silu", ops.hard_silu),
        ("nn.tanh", tf.nn.tanh),
        ("nn.log_sigmoid", tf.math.log_sigmoid),
        ("nn.mish", keras.activations.mish),
        ("nn.celu", ops.celu),
        ("nn.hard_tanh", ops.hard_tanh),
        ("nn.hard_shrink", ops.hard_shrink),
        ("nn.soft_shrink", ops.soft_shrink),
        ("nn.tanh_shrink", ops.tanh_shrink),
        ("nn.squareplus", ops.squareplus),
        ("nn.sparse_plus", ops.sparse_plus),
        ("nn.sparse_sigmoid", ops.sparse_sigmoid),
    ]:
        f.op(name, function, away)
        f.op(name, function, lambda d: np.float32([-80, -20, -4, 4, 20, 80]), note="range")
        f.op(name, function, lambda d: np.zeros((0, 2), np.float32), note="no_elements")
    f.op("nn.relu", tf.nn.relu, lambda d: np.float32([-0.0, 0.0, 1e-30, -1e-30]), note="zero")
    for approximate in (False, True):
        f.op("nn.gelu", lambda x: tf.nn.gelu(x, approximate), away, {"approximate": approximate})
    for alpha in (0.2, 0.01):
        f.op("nn.leaky_relu", lambda x: tf.nn.leaky_relu(x, alpha), away, {"alpha": alpha})
    f.op("nn.elu", lambda x: ops.elu(x, 0.5), away, {"alpha": 0.5})
    f.op("nn.glu", ops.glu, away)
    f.op("nn.threshold", lambda x: ops.threshold(x, 0.5, -1.0), away, {"threshold": 0.5, "default_value": -1.0})
    # One element in the support: Keras sums cumulative sums, which is no projection where there are more.
    f.op("nn.sparsemax", ops.sparsemax, lambda d: np.float32([[3, 1, -1, 0.5], [-2, -4, -3.5, -0.9], [0, 0.1, 5, 2]]))
    for name, function in [("nn.softmax", tf.nn.softmax), ("nn.log_softmax", tf.nn.log_softmax)]:
        for axis in (-1, 0, 1):
            f.op(name, lambda x: function(x, axis), lambda d: d.normal(3, 4, 5, scale=3), {"axis": axis})
        f.op(name, function, lambda d: np.float32([[1000, 1001, 999], [-1000, 0, 1000], [5, 5, 5]]), {"axis": -1}, note="large")
        f.op(name, function, lambda d: d.normal(2, 1), {"axis": -1}, note="one_class")
        f.op(name, function, lambda d: np.zeros((0, 3), np.float32), {"axis": -1}, note="no_elements")
    f.op(
        "nn.softmax_cross_entropy_with_logits",
        lambda y, x: tf.nn.softmax_cross_entropy_with_logits(tf.stop_gradient(y), x),
        lambda d: [d.probabilities(4, 5), d.normal(4, 5, scale=3)],
    )
    f.op(
        "nn.sparse_softmax_cross_entropy_with_logits",
        lambda y, x: tf.nn.sparse_softmax_cross_entropy_with_logits(y, x),
        lambda d: [d.integers(0, 5, 4), d.normal(4, 5, scale=3)],
    )
    f.op(
        "nn.sigmoid_cross_entropy_with_logits",
        lambda y, x: tf.nn.sigmoid_cross_entropy_with_logits(tf.stop_gradient(y), x),
        lambda d: [d.uniform(4, 3), d.normal(4, 3, scale=4)],
    )
    return f
