"""Metrics: sequences of update_state, the result after each, and after reset_state and one more update.

`updates` lists [y_true, y_pred] or [y_true, y_pred, sample_weight] ([values] or [values, weight] for Mean and Sum);
`results` has one array for each, and one more: the result of the first update again after reset_state.
"""
import keras
import numpy as np

from common import Draw, Family


def classes(d):
    return [d.one_hot(6, 5), d.probabilities(6, 5)]


def sparse(d):
    return [d.integers(0, 5, 6), d.probabilities(6, 5)]


def binary(d):
    return [d.booleans(6, 2).astype(np.float32), d.uniform(6, 2)]


def scores(d):
    return [d.booleans(12).astype(np.float32), d.uniform(12)]


def regression(d):
    return [d.normal(6, 3), d.normal(6, 3)]


def positive(d):
    return [d.uniform(6, 3, low=0.2, high=2), d.uniform(6, 3, low=0.2, high=2)]


def values(d):
    return [d.normal(6)]


CASES = [
    ("Mean", {}, values),
    ("Sum", {}, values),
    ("Accuracy", {}, lambda d: [d.integers(0, 3, 6).astype(np.float32), d.integers(0, 3, 6).astype(np.float32)]),
    ("BinaryAccuracy", {}, binary),
    ("BinaryAccuracy", {"threshold": 0.7}, binary),
    ("CategoricalAccuracy", {}, classes),
    ("SparseCategoricalAccuracy", {}, sparse),
    ("TopKCategoricalAccuracy", {"k": 2}, classes),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, sparse),
    ("Precision", {}, scores),
    ("Precision", {"thresholds": 0.3}, scores),
    ("Precision", {"thresholds": [0.2, 0.5, 0.8]}, scores),
    ("Precision", {"top_k": 2}, classes),
    ("Precision", {"class_id": 1}, classes),
    ("Recall", {}, scores),
    ("Recall", {"thresholds": [0.2, 0.5, 0.8]}, scores),
    ("Recall", {"top_k": 2}, classes),
    ("Recall", {"class_id": 3}, classes),
    ("TruePositives", {}, scores),
    ("TrueNegatives", {}, scores),
    ("FalsePositives", {}, scores),
    ("FalseNegatives", {"thresholds": 0.3}, scores),
    ("AUC", {}, scores),
    ("AUC", {"num_thresholds": 20}, scores),
    ("AUC", {"curve": "PR"}, scores),
    ("AUC", {"summation_method": "minoring"}, scores),
    ("AUC", {"summation_method": "majoring"}, scores),
    ("AUC", {"multi_label": True, "num_labels": 2}, binary),
    ("AUC", {"from_logits": True}, lambda d: [d.booleans(12).astype(np.float32), d.normal(12, scale=3)]),
    ("MeanSquaredError", {}, regression),
    ("RootMeanSquaredError", {}, regression),
    ("MeanAbsoluteError", {}, regression),
    ("MeanAbsolutePercentageError", {}, positive),
    ("MeanSquaredLogarithmicError", {}, positive),
    ("LogCoshError", {}, regression),
    ("CosineSimilarity", {}, regression),
    ("KLDivergence", {}, lambda d: [d.probabilities(6, 3), d.probabilities(6, 3)]),
    ("Poisson", {}, positive),
    ("Hinge", {}, regression),
    ("SquaredHinge", {}, regression),
    ("CategoricalHinge", {}, lambda d: [d.one_hot(6, 4), d.normal(6, 4)]),
    ("BinaryCrossentropy", {}, lambda d: [d.booleans(6, 2).astype(np.float32), d.uniform(6, 2, low=0.05, high=0.95)]),
    ("CategoricalCrossentropy", {}, classes),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, lambda d: [d.one_hot(6, 4), d.normal(6, 4)]),
    ("SparseCategoricalCrossentropy", {}, sparse),
]


def regions(d):
    return [d.integers(0, 3, 8), d.integers(0, 3, 8)]


def maps(d):
    return [d.one_hot(8, 3), d.probabilities(8, 3)]


# With weights that are whole numbers, since Keras counts pixels by integers.
REGIONS = [
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, regions),
    ("IoU", {"num_classes": 3, "target_class_ids": [1], "sparse_y_true": False, "sparse_y_pred": False}, maps),
    ("MeanIoU", {"num_classes": 3}, regions),
    ("MeanIoU", {"num_classes": 4, "ignore_class": 1}, regions),
    ("BinaryIoU", {}, lambda d: [d.booleans(8).astype(np.float32), d.uniform(8)]),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, lambda d: [d.booleans(8).astype(np.float32), d.uniform(8)]),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0, 1]}, maps),
    ("OneHotMeanIoU", {"num_classes": 3}, maps),
]
CASES += [
    ("SensitivityAtSpecificity", {"specificity": 0.4}, scores),
    ("SensitivityAtSpecificity", {"specificity": 0.7, "num_thresholds": 20}, scores),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5}, scores),
    ("PrecisionAtRecall", {"recall": 0.6}, scores),
    ("RecallAtPrecision", {"precision": 0.5}, scores),
    ("AUC", {"curve": "PR", "summation_method": "majoring", "num_thresholds": 50}, scores),
    ("AUC", {"thresholds": [0.2, 0.4, 0.7]}, scores),
    ("FBetaScore", {}, maps),
    ("FBetaScore", {"average": "micro", "beta": 2.0, "threshold": 0.4}, maps),
    ("FBetaScore", {"average": "weighted", "beta": 0.5}, maps),
    ("F1Score", {"average": "macro"}, maps),
    ("R2Score", {}, regression),
    ("R2Score", {"class_aggregation": None}, regression),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, regression),
    ("PearsonCorrelation", {}, regression),
    ("PearsonCorrelation", {"axis": 0}, lambda d: [d.normal(6, 6), d.normal(6, 6)]),
    ("ConcordanceCorrelation", {}, regression),
]


def case(f, cls, config, make, weighted):
    target = f"metrics.{cls}"
    name = f.unique(target, config, "sample_weight" if weighted else "")
    draw = Draw(name)
    metric = getattr(keras.metrics, cls)(**config)
    updates, results, keys = [], [], []
    for step in range(3):
        arrays = make(draw)
        if weighted:
            whole = (cls, config) in [row[:2] for row in REGIONS]
            n = len(arrays[0])
            arrays = arrays + [draw.integers(0, 4, n) if whole else draw.uniform(n, low=0.1, high=2)]
        updates.append(arrays)
        metric.update_state(*arrays)
        results.append(metric.result())
        keys.append([f.put(name, f"u{step}_{i}", a) for i, a in enumerate(arrays)])
    metric.reset_state()
    metric.update_state(*updates[0])
    results.append(metric.result())
    f.finish(
        {
            "name": name,
            "target": target,
            "config": config,
            "updates": keys,
            "results": [f.put(name, f"r{i}", np.float32(r)) for i, r in enumerate(results)],
        }
    )


def make():
    f = Family("metric", "metric_cases.py")
    for cls, config, inputs in CASES + REGIONS:
        case(f, cls, config, inputs, False)
        case(f, cls, config, inputs, True)
    case(f, "Mean", {}, lambda d: [np.zeros((0,), np.float32)], False)
    case(f, "CategoricalAccuracy", {}, lambda d: [d.one_hot(8, 5).reshape(2, 4, 5), d.probabilities(2, 4, 5)], False)
    case(f, "SparseCategoricalAccuracy", {}, lambda d: [d.integers(0, 5, 6, 1), d.probabilities(6, 5)], False)
    return f
