"""SavedModels of strata in real TensorFlow: called, differentiated, trained, by signature, as a Keras layer."""
import numpy as np
import pytest
import tensorflow as tf

MODELS = (
    "small_cnn dense_stack branches nested_residual autoencoder text_cnn transformer volume cells mini_inception"
).split()


@pytest.fixture(scope="module")
def directory(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved_models")
    run_program("write_saved_models", path)
    return path


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


@pytest.mark.parametrize("name", MODELS)
def test_tensorflow_calls_it(directory, name):
    loaded = tf.saved_model.load(str(directory / name))
    inputs, outputs = arrays(directory, name)
    argument = inputs if len(inputs) > 1 else inputs[0]
    for got, want in zip(as_list(loaded(tf.nest.map_structure(tf.constant, argument))), outputs, strict=True):
        close(got, want)
    one = tf.nest.map_structure(lambda x: tf.constant(x[:1]), argument)
    for got, want in zip(as_list(loaded(one, training=False)), outputs):
        close(got, want[:1])


@pytest.mark.parametrize("name", MODELS)
def test_signature(directory, name):
    loaded = tf.saved_model.load(str(directory / name))
    inputs, outputs = arrays(directory, name)
    signature = loaded.signatures["serving_default"]
    names = list(signature.structured_input_signature[1])
    assert len(names) == len(inputs)
    if name == "branches":
        assert set(names) == {"left", "right"} and set(signature.structured_outputs) == {"kind", "size"}
    by_name = dict(zip(sorted(names), inputs))
    results = signature(**{k: tf.constant(v) for k, v in by_name.items()})
    wanted = dict(zip(["kind", "size"], outputs)) if name == "branches" else {next(iter(results)): outputs[0]}
    for key, want in wanted.items():
        close(results[key], want)


@pytest.mark.parametrize("name", MODELS)
def test_tensorflow_differentiates_and_trains_it(directory, name):
    loaded = tf.saved_model.load(str(directory / name))
    inputs, _ = arrays(directory, name)
    argument = tf.nest.map_structure(tf.constant, inputs if len(inputs) > 1 else inputs[0])
    moving = {v.name: v.numpy() for v in loaded.non_trainable_variables}
    losses = []
    for _ in range(6):
        with tf.GradientTape() as tape:
            outputs = as_list(loaded(argument, training=True))
            loss = tf.add_n([tf.reduce_mean(tf.square(o - 0.25)) for o in outputs])
        gradients = tape.gradient(loss, list(loaded.trainable_variables))
        assert all(g is not None for g in gradients)
        for g, v in zip(gradients, loaded.trainable_variables):
            v.assign_sub(0.02 * tf.clip_by_norm(tf.convert_to_tensor(g), 1.0))
        losses.append(float(loss))
    assert np.isfinite(losses).all()
    assert min(losses[1:]) < losses[0]
    for v in loaded.non_trainable_variables:  # the statistics of batch norm moved
        assert not np.array_equal(v.numpy(), moving[v.name])


@pytest.mark.parametrize("name", ["small_cnn", "branches", "mini_inception"])
def test_it_is_a_keras_layer(directory, name):
    import keras

    inputs, outputs = arrays(directory, name)
    for endpoint in ("serve", "serving_default"):
        if endpoint == "serving_default" and len(inputs) > 1:
            continue
        layer = keras.layers.TFSMLayer(str(directory / name), call_endpoint=endpoint)
        got = layer(inputs if len(inputs) > 1 else inputs[0])
        got = list(got.values()) if isinstance(got, dict) else as_list(got)
        for g, want in zip(got, outputs, strict=True):
            close(g, want)
    layer = keras.layers.TFSMLayer(
        str(directory / name), call_endpoint="serve", call_training_endpoint="serve_training"
    )
    assert len(layer.trainable_weights) == len(tf.saved_model.load(str(directory / name)).trainable_variables)
