"""CIFAR-10 whole: the loader on the official files, and one epoch of training beside Keras.

The data set stays outside the project: ../shared/data/unpack lays it out where it is there.
"""
import json
import os
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="session")
def cifar_dir(source_dir, tmp_path_factory):
    given = os.environ.get("STRATA_CIFAR_DIR")
    if given:
        return given
    unpack = source_dir.parent / "shared" / "data" / "unpack"
    if not unpack.is_file():
        pytest.skip("no CIFAR-10: neither STRATA_CIFAR_DIR nor ../shared/data/unpack is there")
    target = tmp_path_factory.mktemp("cifar10")
    subprocess.run([sys.executable, unpack, target], check=True, capture_output=True, timeout=600)
    return str(target)


def test_loader_reads_all_sixty_thousand(build_dir, cifar_dir):
    program = build_dir / "bin" / "strata_datasets_tests"
    done = subprocess.run(
        [program, "--gtest_filter=CifarOfficial.*"],
        env={**os.environ, "STRATA_DATA_DIR": cifar_dir},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "[  PASSED  ] 1 test." in done.stdout, done.stdout + done.stderr


@pytest.mark.long
def test_one_epoch_is_kerass(source_dir, build_dir, cifar_dir, tmp_path):
    """From the same weights and batches: validation accuracy at least 45 %, and on the mean of three orders of the
    pictures within 3 points of Keras's. A single run's is noise of several points, in Keras as here."""
    runs = 3
    script = source_dir / "tools" / "golden" / "keras_reference.py"
    subprocess.run([sys.executable, script, cifar_dir, tmp_path, "--runs", str(runs)], check=True, timeout=3600 * runs)
    keras = json.loads((tmp_path / "result.json").read_text())["validation_accuracies"]
    for mode in ("eager", "compiled"):
        accuracies = []
        for run in range(runs):
            out, given = tmp_path / f"{mode}.npz", [cifar_dir, tmp_path, str(run), mode]
            subprocess.run([build_dir / "bin" / "cifar_epoch", *given, out], check=True, timeout=7200)
            with np.load(out) as ours, np.load(tmp_path / f"losses_{run}.npz") as theirs:
                np.testing.assert_allclose(ours["train_loss"][:2], theirs["train_loss"][:2], rtol=1e-3)
                accuracies.append(float(ours["validation_accuracy"]))
        print(mode, accuracies, "Keras", keras)
        assert min(accuracies) >= 0.45
        assert abs(np.mean(accuracies) - np.mean(keras)) <= 0.03
