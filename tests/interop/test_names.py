"""Every name that Keras takes for a loss, metric, optimizer, activation, ... means something to strata."""
import importlib
import subprocess

KINDS = ("losses", "metrics", "optimizers", "activations", "initializers", "regularizers", "constraints")
# Bases, wrappers and what needs arguments.
NOT_NAMES = {
    "losses": {"Loss", "LossFunctionWrapper"},
    "metrics": {"Metric", "metric", "MeanMetricWrapper", "mean_metric_wrapper"},
    "optimizers": {"optimizer", "multioptimizer", "optimizermap", "lossscaleoptimizer"},
    "activations": {"threshold"},
    "initializers": {"Initializer", "initializer", "STFT", "STFTInitializer", "stft", "IdentityInitializer", "OrthogonalInitializer"},
    "regularizers": {"Regularizer", "regularizer"},
    "constraints": {"Constraint", "constraint"},
}
NEED_ARGUMENTS = {"BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "PrecisionAtRecall", "RecallAtPrecision",
                  "SensitivityAtSpecificity", "SpecificityAtSensitivity", "binary_io_u", "io_u", "mean_io_u", "one_hot_io_u",
                  "one_hot_mean_io_u", "precision_at_recall", "recall_at_precision", "sensitivity_at_specificity",
                  "specificity_at_sensitivity"}


# capability: 8.3
def test_names_of_keras(build_dir):
    names = [(kind, name) for kind in KINDS for name in sorted(importlib.import_module(f"keras.src.{kind}").ALL_OBJECTS_DICT)
             if name not in NOT_NAMES[kind] and not (kind == "metrics" and name in NEED_ARGUMENTS)]
    done = subprocess.run([build_dir / "bin/known_names"], input="".join(f"{kind} {name}\n" for kind, name in names),
                          capture_output=True, text=True, check=True)
    assert len(names) > 200
    assert done.stdout == ""
