"""strata reads only what the formats define: its files, written again by Keras and TensorFlow, which keep nothing that is strata's
own, load the same, and train on the same."""
import h5py
import keras
import numpy
import pytest
import tensorflow as tf
import tf_keras

from exchange import MODELS, arrays, close
from test_model_files import WRITTEN

ROOT = {"backend", "keras_version", "model_config", "training_config"}
GROUP = {"backend", "keras_version", "layer_names", "weight_names", "name"}


@pytest.fixture(scope="module")
def written(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("written")
    run_program("model_files", "write", path)
    return path


def same_in_strata(run_program, path, written, name):
    data = written / f"{name}.npz"
    numbers = [float(line) for line in run_program("model_files", "read", path, data).split()]
    assert numbers[0] <= 1e-5
    numpy.testing.assert_allclose(numbers[1:], numpy.load(data)["losses"], atol=1e-3)


# Keras's Huber, which "residual" has, does not write its delta.
@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "residual"])
def test_keras_archive(written, run_program, tmp_path, name):
    keras.models.load_model(written / f"{name}.keras").save(tmp_path / "again.keras")
    same_in_strata(run_program, tmp_path / "again.keras", written, name)


@pytest.mark.parametrize("name", WRITTEN)
def test_hdf5(written, run_program, tmp_path, name):
    tf_keras.models.load_model(str(written / f"{name}.h5")).save(str(tmp_path / "again.h5"))
    same_in_strata(run_program, tmp_path / "again.h5", written, name)


@pytest.mark.parametrize("name", WRITTEN)
def test_hdf5_without_attributes_of_strata(written, run_program, tmp_path, name):
    path = tmp_path / "stripped.h5"
    path.write_bytes((written / f"{name}.h5").read_bytes())
    with h5py.File(path, "a") as file:
        for attribute in set(file.attrs) - ROOT:
            del file.attrs[attribute]

        def strip(_, thing):
            for attribute in list(thing.attrs):
                if attribute.rstrip("0123456789") not in GROUP:
                    del thing.attrs[attribute]

        file.visititems(strip)
    same_in_strata(run_program, path, written, name)


def test_saved_models(run_program, tmp_path):
    """TensorFlow reads the folder and writes what it kept."""
    from tensorflow.core.protobuf import saved_model_pb2

    original, again = tmp_path / "original", tmp_path / "again"
    original.mkdir()
    again.mkdir()
    run_program("write_saved_models", original)
    for name in MODELS:
        loaded = tf.saved_model.load(str(original / name))
        tf.saved_model.save(loaded, str(again / name), signatures=loaded.signatures)
        (again / f"{name}.npz").write_bytes((original / f"{name}.npz").read_bytes())
        # Nothing in the file of strata is unknown to TensorFlow.
        proto = saved_model_pb2.SavedModel.FromString((original / name / "saved_model.pb").read_bytes())
        size = proto.ByteSize()
        proto.DiscardUnknownFields()
        assert proto.ByteSize() == size
    curves = {}
    for directory in (original, again):
        lines = run_program("run_saved_model", directory, *MODELS).split("\n")
        curves[directory] = {line.split()[0]: [float(v) for v in line.split()[1:]] for line in lines if line}
    for name in MODELS:
        _, outputs = arrays(original, name)
        stored = numpy.load(again / f"{name}.strata.npz")
        for k, want in enumerate(outputs):
            close(stored[f"out{k}"], want)
        if name not in ("small_cnn", "transformer"):  # which draw random numbers
            assert curves[again][name] == pytest.approx(curves[original][name], rel=1e-3, abs=1e-4), name
