"""Losses and metrics that Keras compiled, with masks and weights of samples: strata's values and steps are the same."""
import json

import keras
import numpy
import pytest

L, M, losses = keras.layers, keras.metrics, keras.losses
RNG = numpy.random.default_rng(0)
IDS = RNG.integers(0, 5, (14, 7)).astype("int32")
ROWS, STEPS = RNG.random(14).astype("float32"), RNG.random((14, 7)).astype("float32")
CLASSES = RNG.integers(0, 3, (14, 7))
ONE_HOT = numpy.eye(3, dtype="float32")[CLASSES]
BINARY = RNG.integers(0, 2, (14, 7, 1)).astype("float32")
REAL = RNG.normal(size=(14, 7, 2)).astype("float32")


def network(units, activation, loss, metrics, weighted_metrics=None, between=()):
    keras.utils.set_random_seed(2)
    m = keras.Sequential([keras.Input((7,), dtype="int32"), L.Embedding(5, 4, mask_zero=True), *between,
                          L.GRU(4, return_sequences=True), L.Dense(units, activation=activation)])
    m.compile(keras.optimizers.SGD(0.3), loss, metrics=metrics, weighted_metrics=weighted_metrics)
    return m


def classes(loss, metrics=("accuracy",), between=()):
    metrics = [*metrics, M.Precision(class_id=1), M.TopKCategoricalAccuracy(k=2)]
    return network(3, "softmax", loss, metrics, ["accuracy", M.CategoricalCrossentropy(label_smoothing=0.1)], between)


def binary(loss):
    metrics = ["AUC", M.Precision(thresholds=[0.3, 0.5]), M.FalseNegatives([0.2, 0.6])]
    return network(1, "sigmoid", loss, metrics, ["accuracy", "Recall", M.BinaryIoU([1], 0.4), M.AUC(curve="PR", num_thresholds=20)])


def real(loss):
    return network(2, "linear", loss, ["mae", M.RootMeanSquaredError(), M.CosineSimilarity()], ["mape", M.MeanSquaredError()])


CASES = {
    "smoothed": (lambda: classes(losses.CategoricalCrossentropy(label_smoothing=0.2)), ONE_HOT, STEPS),
    "focal_rows": (lambda: classes(losses.CategoricalFocalCrossentropy(alpha=0.3, gamma=1.5)), ONE_HOT, None),
    "weighted_mean": (lambda: classes(losses.CategoricalCrossentropy(reduction="mean_with_sample_weight")), ONE_HOT, STEPS),
    "dice": (lambda: classes(losses.Dice()), ONE_HOT, None),
    "dice_weights": (lambda: classes(losses.Dice()), ONE_HOT, STEPS),
    "tversky": (lambda: classes(losses.Tversky(alpha=0.3, beta=0.7)), ONE_HOT, STEPS),
    "masked_statistics": (lambda: classes("categorical_crossentropy", between=[L.BatchNormalization(momentum=0.5)]), ONE_HOT, None),
    "statistics_of_steps": (lambda: classes("categorical_crossentropy",
                                            between=[L.TimeDistributed(L.BatchNormalization(momentum=0.5))]), ONE_HOT, None),
    "ignored": (lambda: network(3, "softmax", losses.SparseCategoricalCrossentropy(ignore_class=1), ["accuracy"]), CLASSES, STEPS),
    "balanced": (lambda: binary(losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.4)), BINARY, None),
    "binary_weights": (lambda: binary(losses.BinaryCrossentropy(label_smoothing=0.1)), BINARY, STEPS[..., None]),
    "log_cosh": (lambda: real(losses.LogCosh()), REAL, None),
    "log_cosh_weights": (lambda: real(losses.LogCosh()), REAL, STEPS),
}


def plain(logs):
    return {name: numpy.ravel(value).tolist() for name, value in logs.items()}


@pytest.fixture(scope="module")
def lines(run_program, tmp_path_factory):
    """For each case what Keras gives, step by step, and what strata gives from the files."""
    path = tmp_path_factory.mktemp("training")
    wanted = {}
    for name, (build, y, w) in CASES.items():
        build().save(path / f"{name}.keras")
        model = keras.models.load_model(path / f"{name}.keras")  # files lack some of the options of losses
        model.run_eagerly = True  # quicker than a trace for these few steps
        numpy.savez(path / f"{name}.npz", x=IDS, y=y, **({} if w is None else {"w": w}))
        options = {"sample_weight": w, "return_dict": True}
        steps = [model.evaluate(IDS, y, batch_size=5, verbose=0, **options)]
        steps += [model.train_on_batch(IDS, y, **options) for _ in range(2)]
        wanted[name] = [plain(s) for s in (*steps, model.test_on_batch(IDS, y, **options))]
    got = {name: [] for name in CASES}
    for line in run_program("train_models", path, *CASES).splitlines():
        values = json.loads(line.replace("nan", "NaN"))
        got[values.pop("step").split()[0]].append(values)
    return wanted, got


@pytest.mark.parametrize("name", CASES)
def test_values_and_steps_are_those_of_keras(lines, name):
    wanted, got = lines
    assert len(got[name]) == len(wanted[name])
    for want, values in zip(wanted[name], got[name]):
        assert sorted(values) == sorted(want)
        for key, numbers in want.items():
            numpy.testing.assert_allclose(values[key], numbers, rtol=1e-4, atol=2e-5, err_msg=key)
