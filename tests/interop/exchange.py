"""What the tests of ONNX and of SavedModel share: the models of programs/exchange_models.h and their arrays."""
import numpy as np

MODELS = (
    "small_cnn dense_stack branches nested_residual autoencoder text_cnn transformer volume cells sized mini_inception"
).split()


def arrays(directory, name):
    stored = np.load(directory / f"{name}.npz")
    inputs = [stored[k] for k in sorted(stored.files) if k.startswith("in")]
    outputs = [stored[k] for k in sorted(stored.files) if k.startswith("out")]
    return inputs, outputs


def close(got, want, tolerance=1e-5):
    got = np.asarray(got)
    assert got.shape == want.shape
    assert np.abs(got.astype(np.float64) - want).max() <= tolerance * max(1.0, np.abs(want).max())


def as_list(values):
    return list(values) if isinstance(values, (list, tuple)) else [values]
