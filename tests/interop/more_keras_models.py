"""Whole models of further kinds, the same in Keras 3 and tf_keras 2 (the module `k`): volumes, causal and dilated
convolutions, encoders with skips, transformers, several losses, constraints, preprocessing, functions of two meanings."""
import keras


def masked_bidirectional(k):
    L = k.layers
    x = k.Input((7,), dtype="int32")
    h = L.Embedding(20, 6, mask_zero=True)(x)
    h = L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode="ave")(h)
    h = L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3, go_backwards=True))(h)
    m = k.Model(x, L.Dense(3, activation="softmax")(h))
    m.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return m


def nested_in_sequential(k):
    """A functional model with a layer that is used twice, in a Sequential that is a layer of another."""
    L = k.layers
    a = k.Input((6,))
    twice = L.Dense(6, activation="relu", name="twice")
    block = k.Model(a, L.Add()([twice(twice(a)), a]), name="block")
    body = k.Sequential([L.Input((6,)), block, L.Dropout(0.0), L.Dense(4)], name="body")
    m = k.Sequential([L.Input((6,)), body, L.ReLU(max_value=6.0, negative_slope=0.1), L.Dense(2)])
    m.compile(k.optimizers.Adam(0.01), "mse")
    return m


def separable_residual(k):
    L = k.layers
    x = k.Input((8, 8, 3))
    h = L.SeparableConv2D(6, 3, padding="same", depth_multiplier=2, activation="relu")(x)
    r = L.BatchNormalization(momentum=0.9)(L.DepthwiseConv2D(3, padding="same", use_bias=False)(h))
    h = L.Add()([h, L.SpatialDropout2D(0.0)(r)])
    h = L.SeparableConv2D(4, (3, 1), strides=2, depthwise_regularizer="l2")(L.LeakyReLU()(h))
    m = k.Model(x, L.Dense(3, activation="softmax")(L.GlobalMaxPooling2D()(h)))
    m.compile(k.optimizers.RMSprop(0.003, momentum=0.5, centered=True), "categorical_crossentropy")
    return m


def causal_convolutions(k):
    L = k.layers
    x = k.Input((16, 3))
    h = x
    for rate in (1, 2, 4):
        h = L.Conv1D(5, 3, padding="causal", dilation_rate=rate, activation="selu", kernel_initializer="lecun_normal")(h)
    h = L.Concatenate()([L.MaxPooling1D(2)(h), L.AveragePooling1D(2)(h), L.SeparableConv1D(4, 3, strides=2, padding="same")(h)])
    h = L.Conv1DTranspose(3, 4, strides=2, padding="same")(h)
    m = k.Model(x, L.Dense(1)(L.Cropping1D((1, 2))(L.ZeroPadding1D(1)(L.UpSampling1D(1)(h)))))
    m.compile(k.optimizers.Adagrad(0.05), "mae")
    return m


def volumes(k):
    L = k.layers
    x = k.Input((6, 6, 6, 2))
    h = L.MaxPooling3D(2)(L.Conv3D(4, 3, padding="same", activation="relu")(x))
    h = L.Conv3DTranspose(3, 2, strides=2)(h)
    h = L.AveragePooling3D(2)(L.Cropping3D(1)(L.ZeroPadding3D(1)(h)))
    m = k.Model(x, L.Dense(2)(L.GlobalAveragePooling3D()(L.UpSampling3D(2)(h))))
    m.compile(k.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "mse")
    return m


def transformer_block(k):
    L = k.layers
    words = k.Input((7,), dtype="int32")
    h = L.Embedding(20, 8)(words)
    for i in range(2):
        a = L.MultiHeadAttention(2, 4, dropout=0.0, name=f"attention_{i}")(h, h, h)
        h = L.LayerNormalization(epsilon=1e-6)(L.Add()([h, a]))
        f = L.Dense(8)(L.Dense(16, activation="gelu")(h))
        h = L.LayerNormalization(epsilon=1e-6)(L.Add()([h, L.Dropout(0.0)(f)]))
    m = k.Model(words, L.Dense(4, activation="softmax")(L.GlobalAveragePooling1D()(h)))
    m.compile(k.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    return m


def video(k):
    """A network of pictures for each step of time."""
    L = k.layers
    frame = k.Sequential([L.Input((8, 8, 1)), L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dense(5)], name="frame")
    x = k.Input((4, 8, 8, 1))
    h = L.TimeDistributed(frame)(x)
    h = L.TimeDistributed(L.LayerNormalization())(h)
    h = L.LSTM(4, dropout=0.0, recurrent_activation="sigmoid", unit_forget_bias=False)(h)
    m = k.Model(x, L.Dense(2, activation="softmax")(h))
    # 1e2 is what people write, and 100.0 what the file says.
    m.compile(k.optimizers.Adam(k.optimizers.schedules.CosineDecay(0.01, 1e2), amsgrad=True), "categorical_crossentropy")
    return m


def unet(k):
    L = k.layers
    x = k.Input((12, 12, 1))
    conv = lambda h, n: L.ReLU()(L.BatchNormalization()(L.Conv2D(n, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(h)))  # noqa: E731
    first = conv(x, 4)
    second = conv(L.MaxPooling2D()(first), 6)
    bottom = L.Conv2D(8, 3, dilation_rate=2, padding="same", activation="elu")(L.MaxPooling2D()(second))
    up = L.Conv2DTranspose(6, 2, strides=2)(bottom)
    up = conv(L.Concatenate(axis=-1)([up, second]), 6)
    up = L.UpSampling2D(2, interpolation="bilinear")(up)
    up = L.Concatenate()([L.Cropping2D(((1, 1), (1, 1)))(up), L.Cropping2D(1)(first)])
    m = k.Model(x, L.Conv2D(1, 1, activation="sigmoid")(up))
    m.compile(k.optimizers.Adam(0.003, clipvalue=0.5), k.losses.BinaryCrossentropy(label_smoothing=0.1))
    return m


def several_losses(k):
    L = k.layers
    x = k.Input((10,), name="measured")
    h = L.Dense(12, activation="tanh", kernel_initializer="orthogonal", bias_initializer=k.initializers.Constant(0.1))(x)
    kind = L.Dense(3, name="kind")(h)
    size = L.Dense(1, activation="softplus", name="size")(h)
    place = L.Dense(2, name="place")(h)
    m = k.Model(x, {"kind": kind, "size": size, "place": place} if k is keras else [kind, size, place])
    schedule = k.optimizers.schedules.PiecewiseConstantDecay([5, 9], [0.05, 0.02, 0.01])
    m.compile(k.optimizers.SGD(schedule, momentum=0.9, clipnorm=1.0),
              loss={"kind": k.losses.CategoricalCrossentropy(from_logits=True), "size": k.losses.Huber(), "place": "mse"},
              loss_weights={"kind": 1.0, "size": 0.3, "place": 0.2}, metrics={"kind": ["accuracy"], "size": ["mae"]})
    return m


def constrained(k):
    L = k.layers
    x = k.Input((6, 6, 4))
    h = L.Conv2D(8, 3, kernel_constraint=k.constraints.MaxNorm(1.0, axis=[0, 1, 2]), bias_regularizer=k.regularizers.L1(0.01),
                 kernel_regularizer=k.regularizers.L1L2(0.001, 0.002))(x)
    h = L.GroupNormalization(4, epsilon=1e-4)(h)
    h = L.PReLU(shared_axes=[1, 2])(h)
    h = L.Dense(6, kernel_constraint="non_neg", activity_regularizer=k.regularizers.L2(0.01))(L.Flatten()(h))
    h = L.UnitNormalization()(L.ThresholdedReLU(0.1)(h) if k is not keras else L.ReLU(threshold=0.1)(h))
    m = k.Model(x, L.Dense(2, kernel_constraint=k.constraints.UnitNorm(axis=0))(h))
    m.compile(k.optimizers.Adamax(0.01), "mse")
    return m


def prepared(k):
    L = k.layers
    x = k.Input((5,), name="numbers")
    image = k.Input((6, 6, 3), name="image")
    h = L.Normalization(mean=[0.0, 1.0, 2.0, 0.5, 0.0], variance=[1.0, 4.0, 2.0, 1.0, 0.25])(x)
    i = L.Rescaling(1 / 3.0, offset=-0.5)(L.CenterCrop(4, 4)(L.Resizing(5, 5)(image)))
    m = k.Model([x, image], L.Dense(2)(L.Concatenate()([h, L.Flatten()(i)])))
    m.compile(k.optimizers.SGD(0.01), "mse")
    return m


def gates(k):
    """Keras 2 and 3 mean different functions by hard_sigmoid."""
    L = k.layers
    x = k.Input((6, 4))
    h = L.LSTM(5, recurrent_activation="hard_sigmoid", return_sequences=True)(x)
    h = L.GRU(4, recurrent_activation="hard_sigmoid")(h)
    h = L.Activation("hard_sigmoid")(L.Dense(6, activation="hard_sigmoid")(h * 3.0))
    m = k.Model(x, L.Dense(2)(h))
    m.compile(k.optimizers.SGD(0.05), "mse")
    return m


def renormalized(k):
    """What Keras 3 alone has."""
    L = k.layers
    x = k.Input((5,))
    h = L.BatchNormalization(renorm=True, renorm_clipping={"rmax": 2.0}, momentum=0.5)(L.Dense(6)(x))
    bins = L.Discretization([-1.0, 0.0, 1.0], output_mode="count")(x)
    h = L.Rescaling([1.0, 2.0, 0.5, 3.0], offset=[0.0, 0.1, 0.2, -0.3])(L.Dense(4)(L.Concatenate()([h, bins])))
    m = k.Model(x, L.Dense(2)(L.AlphaDropout(0.0, noise_shape=(None, 1))(h)))
    m.compile(k.optimizers.SGD(0.01), "mse")
    return m


# The copies of `gates` are read by the Keras alone that wrote the model.
ALL = (masked_bidirectional, nested_in_sequential, separable_residual, causal_convolutions, volumes, transformer_block, video, unet,
       several_losses, constrained, prepared)
