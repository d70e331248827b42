"""TensorBoard's own reader on event files that strata wrote."""
import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, TENSORS
from tensorboard.util import tensor_util


@pytest.fixture(scope="module")
def logdir(run_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("logs")
    run_program("write_events", path)
    return path


def curves(directory):
    """{tag: [(step, value)]}, whether the values are kept as simple values or as tensors."""
    accumulator = EventAccumulator(str(directory), size_guidance={TENSORS: 0, "scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    out = {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in tags["scalars"]}
    for tag in tags["tensors"]:
        out[tag] = [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in accumulator.Tensors(tag)]
    return out


# capability: 5.2
def test_scalars_of_a_traced_program(logdir):
    train = curves(logdir / "train")
    assert set(train) == {"loss", "accuracy"}
    assert [step for step, _ in train["loss"]] == list(range(10))
    assert [value for _, value in train["loss"]] == pytest.approx([1 / (i + 1) for i in range(10)])
    assert [value for _, value in train["accuracy"]] == pytest.approx([i / 10 for i in range(10)])


def test_wide_steps_and_values_that_are_not_numbers(logdir):
    test = curves(logdir / "test")
    assert set(test) == {"val loss"}
    assert [step for step, _ in test["val loss"]] == [2**40 + i for i in range(5)]
    values = [value for _, value in test["val loss"]]
    assert values[:4] == pytest.approx([0, 0.25, 0.5, 0.75])
    assert math.isnan(values[4])


def test_tags_are_scalars_for_tensorboard(logdir):
    """The scalars plugin claims the tags, so that they show up under Scalars."""
    accumulator = EventAccumulator(str(logdir / "train"))
    accumulator.Reload()
    tags = accumulator.Tags()
    claimed = set(tags["scalars"])
    for tag in tags["tensors"]:
        if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            claimed.add(tag)
    assert claimed == {"loss", "accuracy"}


def test_files_begin_with_a_version(logdir):
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    files = list((logdir / "train").glob("events.out.tfevents.*"))
    assert len(files) == 1
    events = list(LegacyEventFileLoader(str(files[0])).Load())
    assert events[0].file_version == "brain.Event:2"
    assert len(events) == 21
