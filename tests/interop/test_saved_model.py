"""SavedModels of strata in real TensorFlow: called, differentiated, trained, by signature, as a Keras layer."""
import numpy as np
import pytest
import tensorflow as tf

from exchange import MODELS, arrays, as_list, close

WITH_DROPOUT = ("small_cnn", "transformer")


@pytest.fixture(scope="module")
def directory(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved_models")
    run_program("write_saved_models", path)
    return path


# capability: 6.1
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


@pytest.mark.parametrize("name", ["unseen", "quantized"])
def test_fake_quantization_is_tensorflows(directory, name):
    loaded = tf.saved_model.load(str(directory / name))
    inputs, outputs = arrays(directory, name)
    x = tf.constant(inputs[0])
    close(loaded(x), outputs[0], 2e-3)  # a number between two steps of the grid may go either way
    nodes = {n.op for f in loaded.signatures["serving_default"].graph.as_graph_def().library.function for n in f.node_def}
    assert {"FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"} <= nodes


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
    weights = list(loaded.trainable_variables)

    def loss_and_gradients(training):
        with tf.GradientTape() as tape:
            outputs = as_list(loaded(argument, training=training))
            loss = tf.add_n([tf.reduce_mean(tf.square(o - 0.25)) for o in outputs])
        gradients = tape.gradient(loss, weights)
        assert all(g is not None for g in gradients)
        return float(loss), [tf.convert_to_tensor(g) for g in gradients]

    # In training every weight has a finite gradient, and the statistics of batch norm move.
    moving = {v.name: v.numpy() for v in loaded.non_trainable_variables}
    loss, gradients = loss_and_gradients(training=True)
    assert np.isfinite(loss) and all(np.isfinite(g).all() for g in gradients)
    for v in loaded.non_trainable_variables:
        assert not np.array_equal(v.numpy(), moving[v.name])

    # Steps down the gradient lower the loss; where dropout draws, they are looked at in inference.
    losses = []
    for _ in range(6):
        loss, gradients = loss_and_gradients(training=name not in WITH_DROPOUT)
        for g, v in zip(gradients, weights):
            v.assign_sub(0.02 * tf.clip_by_norm(g, 1.0))
        losses.append(loss)
    assert np.isfinite(losses).all()
    assert min(losses[1:]) < losses[0]


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


# ---- The way back: strata reads what it wrote, and what TensorFlow and Keras write.


def run_in_strata(run_program, directory, names):
    """The losses of five steps of gradient descent in strata, by model."""
    lines = run_program("run_saved_model", directory, *names).split("\n")
    return {line.split()[0]: [float(v) for v in line.split()[1:]] for line in lines if line}


def test_strata_loads_its_own(run_program, directory):
    losses = run_in_strata(run_program, directory, MODELS)
    for name in MODELS:
        _, outputs = arrays(directory, name)
        stored = np.load(directory / f"{name}.strata.npz")
        for k, want in enumerate(outputs):
            close(stored[f"out{k}"], want)
        assert np.isfinite(losses[name]).all()
        # Two draw random numbers; and where several elements are the largest of a window, TensorFlow's 3-D pool (not its
        # 2-D one) gives each of them the whole gradient, strata's the first one alone.
        if name not in (*WITH_DROPOUT, "volume"):
            loaded = tf.saved_model.load(str(directory / name))
            inputs, _ = arrays(directory, name)
            argument = tf.nest.map_structure(tf.constant, inputs if len(inputs) > 1 else inputs[0])
            assert losses[name] == pytest.approx(descend(loaded, argument), rel=1e-3, abs=1e-4), name


def descend(model, inputs):
    """The same five steps in TensorFlow."""
    losses = []
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_mean(tf.square(o - 0.25)) for o in as_list(model(inputs, training=True))])
        weights = list(model.trainable_variables)
        for g, v in zip(tape.gradient(loss, weights), weights):
            v.assign_sub(0.005 * tf.convert_to_tensor(g))
        losses.append(float(loss))
    return losses


class Hidden(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(tf.random.stateless_normal((5, 4), (1, 2)), name="w")
        self.b = tf.Variable(tf.zeros(4), name="b")
        self.count = tf.Variable(0.0, trainable=False, name="count")

    @tf.function(input_signature=[tf.TensorSpec((None, 5))])
    def __call__(self, x):
        y = tf.nn.softmax(x @ self.w + self.b)
        y = tf.reshape(y, (tf.shape(x)[0], 2, 2))
        return tf.concat([y, y[:, ::-1, :] * 2.0], axis=-1)


def keras_models(K):
    """The same layers in tf_keras and Keras 3."""
    L = K.layers
    image = K.Sequential([
        L.Input((12, 12, 3)), L.Conv2D(6, 3, padding="same", activation="relu"), L.BatchNormalization(),
        L.MaxPooling2D(), L.DepthwiseConv2D(3), L.SeparableConv2D(5, 3, strides=2, padding="same"), L.LeakyReLU(),
        L.Conv2DTranspose(4, 3, strides=2, padding="same"), L.UpSampling2D(interpolation="bilinear"),
        L.ZeroPadding2D(1), L.Cropping2D(1), L.AveragePooling2D(2, padding="same"), L.GlobalAveragePooling2D(),
        L.Dense(4, activation="softmax"),
    ])
    a, b = L.Input((6,), name="a"), L.Input((6,), name="b")
    shared = L.Dense(8, activation="gelu")
    joined = L.Concatenate()([shared(a), shared(b), L.Multiply()([a, b])])
    two = K.Model([a, b], [L.Dense(3, activation="softmax", name="kind")(joined), L.Dense(1, name="size")(joined)])
    x = L.Input((10, 4))
    y = L.LayerNormalization()(x)
    y = L.Conv1D(8, 3, padding="causal", dilation_rate=2, activation="swish")(y)
    y = L.Add()([y, L.Dense(8)(x)])
    y = L.Reshape((5, 16))(y)
    y = L.Permute((2, 1))(y)
    series = K.Model(x, L.Dense(2)(L.Flatten()(y)))
    attention_in = L.Input((7, 8))
    attended = L.MultiHeadAttention(2, 4)(attention_in, attention_in)
    attention = K.Model(attention_in, L.Dense(3)(L.GlobalMaxPooling1D()(L.LayerNormalization()(attended + attention_in))))
    words = L.Input((9,), dtype="int32")
    text = K.Model(words, L.Dense(2)(L.GlobalAveragePooling1D()(L.Embedding(30, 6)(words))))
    return {"image": image, "two": two, "series": series, "attention": attention, "text": text}


def some_inputs(name):
    rng = np.random.default_rng(3)
    shapes = {"image": [(3, 12, 12, 3)], "two": [(3, 6), (3, 6)], "series": [(3, 10, 4)], "attention": [(3, 7, 8)]}
    if name == "text":
        return [rng.integers(0, 30, (3, 9)).astype("int32")]
    return [rng.normal(size=s).astype("float32") for s in shapes.get(name, [(3, 5)])]


# capability: 6.2
def test_strata_loads_what_tensorflow_writes(run_program, tmp_path):
    import keras
    import tf_keras

    wanted, losses = {}, {}
    for prefix, module in (("tfk_", tf_keras), ("k3_", keras)):
        module.utils.set_random_seed(1)
        for name, model in keras_models(module).items():
            inputs = some_inputs(name)
            argument = inputs if len(inputs) > 1 else inputs[0]
            np.savez(tmp_path / f"{prefix}{name}.npz", **{f"in{i}": x for i, x in enumerate(inputs)})
            if module is keras:
                model.export(str(tmp_path / f"{prefix}{name}"), verbose=False)
            else:
                model.save(str(tmp_path / f"{prefix}{name}"), save_format="tf")
            wanted[prefix + name] = [np.asarray(o) for o in as_list(model(argument))]
            if module is tf_keras:  # Keras 3 writes no function for training
                losses[prefix + name] = descend(model, argument)
    module = Hidden()
    np.savez(tmp_path / "module.npz", in0=some_inputs("module")[0])
    wanted["module"] = [module(some_inputs("module")[0]).numpy()]
    tf.saved_model.save(module, str(tmp_path / "module"))
    found = run_in_strata(run_program, tmp_path, list(wanted))
    for name, outputs in wanted.items():
        stored = np.load(tmp_path / f"{name}.strata.npz")
        for k, want in enumerate(outputs):
            close(stored[f"out{k}"], want)
    for name, curve in losses.items():
        assert found[name] == pytest.approx(curve, rel=1e-3, abs=1e-4), name
