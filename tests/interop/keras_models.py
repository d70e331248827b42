"""Whole models with recurrent, attention, masked, shared and nested parts, the same in Keras 3 and tf_keras 2 (the module `k`)."""


def lstm(k):
    L = k.layers
    m = k.Sequential([L.Input((6, 3)), L.LSTM(5, return_sequences=True), L.LSTM(4), L.Dense(2)])
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def gru_stack(k):
    L = k.layers
    x = k.Input((6, 3))
    h = L.Bidirectional(L.GRU(4, return_sequences=True))(x)
    h = L.Bidirectional(L.GRU(3, reset_after=False), merge_mode="sum")(h)
    m = k.Model(x, L.Dense(2, activation="softmax")(h))
    m.compile(k.optimizers.Adam(0.01), "categorical_crossentropy")
    return m


def masked_words(k):
    """Sequential: zeros are masked from the embedding on."""
    L = k.layers
    m = k.Sequential([k.Input((7,), dtype="int32"), L.Embedding(20, 5, mask_zero=True), L.LSTM(4, return_sequences=True),
                      L.Bidirectional(L.GRU(3)), L.Dense(2, activation="softmax")])
    m.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return m


def masked_functional(k):
    """Functional: Keras 3 writes the mask's NotEqual as a node of its own."""
    L = k.layers
    x = k.Input((7,), dtype="int32", name="words")
    h = L.Embedding(20, 5, mask_zero=True)(x)
    h = L.Bidirectional(L.LSTM(4, return_sequences=True))(h)
    h = L.GlobalAveragePooling1D()(h)
    m = k.Model(x, L.Dense(2)(h))
    m.compile(k.optimizers.SGD(0.1), k.losses.SparseCategoricalCrossentropy(from_logits=True))
    return m


def masking(k):
    L = k.layers
    x = k.Input((6, 3))
    h = L.Masking(0.5)(x)
    h = L.SimpleRNN(4, return_sequences=True)(h)
    h = L.TimeDistributed(L.Dense(3, activation="tanh"))(h)
    h, state = L.GRU(4, return_state=True)(h)
    m = k.Model(x, L.Dense(2)(L.Concatenate()([h, state])))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def states(k):
    """An encoder whose states start a decoder."""
    L = k.layers
    source, target = k.Input((5, 3), name="source"), k.Input((4, 2), name="target")
    _, h, c = L.LSTM(4, return_state=True, name="encoder")(source)
    y = L.LSTM(4, return_sequences=True, name="decoder")(target, initial_state=[h, c])
    m = k.Model([source, target], L.Dense(2)(y))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def cells(k):
    L = k.layers
    x = k.Input((5, 3))
    h = L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_sequences=True)(x)
    h = L.RNN(L.SimpleRNNCell(3))(h)
    m = k.Model(x, L.Dense(1)(h))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def attention(k):
    L = k.layers
    x = k.Input((5, 8))
    h = L.MultiHeadAttention(2, 4, name="attention")(x, x)
    h = L.LayerNormalization()(L.Add()([x, h]))
    m = k.Model(x, L.Dense(2)(L.GlobalAveragePooling1D()(h)))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def causal(k):
    L = k.layers
    x, y = k.Input((5, 8), name="x"), k.Input((6, 8), name="y")
    own = L.MultiHeadAttention(2, 4, value_dim=3)(x, x, use_causal_mask=True)
    h = L.LayerNormalization()(x + own)
    h = h + L.MultiHeadAttention(2, 4)(h, y, y)
    h = h + L.Dense(8)(L.Dense(16, activation="gelu")(h))
    m = k.Model([x, y], L.Dense(2)(L.Flatten()(h)))
    m.compile(k.optimizers.AdamW(0.01), "mse")
    return m


def masked_attention(k):
    L = k.layers
    x = k.Input((7,), dtype="int32")
    h = L.Embedding(20, 8, mask_zero=True)(x)
    h = L.MultiHeadAttention(2, 4)(h, h)
    m = k.Model(x, L.Dense(2)(L.GlobalAveragePooling1D()(h)))
    m.compile(k.optimizers.SGD(0.1), k.losses.SparseCategoricalCrossentropy(from_logits=True))
    return m


def dot_attention(k):
    L = k.layers
    q, v = k.Input((4, 6), name="q"), k.Input((5, 6), name="v")
    a = L.Attention(use_scale=True)([q, v])
    b = L.AdditiveAttention()([q, v])
    m = k.Model([q, v], L.Dense(2)(L.GlobalAveragePooling1D()(L.Concatenate()([a, b]))))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def siamese(k):
    """A whole model shared by two inputs, inside of another."""
    L = k.layers
    a = k.Input((6, 3))
    tower = k.Model(a, L.Dense(4, activation="tanh")(L.LSTM(5)(a)), name="tower")
    left, right = k.Input((6, 3), name="left"), k.Input((6, 3), name="right")
    u, v = tower(left), tower(right)
    both = L.Concatenate()([u, v, L.Multiply()([u, v]), L.Subtract()([u, v])])
    m = k.Model([left, right], L.Dense(1, activation="sigmoid")(both))
    m.compile(k.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return m


def sampled(k):
    """Parts of tensors by slices, and arithmetic with constants, as operators between layers."""
    L = k.layers
    x = k.Input((6, 4))
    first, rest = x[:, 0], x[:, 1:]
    h = L.Dense(4)(rest) * 0.5 + 1.0
    m = k.Model(x, L.Dense(2)(L.Concatenate()([first, L.GlobalMaxPooling1D()(h), -first])))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


ALL = (lstm, gru_stack, masked_words, masked_functional, masking, states, cells, attention, causal, masked_attention,
       dot_attention, siamese, sampled)
