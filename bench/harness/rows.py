"""What is timed: each row is one piece of work, done by strata and by peers in turn."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Variant:
    """One way to do a row's work: a peer's process (or strata's), with the options it gets."""
    peer: str
    label: str = ""
    work: str = "step"
    options: dict = field(default_factory=dict)
    threads: int = 2
    items: int = 0  # the row's, unless it is set here

    @property
    def name(self):
        return f"{self.peer} {self.label}".strip()


@dataclass(frozen=True)
class Row:
    """`items`: images (or samples) of one run, for a rate; 0 where the time itself is the result.

    `measure`: "time" (a run, after a warm-up), "first" (the first run of a new process), "start" (a new process until it
    is ready), "peak" (its largest memory after three runs), "compile", "size".
    `target`: strata's result is to be `factor` times the best of `against` or better (rates: at least; times, memory and
    sizes: at most), or within `bound` (seconds, images/s, MB) by itself.
    """
    name: str
    title: str
    variants: tuple
    measure: str = "time"
    items: int = 0
    against: tuple = ()
    factor: float = 0
    bound: float = 0
    seconds: float = 0.5
    warm_up: float = 0.5


def strata(label="", work="step", **options):
    return Variant("strata", label, work, options)


def torch(label="", work="step", **options):
    return Variant("PyTorch", label, work, options)


def tensorflow(label="", work="step", **options):
    return Variant("TensorFlow", label, work, options)


def training_rows():
    inception = {"batch": 64}
    yield Row("inception_step_f32", "MiniInception step, f32, batch 64", (
        strata("function", **inception), torch("NCHW", **inception),
        torch("channels_last", layout="channels_last", **inception),
        tensorflow("tf.function", **inception), tensorflow("fit", "loop", mode="fit", steps=4, **inception)),
        items=64, against=("PyTorch",), factor=1.9)
    bf16 = {"batch": 64, "dtype": "bf16"}
    yield Row("inception_step_bf16", "MiniInception step, bf16 mixed, batch 64", (
        strata("function", **bf16), torch("NCHW", **bf16), torch("channels_last", layout="channels_last", **bf16),
        tensorflow("tf.function", **bf16)), items=64, against=("PyTorch",), factor=1.45)
    yield Row("first_step", "first MiniInception step: tracing and compiling", (
        strata("kernel choices on disk", **inception),
        strata("nothing on disk", kernel_cache="none", **inception),
        torch("channels_last", layout="channels_last", **inception), tensorflow("tf.function", **inception)),
        measure="first", bound=0.5)
    mlp = {"network": "mlp", "batch": 32}
    yield Row("mlp_step", "MLP step 784-128-10, batch 32, compiled", (
        strata("function", **mlp), torch("", **mlp), tensorflow("tf.function", **mlp)), bound=60e-6)
    yield Row("mlp_step_eager", "MLP step 784-128-10, batch 32, eager", (
        strata("eager", mode="eager", **mlp), torch("", **mlp), tensorflow("eager", mode="eager", **mlp)), bound=200e-6)
    epoch = {"network": "mnist", "batch": 128, "steps": 469}
    yield Row("mnist_epoch", "MNIST network, one epoch of 60,000 images, batch 128", (
        strata("fit", "loop", mode="fit", **epoch), torch("", "loop", **epoch),
        tensorflow("fit", "loop", mode="fit", **epoch), tensorflow("custom loop", "loop", mode="loop", **epoch)),
        bound=1.0, warm_up=0)
    for network, title in (("residual", "residual network"), ("depthwise", "depthwise network"),
                           ("dense", "densely connected network")):
        options = {"network": network, "batch": 64}
        yield Row(f"{network}_step", f"{title} step, f32, batch 64", (
            strata("function", **options), torch("NCHW", **options),
            torch("channels_last", layout="channels_last", **options)), items=64, against=("PyTorch",), factor=1.0)
        options = options | {"dtype": "bf16"}
        yield Row(f"{network}_step_bf16", f"{title} step, bf16 mixed, batch 64", (
            strata("function", **options), torch("channels_last", layout="channels_last", **options)),
            items=64, against=("PyTorch",), factor=1.0)
    options = {"network": "lstm", "batch": 64}
    yield Row("lstm_step", "LSTM step, 64 x 50 words, 128 units", (strata("function", **options), torch("", **options)),
              items=64, against=("PyTorch",), factor=1.0)
    yield Row("lstm_inference", "LSTM forward, 64 x 50 words, 128 units", (
        strata("predict", "inference", mode="predict", **options), strata("function", "inference", mode="function", **options),
        torch("", "inference", **options)), against=("PyTorch",), factor=1.0)


def inference_rows():
    for dtype, factor, short in (("f32", 1.5, 0.7), ("bf16", 1.15, 0.7)):
        for batch, name in ((64, "inference"), (1, "latency")):
            options = {"batch": batch, "dtype": dtype}
            onnx = options | {"model": "inception"}
            peers = [torch("eval", "inference", layout="channels_last", **options)]
            if dtype == "f32":
                peers += [torch("frozen", "inference", mode="frozen", **options),
                          tensorflow("tf.function", "inference", mode="function", **options),
                          Variant("ONNX Runtime", "", "inference", onnx)]
            peers.append(Variant("OpenVINO", "", "inference", onnx))
            own = [strata(mode, "inference", mode=mode, **options) for mode in ("predict", "function", "frozen")]
            title = "inference, batch 64" if batch > 1 else "latency, one image"
            yield Row(f"{name}_{dtype}", f"MiniInception {title}, {dtype}", (*own, *peers), items=64 if batch > 1 else 0,
                      against=("OpenVINO",), factor=factor if batch > 1 else short)


def int8_rows():
    options = {"batch": 64}
    onnx = options | {"model": "inception int8"}
    yield Row("inference_int8", "MiniInception inference, batch 64, int8", (
        strata("int8", "inference", mode="int8", **options), strata("frozen f32", "inference", mode="frozen", **options),
        Variant("ONNX Runtime", "QDQ file of strata", "inference", onnx),
        Variant("OpenVINO", "QDQ file of strata", "inference", onnx),
        Variant("OpenVINO", "QDQ file, bf16 between", "inference", onnx | {"dtype": "bf16"})),
        items=64, against=("OpenVINO",), factor=1.0)


def data_rows():
    yield Row("pipeline", "pipeline alone: shuffle and batch of 60,000 images 28x28x3, f32", (
        strata("", "pipeline"), torch("index", "pipeline"), tensorflow("tf.data", "pipeline")), bound=0.15)
    yield Row("augmentation", "augmentation: flip, translation, rotation, zoom, contrast; 256 images 32x32", (
        strata("layers", "augmentation", mode="layers"), tensorflow("layers", "augmentation", mode="layers"),
        tensorflow("tf.function", "augmentation", mode="function")),
        items=256, against=("TensorFlow",), factor=5)
    yield Row("augmentation_map", "the same in a data set's map", (
        Variant("strata", "map", "augmentation", {"mode": "map"}, items=1024),
        Variant("TensorFlow", "tf.data", "augmentation", {"mode": "map"}, items=1024)),
        items=1024, against=("TensorFlow",), factor=5)


def own_rows():
    """strata against itself: what a data set, fit(), large batches and a second thread cost or gain."""
    for network, batch, steps in (("inception", 64, 8), ("mlp", 32, 2000)):
        options = {"network": network, "batch": batch, "steps": steps}
        yield Row(f"fit_{network}", f"{steps} {network} steps of batch {batch}: fit() and loops over a data set", (
            strata("fit", "loop", mode="fit", **options), strata("fit arrays", "loop", mode="fit arrays", **options),
            strata("custom loop", "loop", mode="loop", **options),
            strata("resident batch", "loop", mode="resident", **options)), items=batch * steps)
    for network, title, batch, steps in (("inception", "MiniInception", 64, 8), ("mlp", "MLP", 32, 2000)):
        options = {"network": network, "batch": batch, "steps": steps}
        yield Row(f"summaries_{network}", f"{steps} {title} steps of batch {batch}, without and with two scalars a step for TensorBoard", (
            strata("none", "loop", mode="resident", **options), strata("two scalars", "loop", mode="summaries", **options)),
            items=batch * steps)
    yield Row("batch_scaling", "MiniInception step, f32, batch 32 to 512", tuple(
        Variant("strata", f"batch {n}", "step", {"batch": n}, items=n) for n in (32, 64, 128, 256, 512)), items=1)
    yield Row("thread_scaling", "MiniInception step, f32, batch 64, one thread and two", tuple(
        Variant("strata", f"{n} thread{'s'[:n - 1]}", "step", {"batch": 64}, threads=n) for n in (1, 2)), items=64)


def size_rows():
    options = {"batch": 64}
    yield Row("memory", "peak resident memory, MiniInception step, f32, batch 64", (
        strata("", **options), torch("channels_last", layout="channels_last", **options),
        tensorflow("tf.function", **options)), measure="peak", bound=500)
    yield Row("start", "start of a program to its first batch", (
        strata("", "start"), torch("", "start"), tensorflow("", "start")), measure="start", bound=0.1)
    yield Row("compile", "compile time of a first program", (
        strata("strata.h", "hello_strata"), torch("torch.h", "hello_torch")), measure="compile", bound=2.0)
    yield Row("size", "size of the library", (
        strata("", "size"), Variant("oneDNN", "(strata's kernels)", "size"), torch("libtorch_cpu.so", "size"),
        tensorflow("the package", "size")), measure="size", bound=10)


ROWS = {row.name: row for rows in (training_rows, inference_rows, int8_rows, data_rows, own_rows, size_rows) for row in rows()}
