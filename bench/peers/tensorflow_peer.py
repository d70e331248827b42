"""TensorFlow's and Keras's works: peers/tensorflow_peer.py WORK [NAME=VALUE]... (see worker.py)."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import keras_networks  # noqa: E402
import tensorflow as tf  # noqa: E402
import worker  # noqa: E402

threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
keras.utils.set_random_seed(1)


def make_network(options):
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if options.get("dtype") == "bf16" else "float32")
    return keras_networks.NETWORKS[options.get("network", "inception")]()


def train_step(model):
    optimizer, loss_fn = keras.optimizers.Adam(), keras.losses.CategoricalCrossentropy()
    accuracy = keras.metrics.CategoricalAccuracy()
    optimizer.build(model.trainable_variables)

    def run(x, y):
        with tf.GradientTape() as tape:
            probabilities = model(x, training=True)
            loss = loss_fn(y, probabilities)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        accuracy.update_state(y, probabilities)
        return loss

    return run


def compiled(model):
    # Without XLA, which is slower on the processors tried.
    model.compile(keras.optimizers.Adam(), "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def step(options):
    model, size = make_network(options), int(options.get("batch", 64))
    x, y = map(tf.constant, keras_networks.make_batch(model, size))
    run = train_step(model)
    if options.get("mode") != "eager":
        run = tf.function(run)
    return lambda: run(x, y).numpy()


def loop(options):
    model, size, steps = make_network(options), int(options.get("batch", 64)), int(options.get("steps", 10))
    x, y = keras_networks.make_batch(model, size * steps)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(size * steps).batch(size).prefetch(2)
    if options.get("mode", "fit") == "fit":
        compiled(model)
        return lambda: model.fit(dataset, verbose=0)
    run = tf.function(train_step(model))

    def epoch():
        for bx, by in dataset:
            run(bx, by)

    return epoch


def inference(options):
    model, size = make_network(options), int(options.get("batch", 64))
    x = tf.constant(keras_networks.make_batch(model, size)[0])
    mode = options.get("mode", "predict")
    if mode == "predict":
        return lambda: model.predict(x, batch_size=size, verbose=0)
    if mode == "call":
        return lambda: model(x, training=False).numpy()
    run = tf.function(lambda t: model(t, training=False))
    return lambda: run(x).numpy()


def pipeline(options):
    dataset = tf.data.Dataset.from_tensor_slices((tf.zeros((60000, 28, 28, 3)), tf.zeros((60000, 10))))
    dataset = dataset.shuffle(60000).batch(128)

    def run():
        for _ in dataset:
            pass

    return run


def augmentation(options):
    size = int(options.get("batch", 256))
    images = tf.random.uniform((size, 32, 32, 3), maxval=255)
    layers = keras.Sequential([
        keras.layers.RandomFlip("horizontal"), keras.layers.RandomTranslation(0.1, 0.1),
        keras.layers.RandomRotation(0.05), keras.layers.RandomZoom(0.1), keras.layers.RandomContrast((0.2, 0.2))])
    mode = options.get("mode", "layers")
    if mode == "layers":
        return lambda: layers(images, training=True).numpy()
    run = tf.function(lambda x: layers(x, training=True))
    if mode == "function":
        return lambda: run(images).numpy()
    dataset = tf.data.Dataset.from_tensors(images).repeat(4)
    dataset = dataset.map(lambda x: layers(x, training=True), num_parallel_calls=2)

    def epoch():
        for _ in dataset:
            pass

    return epoch


def start(options):
    dataset = tf.data.Dataset.from_tensor_slices((tf.zeros((1000, 32, 32, 3)), tf.zeros(1000)))
    next(iter(dataset.shuffle(1000).batch(64)))
    return lambda: None


worker.serve({"step": step, "loop": loop, "inference": inference, "pipeline": pipeline, "augmentation": augmentation,
              "start": start})
