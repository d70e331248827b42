"""strata's evaluations give scikit-learn's numbers and texts, on random and degenerate cases."""
import functools
import json
import warnings

import numpy as np
import pytest
from sklearn import calibration, metrics, preprocessing


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def make_cases():
    rng = np.random.default_rng(7)
    cases = {}

    def add(name, y_true, y_pred, y_score, weight=None):
        cases[name] = {"y_true": np.asarray(y_true, np.int64), "y_pred": np.asarray(y_pred, np.int64),
                       "y_score": np.asarray(y_score)}
        if weight is not None:
            cases[name]["weight"] = np.asarray(weight)

    for classes in (2, 3, 4, 10):
        for n in (classes * 4, 200):
            for rounded in (False, True):
                y = rng.integers(0, classes, n)
                y[:classes] = np.arange(classes)
                scores = softmax(rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[y])
                if rounded:  # ties
                    scores = np.round(scores * 4) + 1
                    scores /= scores.sum(axis=1, keepdims=True)
                y_score = scores[:, 1] if classes == 2 else scores
                name = f"random_{classes}_{n}_{'ties' if rounded else 'plain'}"
                add(name, y, scores.argmax(axis=1), y_score)
                add(name + "_weights", y, scores.argmax(axis=1), y_score, rng.integers(0, 4, n) / 2)
    float_scores = softmax(rng.normal(size=(50, 3))).astype(np.float32)
    add("float32", rng.integers(0, 3, 50), float_scores.argmax(axis=1), float_scores)
    add("one_class", [1] * 5, [1] * 5, [0.2, 0.9, 0.4, 0.4, 1.0])
    add("one_class_zero", [0] * 5, [0] * 5, [0.2, 0.9, 0.4, 0.4, 1.0])
    add("never_predicted", [0, 1, 2, 2, 1], [0, 0, 0, 0, 0], softmax(rng.normal(size=(5, 3))))
    add("never_true", [0, 0, 1, 1, 0], [0, 2, 1, 3, 3], [0.1, 0.4, 0.4, 0.8, 0.4])
    add("absent_in_true", [0, 2, 2, 0, 3], [0, 2, 1, 1, 3], softmax(rng.normal(size=(5, 4))))
    add("all_wrong", [0, 1, 0, 1], [1, 0, 1, 0], [0.9, 0.1, 0.8, 0.2])
    add("all_right", [0, 1, 0, 1], [0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8])
    add("equal_scores", [0, 1, 0, 1], [0, 1, 1, 1], [0.5, 0.5, 0.5, 0.5])
    add("minus_one", [-1, 1, -1, 1, 1], [-1, -1, 1, 1, 1], [0.3, 0.6, 0.5, 0.7, 0.5])
    add("far_labels", [5, 7, 7, 100], [7, 7, 5, 100], softmax(rng.normal(size=(4, 3))))
    add("extreme", [0, 1, 1, 0], [0, 1, 0, 1], [0.0, 1.0, 0.0, 1.0])
    add("single", [1], [0], [0.3])
    add("integer_weights", [0, 1, 1, 0], [0, 1, 0, 1], [0.0, 1.0, 0.3, 0.7], np.array([1, 2, 3, 4], np.int64))
    for n in (6, 60):
        truth = rng.integers(0, 2, (n, 4))
        scores = np.clip(truth * 0.4 + rng.random((n, 4)) * 0.6, 0, 1)
        add(f"multilabel_{n}", truth, scores > 0.5, scores)
        add(f"multilabel_{n}_weights", truth, scores > 0.5, scores, rng.random(n) + 0.1)
    return cases


def expected(case):
    t, p, s, w = case["y_true"], case["y_pred"], case["y_score"], case.get("weight")
    out = {}

    def add(name, f, *args, **kwargs):
        try:
            value = f(*args, **kwargs)
            out[name] = value if isinstance(value, str) or value is None else np.asarray(value, float).ravel().tolist()
        except (ValueError, NotImplementedError, IndexError):
            out[name] = "error"

    def item(i, f, *args, **kwargs):
        return f(*args, **kwargs)[i]

    add("accuracy", metrics.accuracy_score, t, p, sample_weight=w)
    add("accuracy/count", metrics.accuracy_score, t, p, normalize=False, sample_weight=w)
    for how in ("", "true", "pred", "all"):
        add(f"confusion/{how}", metrics.confusion_matrix, t, p, sample_weight=w, normalize=how or None)
    add("confusion/labels", metrics.confusion_matrix, t, p, labels=[2, 0], sample_weight=w)
    for average in ("", "binary", "micro", "macro", "weighted", "samples"):
        for zero in ("0", "1", "NaN"):
            for beta in ("1", "0.5", "2"):
                for i, part in enumerate("prfs"):
                    add(f"prf/{average}/{zero}/{beta}/{part}", functools.partial(item, i, metrics.precision_recall_fscore_support),
                        t, p, beta=float(beta), average=average or None, sample_weight=w, zero_division=float(zero))
    for digits in (2, 4):
        add(f"report/{digits}", metrics.classification_report, t, p, sample_weight=w, digits=digits, zero_division=0)
    add("report/labels", metrics.classification_report, t, p, labels=[0, 1], sample_weight=w, zero_division=0)
    for weights in ("", "linear", "quadratic"):
        add(f"kappa/{weights}", metrics.cohen_kappa_score, t, p, weights=weights or None, sample_weight=w)
    add("mcc", metrics.matthews_corrcoef, t, p, sample_weight=w)
    if t.ndim == 1:
        add("binarized", preprocessing.LabelBinarizer(neg_label=-1, pos_label=2).fit(t).transform, p)
        add("binarized/back", lambda: t)
    for kind in ("ovr", "ovo"):
        for average in ("macro", "micro", "weighted", "samples"):
            add(f"auc/{kind}/{average}", metrics.roc_auc_score, t, s, average=average, sample_weight=w, multi_class=kind)
    add("auc/none", metrics.roc_auc_score, t, s, average=None, sample_weight=w, multi_class="ovr")
    add("auc/partial", metrics.roc_auc_score, t, s, sample_weight=w, max_fpr=0.3, multi_class="ovr")
    for average in ("macro", "micro", "weighted", "samples"):
        add(f"ap/{average}", metrics.average_precision_score, t, s, average=average, sample_weight=w)
    for drop, suffix in ((False, "/all"), (True, "/drop")):
        for i, name in enumerate(("fpr", "tpr", "thresholds")):
            add(f"roc/{name}{suffix}", functools.partial(item, i, metrics.roc_curve), t, s, sample_weight=w, drop_intermediate=drop)
        for i, name in enumerate(("precision", "recall", "thresholds")):
            add(f"pr/{name}{suffix}", functools.partial(item, i, metrics.precision_recall_curve), t, s, sample_weight=w,
                drop_intermediate=drop)
    add("log_loss", metrics.log_loss, t, s, sample_weight=w)
    add("log_loss/sum", metrics.log_loss, t, s, normalize=False, sample_weight=w)
    add("log_loss/labels", metrics.log_loss, t, s, sample_weight=w, labels=[0, 1, 2, 3])
    for k in (1, 2, 3):
        add(f"top/{k}", metrics.top_k_accuracy_score, t, s, k=k, sample_weight=w)
    for strategy in ("uniform", "quantile"):
        for i, name in enumerate(("true", "pred")):
            add(f"calibration/{name}/{strategy}", functools.partial(item, i, calibration.calibration_curve), t, s, n_bins=7,
                strategy=strategy)
    return out


def is_compared(name, case):
    """What strata does otherwise on purpose is left out."""
    t, p = case["y_true"], case["y_pred"]
    if t.ndim == 2:  # log_loss and LabelBinarizer take labels alone
        return not name.startswith(("binarized", "log_loss", "top", "calibration"))
    if name.startswith("report") and not (t == p).any() and "weight" not in case:
        return False  # scikit-learn counts in floats ("2.0") where no sample is right
    # scikit-learn's number of columns depends on the labels that are transformed, strata's on those of fit().
    return name != "binarized" or len(set(p)) <= max(2, len(set(t)))


CASES = make_cases()


@pytest.fixture(scope="module")
def computed(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("evaluation") / "cases.npz"
    np.savez(path, **{f"{name}/{key}": value for name, case in CASES.items() for key, value in case.items()})
    return json.loads(run_program("evaluate_cases", path))


# capability: 7.2, 7.3, 7.4, 7.5
@pytest.mark.parametrize("name", CASES)
def test_equal(computed, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = expected(CASES[name])
    got = computed[name]
    problems, compared = [], 0
    for key, value in want.items():
        if not is_compared(key, CASES[name]):
            continue
        compared += 1
        mine = got[key]
        if isinstance(value, str) or value is None or isinstance(mine, str) or mine is None:
            if mine != value:
                problems.append(f"{key}: {mine!r} instead of {value!r}")
            continue
        mine = np.atleast_1d(np.asarray(mine, float))
        if mine.shape != np.shape(value) or not np.allclose(mine, value, rtol=1e-6, atol=1e-9, equal_nan=True):
            problems.append(f"{key}: {mine} instead of {value}")
    assert compared > 200
    assert not problems, "\n".join(problems)
