"""Losses: the classes of keras.losses. Inputs are y_true, y_pred and, in some cases, sample_weight."""
import keras
import numpy as np

from common import Family


def regression(d):
    return [d.normal(4, 3), d.normal(4, 3)]


def positive(d):
    return [d.uniform(4, 3, low=0.2, high=2), d.uniform(4, 3, low=0.2, high=2)]


def binary(d):
    return [d.booleans(4, 3).astype(np.float32), d.uniform(4, 3, low=0.05, high=0.95)]


def binary_logits(d):
    return [d.booleans(4, 3).astype(np.float32), d.normal(4, 3, scale=3)]


def classes(d):
    return [d.one_hot(5, 4), d.probabilities(5, 4)]


def class_logits(d):
    return [d.one_hot(5, 4), d.normal(5, 4, scale=3)]


def sparse(d):
    return [d.integers(0, 4, 5), d.probabilities(5, 4)]


def sparse_logits(d):
    return [d.integers(0, 4, 5), d.normal(5, 4, scale=3)]


CASES = [
    ("MeanSquaredError", {}, regression),
    ("MeanAbsoluteError", {}, regression),
    ("MeanAbsolutePercentageError", {}, positive),
    ("MeanSquaredLogarithmicError", {}, positive),
    ("LogCosh", {}, regression),
    ("Huber", {}, regression),
    ("Huber", {"delta": 0.3}, regression),
    ("Hinge", {}, binary_logits),
    ("SquaredHinge", {}, binary_logits),
    ("CategoricalHinge", {}, class_logits),
    ("KLDivergence", {}, lambda d: [d.probabilities(4, 5), d.probabilities(4, 5)]),
    ("Poisson", {}, positive),
    ("CosineSimilarity", {}, regression),
    ("CosineSimilarity", {"axis": 0}, regression),
    ("BinaryCrossentropy", {}, binary),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, binary),
    ("BinaryCrossentropy", {"from_logits": True}, binary_logits),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, binary_logits),
    ("BinaryFocalCrossentropy", {}, binary),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5}, binary),
    ("BinaryFocalCrossentropy", {"from_logits": True}, binary_logits),
    ("CategoricalCrossentropy", {}, classes),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, classes),
    ("CategoricalCrossentropy", {"from_logits": True}, class_logits),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, class_logits),
    ("CategoricalFocalCrossentropy", {}, classes),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 1.0}, class_logits),
    ("SparseCategoricalCrossentropy", {}, sparse),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, sparse_logits),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, sparse_logits),
    ("Dice", {}, binary),
    ("Tversky", {"alpha": 0.3, "beta": 0.7}, binary),
]

def embeddings(d):
    x = d.normal(6, 4)
    return [d.integers(0, 3, 6), (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)]


def sequences(d):
    labels = d.integers(1, 5, 3, 4)
    labels[1, 3:] = 0
    labels[2, 1] = labels[2, 0]
    return [labels, d.normal(3, 9, 5)]


CASES += [
    ("CategoricalGeneralizedCrossEntropy", {}, sparse),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.8}, sparse),
    ("Circle", {}, embeddings),
    ("Circle", {"gamma": 10.0, "margin": 0.25, "remove_diagonal": False}, embeddings),
    ("CTC", {}, sequences),
]

# Probabilities that are not normalized, exactly 0 and exactly 1; a label of rank one more; images; wide logits.
CORNERS = [
    ("CategoricalCrossentropy", {}, "not_normalized", lambda d: [d.one_hot(5, 4), d.uniform(5, 4, low=0.1, high=2)]),
    ("CategoricalCrossentropy", {}, "zero_and_one", lambda d: [np.eye(3, dtype=np.float32), np.float32([[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0]])]),
    ("CategoricalCrossentropy", {}, "negative_outputs", lambda d: [d.one_hot(5, 4), d.normal(5, 4, scale=2) + np.float32(3)]),
    ("BinaryCrossentropy", {}, "zero_and_one", lambda d: [np.float32([[0], [1], [0], [1]]), np.float32([[0], [0], [1], [1]])]),
    ("BinaryCrossentropy", {"from_logits": True}, "wide", lambda d: [np.float32([[0, 1, 0, 1]]), np.float32([[-90, -90, 90, 90]])]),
    ("CategoricalCrossentropy", {"from_logits": True}, "wide", lambda d: [np.eye(3, dtype=np.float32), np.float32([[500, -500, 0], [500, 0, 1], [-1, 0, 300]])]),
    ("SparseCategoricalCrossentropy", {}, "column_labels", lambda d: [d.integers(0, 4, 5, 1), d.probabilities(5, 4)]),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "images", lambda d: [d.integers(0, 3, 2, 4, 4), d.normal(2, 4, 4, 3)]),
    ("MeanSquaredError", {}, "rank1_labels", lambda d: [d.normal(6), d.normal(6, 1)]),
    ("MeanSquaredError", {}, "integer_labels", lambda d: [d.integers(0, 5, 4, 2), d.normal(4, 2)]),
    ("MeanAbsoluteError", {}, "rank3", lambda d: [d.normal(2, 3, 4), d.normal(2, 3, 4)]),
    ("Huber", {"reduction": "none"}, "rank3", lambda d: [d.normal(2, 3, 4), d.normal(2, 3, 4)]),
    ("LogCosh", {}, "wide", lambda d: [np.float32([[0, 0, 0]]), np.float32([[80, -80, 0]])]),
]


def make():
    f = Family("loss", "loss_cases.py")
    for cls, config, inputs in CASES:
        f.op(f"losses.{cls}", getattr(keras.losses, cls)(**config), inputs, config)
        if cls in ("Dice", "Tversky"):
            continue
        summed = {**config, "reduction": "sum"}
        f.op(f"losses.{cls}", getattr(keras.losses, cls)(**summed), inputs, summed)
        if cls == "CosineSimilarity" and config.get("axis") == 0:
            continue
        each = {**config, "reduction": "none"}
        f.op(f"losses.{cls}", getattr(keras.losses, cls)(**each), inputs, each)
        weight = lambda d: inputs(d) + [d.uniform(len(inputs(d)[0]), low=0.1, high=2)]
        f.op(f"losses.{cls}", getattr(keras.losses, cls)(**config), weight, config, note="sample_weight")
    for cls, config, note, inputs in CORNERS:
        f.op(f"losses.{cls}", getattr(keras.losses, cls)(**config), inputs, config, note=note)
    for reduction in ("sum", "none", "mean", "mean_with_sample_weight"):
        config = {"reduction": reduction}
        with_weight = lambda d: regression(d) + [d.uniform(4, low=0.1, high=2)]
        f.op("losses.MeanSquaredError", keras.losses.MeanSquaredError(**config), with_weight, config, note="sample_weight")
    column = lambda d: regression(d) + [d.uniform(4, 1, low=0.1, high=2)]
    f.op("losses.MeanSquaredError", keras.losses.MeanSquaredError(), column, note="sample_weight_column")
    scalar = lambda d: regression(d) + [np.float32(0.5)]
    f.op("losses.MeanSquaredError", keras.losses.MeanSquaredError(), scalar, note="sample_weight_scalar")
    return f
