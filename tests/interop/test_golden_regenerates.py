"""The golden files in the tree are what TensorFlow and Keras compute today."""
import json
import subprocess
import sys

import numpy as np
import pytest

# Training amplifies the last bits, which depend on the machine; all else is one call.
TOLERANCE = {"models": 1e-4, "optimizer": 1e-5}
DEFAULT_TOLERANCE = 1e-6


def tolerance_of(family, key, arrays):
    """For the losses of MiniInception in float32, four times what its measured sensitivity to rounding says."""
    if family == "mini_inception" and key.endswith("losses"):
        sensitivity = arrays.get(key.replace("losses", "sensitivity"))
        return 1e-6 if sensitivity is None else np.maximum(1e-4, 4 * sensitivity)
    return TOLERANCE.get(family, DEFAULT_TOLERANCE)


def families(source_dir):
    return sorted(path.stem for path in (source_dir / "tests" / "golden").glob("*.json"))


def pytest_generate_tests(metafunc):
    if "family" in metafunc.fixturenames:
        import pathlib

        metafunc.parametrize("family", families(pathlib.Path(__file__).resolve().parents[2]))


@pytest.fixture(scope="session")
def regenerated(source_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("golden")
    command = [sys.executable, source_dir / "tools" / "golden" / "generate.py", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def read(directory, family):
    with open(directory / f"{family}.json") as file:
        document = json.load(file)
    with np.load(directory / f"{family}.npz") as archive:
        return document, {key: archive[key] for key in archive.files}


def test_all_families_are_generated(source_dir, regenerated):
    assert families(source_dir) == sorted(path.stem for path in regenerated.glob("*.json"))


def test_family_is_equal(source_dir, regenerated, family):
    old, old_arrays = read(source_dir / "tests" / "golden", family)
    new, new_arrays = read(regenerated, family)
    assert old["generator"] == new["generator"]
    assert set(old["versions"]) == {"tensorflow", "keras", "numpy"}
    assert [case["name"] for case in old["cases"]] == [case["name"] for case in new["cases"]]
    for a, b in zip(old["cases"], new["cases"]):
        if "statistics" not in a:
            assert a == b, a["name"]
    assert old_arrays.keys() == new_arrays.keys()
    for key, a in old_arrays.items():
        if key.endswith("sensitivity"):  # itself made of rounding
            continue
        b = new_arrays[key]
        assert a.dtype == b.dtype and a.shape == b.shape, key
        if not np.issubdtype(a.dtype, np.floating):
            np.testing.assert_array_equal(a, b, err_msg=key)
            continue
        finite = np.isfinite(a)
        scale = max(1.0, float(np.abs(a[finite]).max(initial=0)))
        allowed = tolerance_of(family, key, old_arrays) * scale
        close = (np.abs(np.where(finite, b, 0) - np.where(finite, a, 0)) <= allowed) & (finite == np.isfinite(b))
        assert close.all(), f"{key}: {b[~close][:5]} instead of {a[~close][:5]}"
        np.testing.assert_array_equal(a[~finite], b[~finite], err_msg=key)
