"""ONNX files of strata: valid by ONNX's checker, equal in ONNX Runtime, any batch size; read by
strata again (in the program that writes them)."""
import numpy as np
import onnx
import onnxruntime
import pytest

from exchange import MODELS, arrays, close


@pytest.fixture(scope="module")
def directory(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx")
    run_program("write_onnx", path)
    return path


# capability: 6.10
@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_agrees(directory, name):
    path = str(directory / f"{name}.onnx")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version >= 17
    assert model.producer_name == "strata"
    inputs, outputs = arrays(directory, name)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert all(i.shape[0] == "batch" for i in session.get_inputs())
    feeds = {i.name: x for i, x in zip(session.get_inputs(), inputs)}
    for got, want in zip(session.run(None, feeds), outputs):
        close(got, want)
    # Another size of the batch.
    one = {k: v[:1] for k, v in feeds.items()}
    for got, want in zip(session.run(None, one), outputs):
        close(got, want[:1])


def test_names_say_where_nodes_come_from(directory):
    model = onnx.load(directory / "mini_inception.onnx")
    assert "conv_block/conv/Conv" in {n.name for n in model.graph.node}
    assert "inception_block1/conv2/bn/gamma" in {t.name for t in model.graph.initializer}
    session = onnxruntime.InferenceSession(str(directory / "branches.onnx"))
    assert [i.name for i in session.get_inputs()] == ["left", "right"]
    assert [o.name for o in session.get_outputs()] == ["kind", "size"]


def test_images_are_transposed_at_both_ends_alone(directory):
    count = lambda name: sum(n.op_type == "Transpose" for n in onnx.load(directory / f"{name}.onnx").graph.node)
    assert count("small_cnn") == 1
    assert count("nested_residual") == 4  # two are on either side of its gate, a product over the channels
    assert count("autoencoder") == 4  # its crop is a slice of images that are channels last
    assert count("mini_inception") == 2


@pytest.mark.parametrize("name,kind,tolerance", [
    ("mixed_float16", onnx.TensorProto.FLOAT16, 5e-3),
    ("mixed_bfloat16", onnx.TensorProto.BFLOAT16, 3e-2),
])
def test_mixed_models(directory, name, kind, tolerance):
    path = directory / f"{name}.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert kind in {t.data_type for t in model.graph.initializer}
    inputs, outputs = arrays(directory, name)
    if kind == onnx.TensorProto.FLOAT16:
        session = onnxruntime.InferenceSession(str(path))
        got = session.run(None, {session.get_inputs()[0].name: inputs[0]})[0]
    else:  # ONNX Runtime's CPU kernels have no bfloat16
        from onnx.reference import ReferenceEvaluator

        got = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: inputs[0]})[0]
    close(np.asarray(got, dtype=np.float32), outputs[0], tolerance)


# capability: 8.12
@pytest.mark.parametrize("name,axes", [("quantized", 3), ("quantized_whole", 0)])
def test_quantized_models_are_pairs_of_quantize_and_dequantize(directory, name, axes):
    path = str(directory / f"{name}.onnx")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    nodes = model.graph.node
    count = lambda op: sum(n.op_type == op for n in nodes)
    # The inputs of four layers; the kernels of three and of the depthwise one, which is whole always.
    assert count("QuantizeLinear") == 4
    assert count("DequantizeLinear") == 4 + 3 + 1
    int8 = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8]
    assert {len(t.dims) for t in int8} == {2, 4}
    assert sum(any(a.name == "axis" for a in n.attribute) for n in nodes if n.op_type == "DequantizeLinear") == axes
    stored = np.load(directory / f"{name}.npz")
    settings = onnxruntime.SessionOptions()
    # As it is written, node by node, it computes what fake quantization does.
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    feed = {plain.get_inputs()[0].name: stored["in0"]}
    close(plain.run(None, feed)[0], stored["out0"], 2e-3)
    assert np.abs(stored["out0"] - stored["exact"]).max() > 1e-5
    # With 8-bit kernels it rounds elsewhere, too.
    fast = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    close(fast.run(None, feed)[0], stored["out0"], 2e-2)


class Calibration:
    """What ONNX Runtime's quantizer measures ranges with."""

    def __init__(self, name, samples):
        self.rows = iter([{name: s[None]} for s in samples])

    def get_next(self):
        return next(self.rows, None)


# capability: 8.12
@pytest.mark.parametrize("activations", ["QUInt8", "QInt8"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_strata_reads_what_onnx_runtime_quantizes(directory, run_program, tmp_path, activations, per_channel):
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    source, path = str(directory / "small_cnn.onnx"), str(tmp_path / "quantized.onnx")
    inputs, outputs = arrays(directory, "small_cnn")
    name = onnx.load(source).graph.input[0].name
    quantize_static(source, path, Calibration(name, inputs[0]), quant_format=QuantFormat.QDQ, per_channel=per_channel,
                    activation_type=QuantType[activations], weight_type=QuantType.QInt8)
    assert any(t.data_type == onnx.TensorProto.INT32 for t in onnx.load(path).graph.initializer)  # biases
    np.savez(path + ".npz", in0=inputs[0])
    run_program("run_onnx", path)
    got = np.load(path + ".strata.npz")["out0"]
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    close(got, session.run(None, {name: inputs[0]})[0], 2e-3)
    assert np.abs(got - outputs[0]).max() > 1e-5


def test_integers_between_the_two_are_read(run_program, tmp_path):
    """Ops on integers between QuantizeLinear and DequantizeLinear, and grids along an axis."""
    from onnx import helper as h

    path = str(tmp_path / "between.onnx")
    scales = h.make_tensor("s", onnx.TensorProto.FLOAT, [3], [0.5, 0.25, 0.1])
    zeros = h.make_tensor("z", onnx.TensorProto.INT8, [3], [-3, 0, 7])
    graph = h.make_graph(
        [h.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=1), h.make_node("Transpose", ["q"], ["t"], perm=[1, 0]),
         h.make_node("DequantizeLinear", ["t", "s", "z"], ["y"], axis=0)], "between",
        [h.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 3])],
        [h.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [3, "batch"])], [scales, zeros])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=8), path)
    x = np.random.default_rng(1).normal(size=(5, 3)).astype("float32") * 40
    np.savez(path + ".npz", in0=x)
    run_program("run_onnx", path)
    close(np.load(path + ".strata.npz")["out0"], onnxruntime.InferenceSession(path).run(None, {"x": x})[0])


# capability: 6.10
def test_weights_in_a_second_file(directory, run_program, tmp_path):
    """Of strata in ONNX Runtime, and of the onnx package in strata."""
    path = str(directory / "outside.onnx")
    assert (directory / "outside.onnx.data").stat().st_size > 0
    onnx.checker.check_model(path, full_check=True)
    inputs, outputs = arrays(directory, "outside")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    close(session.run(None, {name: inputs[0]})[0], outputs[0])

    for one_file in (True, False):
        folder = tmp_path / str(one_file)
        folder.mkdir()
        theirs = str(folder / "theirs.onnx")
        onnx.save(onnx.load(path), theirs, save_as_external_data=True, all_tensors_to_one_file=one_file, location="weights" if one_file else None,
                  size_threshold=16)
        assert len(list(folder.iterdir())) == 2 if one_file else len(list(folder.iterdir())) > 4
        np.savez(theirs + ".npz", in0=inputs[0])
        run_program("run_onnx", theirs)
        close(np.load(theirs + ".strata.npz")["out0"], outputs[0])
