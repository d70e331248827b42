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
    """From the same weights and batches: validation accuracy at least 45 %, and within 3 points of the mean of Keras's
    runs, which differ among themselves."""
    script = source_dir / "tools" / "golden" / "keras_reference.py"
    subprocess.run([sys.executable, script, cifar_dir, tmp_path, "--runs", "3"], check=True, timeout=7200)
    keras = json.loads((tmp_path / "result.json").read_text())
    expected = np.mean(keras["validation_accuracies"])
    for mode in ("eager", "compiled"):
        out = tmp_path / f"{mode}.npz"
        subprocess.run([build_dir / "bin" / "cifar_epoch", cifar_dir, tmp_path, mode, out], check=True, timeout=7200)
        with np.load(out) as ours:
            np.testing.assert_allclose(ours["train_loss"][:3], keras["first_losses"][:3], rtol=2e-3)
            accuracy = float(ours["validation_accuracy"])
            print(mode, accuracy, "Keras", keras["validation_accuracies"])
            assert accuracy >= 0.45
            assert abs(accuracy - expected) <= 0.03
