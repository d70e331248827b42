"""Dense, Embedding, activation layers, regularizers, constraints, dropout where it is the identity."""
import keras
import numpy as np

from common import Family
from layer_support import add


def dense(f):
    x = lambda d: d.normal(4, 5)
    add(f, "Dense", {"units": 3}, x)
    add(f, "Dense", {"units": 3, "use_bias": False}, x)
    for activation in ("relu", "tanh", "sigmoid", "softmax", "elu", "selu", "gelu", "softplus", "swish", "linear", "exponential", "hard_sigmoid", "relu6", "leaky_relu", "log_softmax", "mish", "softsign"):
        add(f, "Dense", {"units": 3, "activation": activation}, x)
    add(f, "Dense", {"units": 2}, lambda d: d.normal(2, 3, 5), note="rank3")
    add(f, "Dense", {"units": 2}, lambda d: d.normal(2, 3, 2, 5), note="rank4")
    add(f, "Dense", {"units": 2}, lambda d: np.zeros((0, 5), np.float32), note="no_batch")
    add(f, "Dense", {"units": 3, "kernel_regularizer": "l2", "bias_regularizer": "l1"}, x)
    add(f, "Dense", {"units": 3, "activity_regularizer": "l2"}, x)
    add(f, "Embedding", {"input_dim": 7, "output_dim": 4}, lambda d: d.integers(0, 7, 3, 5))
    add(f, "Embedding", {"input_dim": 7, "output_dim": 2}, lambda d: d.integers(0, 7, 4))
    add(f, "Rescaling", {"scale": [2.0, 0.5, 3.0], "offset": [-1.0, 0.25, 0.0]}, lambda d: d.normal(2, 3, 3, 3))
    add(f, "Rescaling", {"scale": 1 / 255.0, "offset": -0.5}, lambda d: d.integers(0, 256, 2, 3, 3, 3).astype(np.float32))


def activations(f):
    x = lambda d: d.away(3, 5, scale=2.0)
    for activation in ("relu", "elu", "selu", "tanh", "sigmoid", "softmax", "softplus", "softsign", "silu", "gelu", "linear", "hard_silu"):
        add(f, "Activation", {"activation": activation}, x)
    add(f, "ReLU", {}, x)
    add(f, "ReLU", {"max_value": 2.0, "negative_slope": 0.1, "threshold": 0.5}, x)
    add(f, "ReLU", {"max_value": 6.0}, x)
    add(f, "LeakyReLU", {}, x)
    add(f, "LeakyReLU", {"negative_slope": 0.1}, x)
    add(f, "ELU", {}, x)
    add(f, "ELU", {"alpha": 0.5}, x)
    add(f, "PReLU", {}, x)
    add(f, "PReLU", {"shared_axes": [1, 2]}, lambda d: d.away(2, 3, 4, 2))
    add(f, "Softmax", {}, x)
    add(f, "Softmax", {"axis": 1}, lambda d: d.normal(2, 4, 3))
    add(f, "Softmax", {"axis": [1, 2]}, lambda d: d.normal(2, 4, 3))


def dropout(f):
    for cls, shape in [
        ("Dropout", (3, 4)),
        ("SpatialDropout1D", (2, 4, 3)),
        ("SpatialDropout2D", (2, 3, 3, 2)),
        ("SpatialDropout3D", (2, 2, 3, 2, 2)),
        ("GaussianDropout", (3, 4)),
        ("AlphaDropout", (3, 4)),
    ]:
        add(f, cls, {"rate": 0.4}, lambda d: d.normal(*shape))
        if cls != "GaussianDropout" and cls != "AlphaDropout":
            add(f, cls, {"rate": 0.0}, lambda d: d.normal(*shape), training=True)
    add(f, "GaussianNoise", {"stddev": 0.3}, lambda d: d.normal(3, 4))


def regularizers_constraints(f):
    """`inputs` is a weight; `outputs` the penalty, or the constrained weight."""
    weight = lambda d: d.normal(4, 3)
    for cls, config in [
        ("L1", {"l1": 0.02}),
        ("L2", {"l2": 0.03}),
        ("L1L2", {"l1": 0.02, "l2": 0.03}),
        ("OrthogonalRegularizer", {"factor": 0.01, "mode": "rows"}),
        ("OrthogonalRegularizer", {"factor": 0.01, "mode": "columns"}),
    ]:
        f.op(f"regularizers.{cls}", getattr(keras.regularizers, cls)(**config), weight, config)
    for cls, config in [
        ("MaxNorm", {"max_value": 1.0, "axis": 0}),
        ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.0, "rate": 0.7, "axis": 0}),
        ("NonNeg", {}),
        ("UnitNorm", {"axis": 0}),
        ("UnitNorm", {"axis": 1}),
    ]:
        f.op(f"constraints.{cls}", getattr(keras.constraints, cls)(**config), weight, config, gradient=False)


def make():
    f = Family("layers_core", "layers_core_cases.py")
    dense(f)
    activations(f)
    dropout(f)
    regularizers_constraints(f)
    return f
