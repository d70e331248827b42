"""Real TensorBoard serves what strata wrote: each dashboard's data through its own HTTP interface."""
import json
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
from tensorboard import program


@pytest.fixture(scope="module")
def logdir(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("board")
    best = json.loads(run_program("write_board", path))
    assert best == {"units": 32, "optimizer": "sgd"}
    return path


@pytest.fixture(scope="module")
def server(logdir):
    board = program.TensorBoard()
    board.configure(argv=[None, "--logdir", str(logdir), "--port", "0", "--load_fast", "false", "--reload_interval", "1"])
    url = board.launch()

    def get(route, decode=json.loads, **query):
        address = f"{url}data/{route}" + ("?" + urllib.parse.urlencode(query) if query else "")
        with urllib.request.urlopen(address, timeout=30) as response:
            return decode(response.read())

    deadline = time.time() + 60
    while len(get("runs")) < 8:
        assert time.time() < deadline, get("runs")
        time.sleep(0.3)
    time.sleep(1.5)
    return get


def test_runs(server):
    assert {"custom", "fit/train", "fit/validation", "hparams", "hparams/trial-000", "hparams/trial-003"} <= set(server("runs"))


# capability: 5.3
def test_scalars_of_the_callback(server):
    tags = server("plugin/scalars/tags")
    assert set(tags["fit/train"]) == {
        "epoch_loss", "epoch_accuracy", "epoch_learning_rate", "epoch_steps_per_second", "batch_loss", "batch_accuracy",
        "batch_steps_per_second"}
    assert set(tags["fit/validation"]) == {
        "epoch_loss", "epoch_accuracy", "evaluation_loss_vs_iterations", "evaluation_accuracy_vs_iterations"}
    rates = server("plugin/scalars/scalars", run="fit/train", tag="epoch_learning_rate")
    assert [r[1] for r in rates] == [0, 1] and rates[0][2] == pytest.approx(1e-3)
    batches = server("plugin/scalars/scalars", run="fit/train", tag="batch_loss")
    assert [b[1] for b in batches] == [1, 2, 3, 4, 5, 6]
    evaluations = server("plugin/scalars/scalars", run="fit/validation", tag="evaluation_loss_vs_iterations")
    assert [e[1] for e in evaluations] == [3, 6]


# capability: 5.4
def test_images(server):
    tags = server("plugin/images/tags")
    assert tags["custom"]["picture"]["samples"] == 2
    assert any(tag.endswith("/image") for tag in tags["fit/train"])
    entries = server("plugin/images/images", run="custom", tag="picture", sample=1)
    assert [e["step"] for e in entries] == [0, 1, 2]
    data = server(f"plugin/images/individualImage?{entries[0]['query']}", decode=lambda b: b)
    import io

    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(data)))
    want = (np.arange(120, dtype=np.float32) / 120 * 255.5).astype(np.uint8).reshape(2, 4, 5, 3)[1]
    np.testing.assert_array_equal(pixels, want)


def test_histograms_and_distributions(server):
    entries = server("plugin/histograms/histograms", run="custom", tag="weights")
    assert [e[1] for e in entries] == [0, 1, 2]
    buckets = np.asarray(entries[0][2])
    assert buckets.shape == (30, 3) and buckets[:, 2].sum() == 120 and buckets[0, 0] == 0
    counts, edges = np.histogram(np.arange(120) / 120, bins=30)
    np.testing.assert_allclose(buckets[:, 0], edges[:-1], atol=1e-7)
    assert np.abs(buckets[:, 2] - counts).max() <= 1  # values on an edge, in float32
    assert server("plugin/distributions/distributions", run="custom", tag="weights")
    assert any(tag.endswith("kernel/histogram") for tag in server("plugin/histograms/tags")["fit/train"])


def test_text(server):
    assert set(server("plugin/text/tags")["custom"]) == {"note", "lines"}
    assert "<strong>bold</strong>" in server("plugin/text/text", run="custom", tag="note")[0]["text"]
    assert "second" in server("plugin/text/text", run="custom", tag="lines")[0]["text"]


def test_pr_curves(server):
    curve = server("plugin/pr_curves/pr_curves", run="custom", tag="pr")["custom"][0]
    by_threshold = {round(t, 3): (tp, fp, tn, fn) for t, tp, fp, tn, fn in zip(
        curve["thresholds"], curve["true_positives"], curve["false_positives"], curve["true_negatives"],
        curve["false_negatives"])}
    assert by_threshold[0.0] == (2, 2, 0, 0)
    assert by_threshold[0.5] == (2, 0, 2, 0)
    assert by_threshold[0.8] == (1, 0, 2, 1)


# capability: 5.7
def test_graphs(server):
    info = server("plugin/graphs/info")
    assert info["custom"]["run_graph"] and info["custom"]["tags"]["keras"]["conceptual_graph"]
    assert info["fit/train"]["run_graph"] and info["fit/train"]["tags"]["keras"]["conceptual_graph"]
    ops = server("plugin/graphs/graph", decode=bytes.decode, run="custom", conceptual="false")
    assert "summary_histogram" in ops and "reduce_sum" in ops
    layers = server("plugin/graphs/graph", decode=bytes.decode, run="custom", tag="keras", conceptual="true")
    for name in ("block1/dense", "block1/relu", "block1/add", "block2/dense", "head"):
        assert f'name: "net/{name}"' in layers, layers
    assert 'input: "net/block1/relu"' in layers


# capability: 5.5
def test_hparams(server):
    request = urllib.parse.quote(json.dumps({"experimentName": "", "hparamsLimit": 0}))
    experiment = server(f"plugin/hparams/experiment?request={request}")
    infos = {h["name"]: h for h in experiment["hparamInfos"]}
    assert set(infos) == {"units", "optimizer"}
    assert [m["name"]["tag"] for m in experiment["metricInfos"]] == ["accuracy"]
    query = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS", "STATUS_UNKNOWN", "STATUS_RUNNING", "STATUS_FAILURE"],
             "colParams": [{"hparam": "units"}, {"hparam": "optimizer"},
                           {"metric": experiment["metricInfos"][0]["name"]}], "startIndex": 0, "sliceSize": 10}
    groups = server(f"plugin/hparams/session_groups?request={urllib.parse.quote(json.dumps(query))}")
    found = {(g["hparams"]["units"], g["hparams"]["optimizer"]): g["metricValues"][0]["value"]
             for g in groups["sessionGroups"]}
    assert found == {(16, "adam"): pytest.approx(0.16), (16, "sgd"): pytest.approx(1.16),
                     (32, "adam"): pytest.approx(0.32), (32, "sgd"): pytest.approx(1.32)}


# capability: 5.6
def test_projector(server):
    runs = server("plugin/projector/runs")
    assert "projector" in runs
    info = server("plugin/projector/info", run="projector")["embeddings"][0]
    assert info["tensorShape"] == [6, 3] and info["sprite"]["singleImageDim"] == [4, 4]
    tensor = server("plugin/projector/tensor", decode=lambda b: np.frombuffer(b, np.float32), run="projector", name="digits")
    np.testing.assert_allclose(tensor, np.arange(18) / 18, rtol=1e-6)
    metadata = server("plugin/projector/metadata", decode=bytes.decode, run="projector", name="digits")
    assert metadata.split() == list("abcdef")
    assert server("plugin/projector/sprite_image", decode=lambda b: b[:4], run="projector", name="digits") == b"\x89PNG"


def test_profile_of_steps(logdir):
    trace = json.loads((logdir / "fit" / "train" / "steps.trace.json").read_text())
    assert [e["name"] for e in trace["traceEvents"]] == ["train step 2", "train step 3"]
    assert all(e["dur"] > 0 for e in trace["traceEvents"])
