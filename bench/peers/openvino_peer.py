"""OpenVINO on an ONNX file that strata wrote: peers/openvino_peer.py inference model=FILE [NAME=VALUE]..."""

import os

import numpy as np
import openvino as ov
import worker


def inference(options):
    size = int(options.get("batch", 64))
    core = ov.Core()
    model = core.read_model(options["model"])
    model.reshape([size, 32, 32, 3])
    compiled = core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": int(os.environ.get("OMP_NUM_THREADS", "2")),
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if options.get("dtype") == "bf16" else "f32"})
    request = compiled.create_infer_request()
    x = np.random.default_rng(1).random((size, 32, 32, 3), dtype=np.float32)
    return lambda: request.infer([x])


worker.serve({"inference": inference})
