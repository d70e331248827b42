"""Whole models between strata, Keras 3 and tf_keras 2: the outputs, and the losses of further training, are the same."""
import h5py
import keras
import numpy
import pytest
import tf_keras

import keras_models
import more_keras_models

WRITTEN = ("mlp", "convnet", "branched", "separable", "residual", "words", "autoencoder", "inception", "operators", "sequence")


@pytest.fixture(scope="module")
def written(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("written")
    run_program("model_files", "write", path)
    return path


def parts(data, prefix):
    out = [data[name] for name in sorted(data.files) if name.startswith(prefix) and name[len(prefix):].isdigit()]
    return out if len(out) > 1 else out[0]


def outputs(model, x):
    out = model.predict_on_batch(x)
    return [out[name] for name in sorted(out)] if isinstance(out, dict) else out if isinstance(out, (list, tuple)) else [out]


def losses(model, x, y, steps=10):
    out = []
    for _ in range(steps):
        model.reset_metrics()
        loss = model.train_on_batch(x, y)
        out.append(float(numpy.atleast_1d(loss)[0]))
    return out


def check(model, data):
    x, y = parts(data, "x"), parts(data, "y")
    want = parts(data, "out")
    for got, expected in zip(outputs(model, x), want if isinstance(want, list) else [want]):
        numpy.testing.assert_allclose(numpy.asarray(got), expected, atol=1e-5)
    numpy.testing.assert_allclose(losses(model, x, y), data["losses"], atol=1e-3)


@pytest.mark.parametrize("name", WRITTEN)
def test_keras_3_reads_and_trains_on(written, name):
    check(keras.models.load_model(written / f"{name}.keras"), numpy.load(written / f"{name}.npz"))


# capability: 6.6
@pytest.mark.parametrize("name", WRITTEN)
def test_tf_keras_2_reads_and_trains_on(written, name):
    check(tf_keras.models.load_model(str(written / f"{name}.h5")), numpy.load(written / f"{name}.npz"))


# capability: 6.8
@pytest.mark.parametrize("name", WRITTEN)
def test_keras_3_reads_weights(written, name):
    model = keras.models.load_model(written / f"{name}.keras", compile=False)
    wanted = [w.numpy() for w in model.weights]
    for w in model.weights:
        w.assign(numpy.zeros(w.shape))
    model.load_weights(written / f"{name}.weights.h5")
    for w, want in zip(model.weights, wanted):
        numpy.testing.assert_array_equal(w.numpy(), want)


# capability: 6.8
def test_h5py_reads_names_and_arrays(written):
    with h5py.File(written / "branched.h5") as file:
        names = [n.decode() for n in file["model_weights"].attrs["layer_names"]]
        assert names[:3] == ["left", "right", "shared"]
        shared = file["model_weights"]["shared"]
        assert [n.decode() for n in shared.attrs["weight_names"]] == ["shared/kernel:0", "shared/bias:0"]
        assert shared["shared/kernel:0"].shape == (8, 16)


# ---- They write, strata reads.


def mlp(k):
    m = k.Sequential([k.layers.Input((6,)), k.layers.Dense(16, activation="relu"), k.layers.Dense(4, activation="softmax")])
    m.compile(k.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    return m


def convnet(k):
    L = k.layers
    m = k.Sequential([L.Input((8, 8, 3)), L.Conv2D(4, 3, padding="same", activation="relu"), L.BatchNormalization(),
                      L.MaxPooling2D(), L.Conv2D(6, 3, strides=2, kernel_regularizer="l2"), L.LeakyReLU(), L.Flatten(), L.Dense(3)])
    m.compile(k.optimizers.SGD(0.05, momentum=0.9), k.losses.CategoricalCrossentropy(from_logits=True))
    return m


def branched(k):
    L = k.layers
    left, right = k.Input((8,), name="left"), k.Input((8,), name="right")
    shared = L.Dense(16, activation="relu", name="shared")
    inner = k.Sequential([L.Input((16,)), L.Dense(4), L.BatchNormalization()], name="inner")
    joined = L.Concatenate()([shared(left), shared(right)])
    kind = L.Dense(3, activation="softmax", name="kind")(joined)
    size = L.Dense(1, name="size")(L.Concatenate()([joined, inner(shared(left))]))
    m = k.Model([left, right], [kind, size])
    m.compile(k.optimizers.SGD(k.optimizers.schedules.CosineDecay(0.1, 200), momentum=0.9),
              loss={"kind": k.losses.CategoricalCrossentropy(), "size": "mse"}, loss_weights={"kind": 1.0, "size": 0.5},
              metrics={"kind": ["accuracy"]})
    return m


def separable(k):
    L = k.layers
    x = k.Input((8, 8, 3))
    h = L.DepthwiseConv2D(3, activation="relu")(L.SeparableConv2D(4, 3, padding="same")(x))
    m = k.Model(x, L.Dense(2)(L.GlobalAveragePooling2D()(h)))
    m.compile(k.optimizers.RMSprop(0.01), "mae")
    return m


def residual(k):
    L = k.layers
    x = k.Input((5, 6))
    h = L.Add()([x, L.Dense(6, activation="swish")(L.LayerNormalization()(x))])
    m = k.Model(x, L.Dense(1)(L.GlobalAveragePooling1D()(L.Multiply()([h, h]))))
    m.compile(k.optimizers.AdamW(0.01), "huber")
    return m


def words(k):
    L = k.layers
    m = k.Sequential([k.Input((7,), dtype="int32"), L.Embedding(20, 6), L.GlobalMaxPooling1D(), L.Dense(3, activation="softmax")])
    # Keras 3 squares the rows of a gradient one by one where a word comes twice, as strata does; Keras 2 sums them first.
    optimizer = k.optimizers.Adam(0.01) if k.__name__ == "keras" else k.optimizers.SGD(0.1, momentum=0.9)
    m.compile(optimizer, "sparse_categorical_crossentropy")
    return m


def autoencoder(k):
    L = k.layers
    m = k.Sequential([L.Input((8, 8, 1)), L.Conv2D(3, 3, strides=2, padding="same"),
                      L.Conv2DTranspose(2, 3, strides=2, padding="same", activation="elu"), L.ZeroPadding2D(1),
                      L.Cropping2D(1), L.UpSampling2D(), L.AveragePooling2D((2, 2)), L.Conv2D(1, 1, activation="sigmoid")])
    m.compile(k.optimizers.Adam(0.01, clipnorm=1.0), "binary_crossentropy")
    return m


def inception(k):
    L = k.layers
    x = k.Input((8, 8, 3))

    def conv(t, filters, kernel):
        return L.Activation("relu")(L.BatchNormalization()(L.Conv2D(filters, kernel, padding="same")(t)))

    h = L.concatenate([conv(x, 4, 1), conv(x, 5, 3)])
    h = L.concatenate([conv(h, 3, 3), L.MaxPooling2D(3, strides=1, padding="same")(h)])
    m = k.Model(x, L.Dense(4, activation="softmax")(L.Flatten()(L.AveragePooling2D(4)(h))))
    m.compile(k.optimizers.SGD(0.05), "categorical_crossentropy")
    return m


def operators(k):
    x, y = k.Input((4,)), k.Input((4,))
    m = k.Model([x, y], k.layers.Dense(2)((x * 2.0 + y) - y / 3.0))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def sequence(k):
    L = k.layers
    m = k.Sequential([L.Input((9, 3)), L.Conv1D(4, 3, padding="causal", activation="tanh"), L.Permute((2, 1)),
                      L.Reshape((6, 6)), L.Dense(2), L.Flatten(), L.PReLU(), L.RepeatVector(2), L.Rescaling(0.5), L.Flatten(), L.Dense(1)])
    m.compile(k.optimizers.Adam(k.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)), "log_cosh" if k is keras else "logcosh")
    return m


def nested(k):
    L = k.layers
    a = k.Input((6,))
    block = k.Model(a, L.Dense(6, activation="relu")(a), name="block")
    outer = k.Input((6,))
    h = block(outer)
    h = L.Subtract()([block(h), outer])
    m = k.Model(outer, L.Dense(2)(L.Average()([h, outer])))
    m.compile(k.optimizers.SGD(0.05, nesterov=True, momentum=0.5), "mse")
    return m


def deep_nested(k):
    L = k.layers
    inside = k.Sequential([L.Input((5,)), L.Dense(5, activation="tanh", name="first")], name="inside")
    middle = k.Sequential([L.Input((5,)), inside, L.BatchNormalization(), L.Dense(5)], name="middle")
    x = k.Input((5,))
    m = k.Model(x, L.Dense(2)(L.Maximum()([middle(x), x])))
    m.compile(k.optimizers.Adam(0.01), "mse")
    return m


READ = (mlp, convnet, branched, separable, residual, words, autoencoder, inception, operators, sequence, nested, deep_nested)


def arrays(model, rng):
    def array(shape, integers):
        shape = [8] + list(shape[1:])
        return rng.integers(0, 20, shape).astype("int32") if integers else rng.normal(size=shape).astype("float32")

    x = [array(i.shape, "int" in (i.dtype if isinstance(i.dtype, str) else i.dtype.name)) for i in model.inputs]
    y = []
    name = model.loss if isinstance(model.loss, str) else type(model.loss).__name__
    sparse = "sparse" in name.lower()
    for out in model.outputs:
        n = out.shape[-1]
        is_classes = "crossentropy" in str(model.loss).lower() and n > 1
        if sparse:
            y.append((numpy.arange(8) % n).astype("int32"))
        elif is_classes:
            y.append(numpy.eye(n, dtype="float32")[numpy.arange(8) % n])
        else:
            y.append(rng.uniform(size=[8] + list(out.shape[1:])).astype("float32"))
    return x, y


def strata_reads(model, path, data_path, run_program, copies=()):
    """Gives the losses that follow, after the file was written; strata's must be the same."""
    x, y = arrays(model, numpy.random.default_rng(1))
    one = lambda v: v if len(v) > 1 else v[0]  # noqa: E731
    # A model's outputs are those of its dict in the order of the keys; a list of labels would follow the dict's own.
    named = model.predict_on_batch(one(x))
    labels = dict(zip(sorted(named), y)) if isinstance(named, dict) else one(y)
    losses(model, one(x), labels, 3)
    model.save(str(path))
    data = {f"x{i}": v for i, v in enumerate(x)} | {f"y{i}": v for i, v in enumerate(y)}
    data |= {f"out{i}": numpy.asarray(v) for i, v in enumerate(outputs(model, one(x)))}
    numpy.savez(data_path, **data)
    numbers = [float(line) for line in run_program("model_files", "read", path, data_path, *copies).split()]
    assert numbers[0] <= 1e-5
    wanted = losses(model, one(x), labels)
    numpy.testing.assert_allclose(numbers[1:], wanted, atol=1e-3)
    return data | {"losses": wanted}


# capability: 6.4
@pytest.mark.parametrize("build", READ, ids=lambda f: f.__name__)
def test_strata_reads_keras_3(build, run_program, tmp_path):
    strata_reads(build(keras), tmp_path / "m.keras", tmp_path / "d.npz", run_program)


@pytest.mark.parametrize("build", READ + keras_models.ALL, ids=lambda f: f.__name__)
def test_strata_reads_hdf5_of_keras_3(build, run_program, tmp_path):
    strata_reads(build(keras), tmp_path / "m.h5", tmp_path / "d.npz", run_program)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
@pytest.mark.parametrize("build", READ, ids=lambda f: f.__name__)
def test_strata_reads_tf_keras_2(build, name, run_program, tmp_path):
    strata_reads(build(tf_keras), tmp_path / name, tmp_path / "d.npz", run_program)


class Arrays(dict):
    """What numpy.load() of the same arrays gives."""

    files = property(list)


@pytest.mark.parametrize("k,name", [(keras, "m.keras"), (tf_keras, "m.h5")], ids=["keras_3", "tf_keras_2"])
@pytest.mark.parametrize("build", keras_models.ALL + more_keras_models.ALL, ids=lambda f: f.__name__)
def test_models_go_through_strata(build, k, name, run_program, tmp_path):
    """From Keras to strata, which writes them in both formats, and back: outputs and further training are the same."""
    copies = (tmp_path / "copy.keras", tmp_path / "copy.h5")
    data = Arrays(strata_reads(build(k), tmp_path / name, tmp_path / "d.npz", run_program, copies))
    check(keras.models.load_model(copies[0]), data)
    check(tf_keras.models.load_model(str(copies[1])), data)


@pytest.mark.parametrize("k,name", [(keras, "m.keras"), (tf_keras, "m.h5"), (tf_keras, "m.keras")],
                         ids=["keras_3", "tf_keras_2", "archive_of_tf_keras_2"])
def test_hard_sigmoid_keeps_its_meaning(k, name, run_program, tmp_path):
    """Keras 2 and 3 mean two functions by it."""
    copies = [] if (k, name) == (tf_keras, "m.keras") else [tmp_path / f"copy{(tmp_path / name).suffix}"]
    data = Arrays(strata_reads(more_keras_models.gates(k), tmp_path / name, tmp_path / "d.npz", run_program, copies))
    for copy in copies:
        check(k.models.load_model(str(copy)), data)


OLD_OPTIMIZERS = {
    "sgd": lambda o: o.SGD(0.05, momentum=0.9, decay=0.1), "adam": lambda o: o.Adam(0.01, decay=0.05),
    "amsgrad": lambda o: o.Adam(0.01, amsgrad=True), "adamax": lambda o: o.Adamax(0.01), "adagrad": lambda o: o.Adagrad(0.05),
    "adadelta": lambda o: o.Adadelta(0.5), "rmsprop": lambda o: o.RMSprop(0.01, momentum=0.5),
    "ftrl": lambda o: o.Ftrl(0.05, l1_regularization_strength=0.01)}


@pytest.mark.parametrize("name", OLD_OPTIMIZERS)
def test_the_first_optimizers_of_keras_2_go_on(name, run_program, tmp_path):
    k = tf_keras
    model = k.Sequential([k.layers.Input((6,)), k.layers.Dense(8, activation="relu"), k.layers.LeakyReLU(), k.layers.Dense(2)])
    model.compile(OLD_OPTIMIZERS[name](k.optimizers.legacy), "mse")
    strata_reads(model, tmp_path / "m.h5", tmp_path / "d.npz", run_program)


def test_a_schedule_of_tf_keras_2_goes_on(run_program, tmp_path):
    """Its SGD keeps momenta even where there is no momentum."""
    k = tf_keras
    model = k.Sequential([k.layers.Input((6,)), k.layers.Dense(8, activation="relu"), k.layers.Dense(2)])
    schedule = k.optimizers.schedules.CosineDecay(0.001, 6, alpha=0.1, warmup_target=0.3, warmup_steps=4)
    model.compile(k.optimizers.SGD(schedule), "mse")
    strata_reads(model, tmp_path / "m.h5", tmp_path / "d.npz", run_program)


def test_what_keras_3_alone_has_goes_through_strata(run_program, tmp_path):
    copy = tmp_path / "copy.keras"
    data = Arrays(strata_reads(more_keras_models.renormalized(keras), tmp_path / "m.keras", tmp_path / "d.npz", run_program, [copy]))
    check(keras.models.load_model(copy), data)
