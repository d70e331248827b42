"""Small files in HDF5 and .keras, of several versions and layouts, that h5py, Keras 3 and tf_keras 2 write: tests/golden/files."""
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy
import tf_keras

values = numpy.arange(30, dtype="float32").reshape(5, 6)


def contents(file):
    """The same in every layout: groups, types, attributes, chunks."""
    file.attrs["text"] = "häuser"
    file.attrs["names"] = numpy.array([b"one", b"two", b"three"])
    file["a/b/plain"] = values
    file["a/scalar"] = numpy.int64(7)
    file["a/big_endian"] = values.astype(">f8")
    file["a/half"] = values.astype("float16")
    file["a/bytes"] = numpy.arange(4, dtype="uint8")
    file["a/short"] = numpy.arange(-2, 2, dtype="int16")
    file["a/bool"] = numpy.array([True, False, True])
    file["a/empty"] = numpy.zeros((0, 3), "float32")
    file.create_dataset("chunks/plain", data=values, chunks=(2, 4))
    file.create_dataset("chunks/deflate", data=values, chunks=(2, 4), compression="gzip")
    file.create_dataset("chunks/shuffle", data=values, chunks=(3, 3), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset("chunks/one", data=values, chunks=(5, 6), compression="gzip")
    file["strings/variable"] = ["ä", "", "longer text"]
    file["strings/fixed"] = numpy.array([b"x", b"yy"])
    many = file.create_group("many")
    for i in range(40):
        many[f"entry_{i:02}"] = numpy.float32(i)
        many.attrs[f"attribute_{i:02}"] = f"value {i}"


def unusual(directory):
    for name, version in (("unwritten", "earliest"), ("unwritten_latest", "latest")):
        with h5py.File(directory / f"{name}.h5", "w", libver=version) as file:
            file.create_dataset("none", (5, 6), "float32", fillvalue=2.5)
            file.create_dataset("none_of_chunks", (5, 6), "int32", chunks=(2, 4), fillvalue=-7)
            file.create_dataset("zeros", (5, 6), "float32", chunks=(2, 4))
            file.create_dataset("part", (5, 6), ">f8", chunks=(2, 6), fillvalue=0.5)[:2] = values[:2]
    with h5py.File(directory / "cycles.h5", "w") as file:  # groups that hold each other
        for i in range(12):
            file.create_group(f"group_{i}")
        for outer in file.values():
            for i in range(12):
                outer[f"to_{i}"] = file[f"group_{i}"]
        file["group_3/values"] = values


def models(directory):
    for name, k, path in (("keras3", keras, "keras3.keras"), ("keras3", keras, "keras3.h5"), ("keras2", tf_keras, "keras2.h5")):
        k.utils.set_random_seed(1)
        x = k.Input((3,), name="x")
        y = k.layers.Dense(2, activation="relu", name="first")(x)
        model = k.Model(x, k.layers.Dense(1, name="last")(y), name="golden")
        model.compile(k.optimizers.Adam(0.01), "mse")
        data = numpy.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
        model.train_on_batch(data, data[:, :1])
        model.save(str(directory / path))
        numpy.save(directory / (path + ".outputs.npy"), model.predict_on_batch(data))
    model.save_weights(str(directory / "keras2_weights.h5"))


def saved_models(directory):
    """The same network as SavedModels of tf_keras 2 and Keras 3, and in ONNX."""
    import onnx

    data = numpy.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
    for k, name in ((tf_keras, "keras2_saved_model"), (keras, "keras3_export")):
        k.utils.set_random_seed(1)
        x = k.Input((3,), name="x")
        model = k.Model(x, k.layers.Dense(1, name="last")(k.layers.Dense(2, activation="relu", name="first")(x)), name="golden")
        if k is keras:
            model.export(str(directory / name), verbose=False)
        else:
            model.compile(k.optimizers.SGD(0.01), "mse")
            model.save(str(directory / name), save_format="tf")
        numpy.save(directory / (name + ".outputs.npy"), model.predict_on_batch(data))
    (w1, b1), (w2, b2) = [layer.get_weights() for layer in model.layers[1:]]
    tensor, helper = onnx.numpy_helper.from_array, onnx.helper
    nodes = [helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("Gemm", ["r", "w2", "b2"], ["y"])]
    value = lambda name, n: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", n])  # noqa: E731
    weights = [tensor(v, n) for v, n in ((w1, "w1"), (b1, "b1"), (w2, "w2"), (b2, "b2"))]
    graph = helper.make_graph(nodes, "golden", [value("x", 3)], [value("y", 1)], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), directory / "opset17.onnx")
    numpy.save(directory / "opset17.onnx.outputs.npy", model.predict_on_batch(data))


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for name, version in (("earliest", "earliest"), ("latest", "latest"), ("v108", ("v108", "v108"))):
        with h5py.File(directory / f"{name}.h5", "w", libver=version) as file:
            contents(file)
    with h5py.File(directory / "userblock.h5", "w", userblock_size=512) as file:
        file["plain"] = values
    unusual(directory)
    models(directory)
    saved_models(directory)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2] / "tests/golden/files"))
