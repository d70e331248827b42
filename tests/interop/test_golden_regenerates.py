"""The golden files in the tree are what TensorFlow and Keras compute today."""
import json
import subprocess
import sys

import numpy as np
import pytest

# Long training amplifies the last bits, which depend on the machine; all else is one call.
TOLERANCE = {"mini_inception": 1e-3, "models": 1e-4, "optimizer": 1e-5}
DEFAULT_TOLERANCE = 1e-6


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
    tolerance = TOLERANCE.get(family, DEFAULT_TOLERANCE)
    for key, a in old_arrays.items():
        b = new_arrays[key]
        assert a.dtype == b.dtype and a.shape == b.shape, key
        if not np.issubdtype(a.dtype, np.floating):
            np.testing.assert_array_equal(a, b, err_msg=key)
            continue
        finite = np.isfinite(a)
        scale = max(1.0, float(np.abs(a[finite]).max(initial=0)))
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * scale, equal_nan=True, err_msg=key)
