"""`net` of one program in another that does not contain the class, and in TensorFlow: evaluated and trained on."""
import numpy
import pytest
import tensorflow as tf


@pytest.fixture(scope="module")
def net(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("net")
    return path, [float(v) for v in run_program("write_net", path).split()]


def test_a_program_without_the_class_goes_on(net, run_program):
    path, wanted = net
    assert [float(v) for v in run_program("use_net", path).split()] == pytest.approx(wanted, abs=1e-5)


def test_tensorflow_goes_on(net):
    path, wanted = net
    model = tf.saved_model.load(str(path / "net"))
    data = numpy.load(path / "data.npz")
    x, y = tf.constant(data["x"]), tf.constant(data["y"])

    def loss_of(training):
        return tf.reduce_mean(tf.keras.losses.categorical_crossentropy(y, model(x, training=training)))

    assert float(loss_of(False)) == pytest.approx(wanted[0], abs=1e-5)
    losses = []
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = loss_of(True)
        for g, v in zip(tape.gradient(loss, list(model.trainable_variables)), model.trainable_variables):
            v.assign_sub(0.1 * g)
        losses.append(float(loss))
    assert losses == pytest.approx(wanted[2:], abs=1e-3)
