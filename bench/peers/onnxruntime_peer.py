"""ONNX Runtime on an ONNX file that strata wrote: peers/onnxruntime_peer.py inference model=FILE [NAME=VALUE]..."""

import os

import numpy as np
import onnxruntime as ort
import worker


def inference(options):
    size = int(options.get("batch", 64))
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    session = ort.InferenceSession(options["model"], settings, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).random((size, 32, 32, 3), dtype=np.float32)
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: x})


worker.serve({"inference": inference})
