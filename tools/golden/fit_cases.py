"""fit(): histories of a model Input(5) -> Dense(6, relu, L2) -> {"kind": Dense(3, softmax), "size": Dense(1)}, in order.

`inputs` are x (20, 5), one-hot kinds (20, 3), sizes (20, 1), a weight for each sample, and as many again (8) for
validation; `weights` the first ones. With
0 outputs it is Input(4, 2) -> Masking -> Dense(3, softmax), with rows of zeros in x and a weight for each step. A model of one output has "kind" alone. `history` has the values of each epoch.
"""
import keras
import numpy as np

from common import Draw, Family

# name, outputs, compile, fit; "sample_weight" and "validation" say that they are given.
CASES = [
    ("plain", 1, {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}, {"validation": True}),
    ("split", 1, {"loss": "categorical_crossentropy", "metrics": ["mae", "accuracy"]}, {"validation_split": 0.3, "batch_size": 3}),
    ("sample_weight", 1, {"loss": "categorical_crossentropy", "metrics": ["accuracy"], "weighted_metrics": ["accuracy"]},
     {"sample_weight": True, "validation_split": 0.25}),
    ("class_weight", 1, {"loss": "categorical_crossentropy", "weighted_metrics": ["mse"]},
     {"class_weight": {"0": 2.0, "1": 0.5}, "validation": True, "validation_freq": 2}),
    ("steps", 1, {"loss": "mse", "metrics": ["accuracy"]}, {"steps_per_epoch": 2, "initial_epoch": 1, "batch_size": 8}),
    ("two_outputs", 2, {"loss": {"kind": "categorical_crossentropy", "size": "mse"}, "loss_weights": {"kind": 1.0, "size": 0.3},
                        "metrics": {"kind": ["accuracy"], "size": ["mae"]}}, {"validation": True, "batch_size": 4}),
    ("two_outputs_short_batch", 2, {"loss": {"kind": "categorical_crossentropy", "size": "mse"}, "loss_weights": {"kind": 1.0, "size": 0.3},
                                    "metrics": {"size": ["mae"]}}, {"validation": True, "batch_size": 6}),
    ("masked", 0, {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}, {"validation": True}),
    ("masked_weights", 0, {"loss": "categorical_crossentropy", "weighted_metrics": ["accuracy"]},
     {"sample_weight": True, "validation": True}),
    ("ema", 1, {"loss": "categorical_crossentropy", "use_ema": True}, {"validation": True}),
]


def make_model(outputs):
    if outputs == 0:
        x = keras.Input((4, 2))
        return keras.Model(x, keras.layers.Dense(3, activation="softmax")(keras.layers.Masking()(x)))
    x = keras.Input((5,))
    h = keras.layers.Dense(6, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01))(x)
    y = [keras.layers.Dense(3, activation="softmax", name="kind")(h), keras.layers.Dense(1, name="size")(h)]
    return keras.Model(x, y[0] if outputs == 1 else y)


def case(f, note, outputs, compiled, fit):
    name = f.unique("fit", {}, note)
    draw = Draw(name)

    def data(n):
        if outputs == 0:
            x = draw.normal(n, 4, 2)
            x[draw.integers(0, 4, n, 4) == 0] = 0
            return [x, draw.one_hot(n * 4, 3).reshape(n, 4, 3), draw.normal(n, 1), draw.uniform(n, 4, low=0.2, high=2)]
        return [draw.normal(n, 5), draw.one_hot(n, 3), draw.normal(n, 1), draw.uniform(n, low=0.2, high=2)]

    train, test = data(20), data(8)
    model = make_model(outputs)
    weights = [draw.normal(*w.shape) * np.float32(0.5) for w in model.get_weights()]
    model.set_weights(weights)
    options = dict(compiled)
    ema = {"use_ema": options.pop("use_ema")} if "use_ema" in options else {}
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.5, **ema), **options)
    given = {k: v for k, v in fit.items() if k not in ("validation", "sample_weight")}
    if "class_weight" in given:
        given["class_weight"] = {int(k): v for k, v in given["class_weight"].items()}
    targets = lambda d: {"kind": d[1], "size": d[2]} if outputs == 2 else d[1]
    if fit.get("validation"):
        given["validation_data"] = (test[0], targets(test))
    if fit.get("sample_weight"):
        given["sample_weight"] = train[3]
    given.setdefault("batch_size", 6)
    history = model.fit(train[0], targets(train), epochs=4, shuffle=False, verbose=0, **given)
    f.finish(
        {
            "name": name,
            "target": "fit",
            "outputs": outputs,
            "compile": compiled,
            "fit": fit,
            "inputs": [f.put(name, f"i{i}", a) for i, a in enumerate(train + test)],
            "weights": [f.put(name, f"w{i}", w) for i, w in enumerate(weights)],
            "after": [f.put(name, f"a{i}", w) for i, w in enumerate(model.get_weights())],
            "history": {k: [float(v) for v in values] for k, values in history.history.items()},
        }
    )


def make():
    f = Family("fit", "fit_cases.py")
    for row in CASES:
        case(f, *row)
    return f
