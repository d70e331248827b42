"""Recurrent layers, their wrappers and attention, with masks. A mask is an input of the case "layers.Masked": the test puts it on
the first inputs, as Masking would."""
import keras
import numpy as np

from common import Family
from layer_support import add

L = keras.layers


def mask_of(d, batch, steps, start=False):
    """Steps that count: a part of each row, everything of one, gaps, and one row that begins with masked steps."""
    mask = np.arange(steps)[None, :] < d.integers(1, steps + 1, batch)[:, None]
    mask[0] = True
    mask[1, 1:3] = False
    if start:
        mask[2, :2] = False
        mask[2, 2:] = True
    return mask


def masked(f, layer, config, inputs, masks=1, as_list=False, note="", **options):
    """A case whose last `masks` inputs are masks of the first ones."""
    def call(l, xs, **k):
        tensors, given = xs[:-masks], xs[-masks:]
        if as_list:
            return l(list(tensors), mask=list(given), **k)
        return l(*tensors[:1], mask=given[0], initial_state=list(tensors[1:]) or None, **k)

    full = {"layer": {"class_name": type(layer).__name__, "config": config}, "masks": masks}
    f.layer("layers.Masked", layer, inputs, full, note, False, call, **options)


def cells(f):
    for cls, states in (("SimpleRNNCell", 1), ("GRUCell", 1), ("LSTMCell", 2)):
        flat = lambda l, xs, **k: (lambda r: [r[0], *(r[1] if isinstance(r[1], (list, tuple)) else [r[1]])])(l(xs[0], list(xs[1:]), **k))
        inputs = lambda d: [d.normal(3, 4)] + [d.normal(3, 5) for _ in range(states)]
        add(f, cls, {"units": 5}, inputs, call=flat)
        add(f, cls, {"units": 5, "use_bias": False, "activation": "relu"}, inputs, call=flat)
    add(f, "GRUCell", {"units": 5, "reset_after": False}, lambda d: [d.normal(3, 4), d.normal(3, 5)],
        call=lambda l, xs, **k: (lambda r: [r[0], r[1][0]])(l(xs[0], [xs[1]], **k)))


def layers(f):
    x = lambda d: d.normal(3, 6, 4)
    for cls, states in (("SimpleRNN", 1), ("GRU", 1), ("LSTM", 2)):
        start = lambda d: [d.normal(3, 5) for _ in range(states)]
        call = lambda l, xs, **k: l(xs[0], initial_state=list(xs[1:]), **k)
        for config in ({}, {"return_sequences": True}, {"return_state": True, "return_sequences": True}, {"go_backwards": True, "return_sequences": True},
                       {"use_bias": False}, {"unroll": True, "return_sequences": True}, {"activation": "relu"}, {"return_state": True}):
            add(f, cls, {"units": 5, **config}, x)
        add(f, cls, {"units": 5, "return_sequences": True}, lambda d: [x(d), *start(d)], note="initial_state", call=call)
        add(f, cls, {"units": 37, "return_sequences": True}, lambda d: d.normal(9, 4, 7), note="larger")
        activity = {} if cls == "SimpleRNN" else {"activity_regularizer": "l2"}  # Keras 3.15 takes it there, but forgets it
        add(f, cls, {"units": 5, "kernel_regularizer": "l2", "recurrent_regularizer": "l1", **activity}, x)
        layer = getattr(L, cls)
        for config in ({}, {"return_sequences": True}, {"return_sequences": True, "return_state": True, "go_backwards": True}, {"return_sequences": True, "zero_output_for_mask": True},
                       {"return_sequences": True, "unroll": True}):
            config = {"units": 5, **config}
            masked(f, layer(**config), config, lambda d: [x(d), mask_of(d, 3, 6, start=True)])
            masked(f, layer(**config), config, lambda d: [x(d), *start(d), mask_of(d, 3, 6, start=True)], note="initial_state")
    for config in ({"reset_after": False}, {"reset_after": False, "return_sequences": True}, {"recurrent_activation": "hard_sigmoid", "activation": "softsign"}):
        add(f, "GRU", {"units": 5, **config}, x)
    masked(f, L.GRU(5, reset_after=False), {"units": 5, "reset_after": False}, lambda d: [x(d), mask_of(d, 3, 6)])
    for config in ({"recurrent_activation": "hard_sigmoid", "activation": "elu"}, {"activation": "gelu"}, {"unit_forget_bias": False}):
        add(f, "LSTM", {"units": 5, **config}, x)


def nested(f):
    x = lambda d: d.normal(3, 6, 4)

    def layer(cls, **config):
        return getattr(L, cls)(**config), {"class_name": cls, "config": config}

    def wrapped(cls, inner, inputs, keyword="layer", note="", **config):
        keras_layer, description = inner
        f.layer(f"layers.{cls}", getattr(L, cls)(**{keyword: keras_layer}, **config), inputs, {keyword: description, **config}, note)

    for cell, units in (("SimpleRNNCell", 5), ("GRUCell", 4), ("LSTMCell", 3)):
        wrapped("RNN", layer(cell, units=units), x, "cell", return_sequences=True, return_state=True)
    stacked = L.StackedRNNCells([L.LSTMCell(3), L.LSTMCell(5)])
    description = {"class_name": "StackedRNNCells", "config": {"cells": [{"class_name": "LSTMCell", "config": {"units": u}} for u in (3, 5)]}}
    f.layer("layers.RNN", L.RNN(stacked, return_sequences=True), x, {"cell": description, "return_sequences": True}, "stacked")
    for mode in ("concat", "sum", "mul", "ave", None):
        wrapped("Bidirectional", layer("LSTM", units=3, return_sequences=True), x, merge_mode=mode)
    wrapped("Bidirectional", layer("GRU", units=3), x)
    wrapped("Bidirectional", layer("GRU", units=3, return_state=True), x, merge_mode="sum")
    config = {"units": 3, "return_sequences": True}
    masked(f, L.Bidirectional(L.LSTM(**config)), {"layer": {"class_name": "LSTM", "config": config}}, lambda d: [x(d), mask_of(d, 3, 6, start=True)])
    wrapped("TimeDistributed", layer("Dense", units=3, activation="relu"), x)
    wrapped("TimeDistributed", layer("Conv2D", filters=2, kernel_size=2), lambda d: d.normal(2, 3, 4, 4, 2))
    norm = lambda: L.BatchNormalization(momentum=0.9)
    described = {"layer": {"class_name": "BatchNormalization", "config": {"momentum": 0.9}}}
    f.layer("layers.TimeDistributed", L.TimeDistributed(norm()), x, described, "norm", True)
    inner = {"class_name": "TimeDistributed", "config": described}
    steps = lambda d: [x(d), mask_of(d, 3, 6)]
    call = lambda l, xs, **k: l(xs[0], mask=xs[1], **k)
    f.layer("layers.Masked", L.TimeDistributed(norm()), steps, {"layer": inner, "masks": 1}, "norm", True, call)
    f.layer("layers.Masked", norm(), steps, {**described, "masks": 1}, "norm", True, call)
    f.layer("layers.Masked", L.BatchNormalization(axis=1), steps,
            {"layer": {"class_name": "BatchNormalization", "config": {"axis": 1}}, "masks": 1}, "norm", True, call)
    described = {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "LSTM", "config": {"units": 3}}}}
    f.layer("layers.Masked", L.TimeDistributed(L.LSTM(3)), lambda d: [d.normal(2, 3, 5, 4), mask_of(d, 6, 5).reshape(2, 3, 5)],
            {"layer": described, "masks": 1}, "inner_steps", False, call)
    add(f, "Masking", {"mask_value": 2.0}, lambda d: np.where(d.integers(0, 2, 3, 5, 1) > 0, d.normal(3, 5, 2), 2.0).astype(np.float32))


def attention(f):
    two = lambda d: [d.normal(2, 4, 5), d.normal(2, 6, 5)]
    three = lambda d: [d.normal(2, 4, 5), d.normal(2, 6, 3), d.normal(2, 6, 5)]
    for cls in ("Attention", "AdditiveAttention"):
        for config in ({}, {"use_scale": True}, {"use_scale": False}):
            add(f, cls, config, two)
        add(f, cls, {}, three, note="key")
        masked(f, getattr(L, cls)(), {}, lambda d: [*two(d), mask_of(d, 2, 4), mask_of(d, 2, 6)], 2, True)
        add(f, cls, {"use_causal_mask": True}, two, call=lambda l, xs, **k: l(xs, use_causal_mask=True, **k), keras_config={})
        add(f, cls, {"return_attention_scores": True}, two, call=lambda l, xs, **k: l(xs, return_attention_scores=True, **k), keras_config={})
    for config in ({"score_mode": "concat"}, {"score_mode": "concat", "use_scale": True}):
        add(f, "Attention", config, two)
    for config in ({"equation": "abc,cd->abd", "output_shape": [None, 3], "bias_axes": "d"}, {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y", "activation": "relu"},
                   {"equation": "abc,bcd->ad", "output_shape": 6}):
        add(f, "EinsumDense", config, lambda d: d.normal(2, 4, 5))
    spread = lambda l, xs, **k: l(*xs, **k)
    heads = {"num_heads": 2, "key_dim": 3}
    for config in ({}, {"value_dim": 4}, {"use_bias": False}, {"output_shape": [7]}):
        add(f, "MultiHeadAttention", {**heads, **config}, two, call=spread)
    add(f, "MultiHeadAttention", heads, three, call=spread, note="key")
    add(f, "MultiHeadAttention", {**heads, "use_causal_mask": True}, lambda d: [d.normal(2, 4, 5)] * 2, call=lambda l, xs, **k: l(*xs, use_causal_mask=True, **k), keras_config=heads)
    add(f, "MultiHeadAttention", {**heads, "return_attention_scores": True}, two, call=lambda l, xs, **k: l(*xs, return_attention_scores=True, **k), keras_config=heads)
    add(f, "MultiHeadAttention", {**heads, "attention_axes": [1, 2]}, lambda d: [d.normal(2, 2, 3, 5), d.normal(2, 3, 2, 5)], call=spread)


def make():
    f = Family("layers_rnn", "layers_rnn_cases.py")
    cells(f)
    layers(f)
    nested(f)
    attention(f)
    return f
