"""PyTorch's works: peers/torch_peer.py WORK [NAME=VALUE]... (see worker.py)."""

import contextlib
import os

import torch
from torch.nn import functional as F

import torch_networks
import worker

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
torch.manual_seed(1)


def precision(options):
    if options.get("dtype") == "bf16":
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def prepared(options):
    name = options.get("network", "inception")
    model, (x, y) = torch_networks.NETWORKS[name](), torch_networks.make_batch(name, int(options.get("batch", 64)))
    if options.get("layout") == "channels_last":
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    return model, x, y


def train_step(model, options):
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    seen = {"right": 0, "count": 0}
    model.train()

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        with precision(options):
            logits = model(x)
            loss = F.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        seen["right"] += (logits.argmax(1) == y).sum().item()
        seen["count"] += len(y)
        return loss.item()

    return step


def step(options):
    model, x, y = prepared(options)
    run = train_step(model, options)
    return lambda: run(x, y)


def inference(options):
    model, x, _ = prepared(options)
    model.eval()
    if options.get("mode") == "frozen":
        with torch.no_grad(), precision(options):
            model = torch.jit.freeze(torch.jit.trace(model, x))
            model = torch.jit.optimize_for_inference(model)

    def run():
        with torch.inference_mode(), precision(options):
            model(x)

    return run


def shuffled_batches(tensors, size):
    order = torch.randperm(len(tensors[0]))
    for start in range(0, len(order), size):
        rows = order[start:start + size]
        yield [t[rows] for t in tensors]


def pipeline(options):
    tensors = torch.zeros(60000, 28, 28, 3), torch.zeros(60000, 10)

    def run():
        for _ in shuffled_batches(tensors, 128):
            pass

    return run


def loop(options):
    """Training steps over batches that are gathered by a shuffled index: the fastest loop that PyTorch offers."""
    name, size, steps = options.get("network", "inception"), int(options.get("batch", 64)), int(options.get("steps", 10))
    model, tensors = torch_networks.NETWORKS[name](), torch_networks.make_batch(name, size * steps)
    run = train_step(model, options)

    def epoch():
        for x, y in shuffled_batches(tensors, size):
            run(x, y)

    return epoch


def start(options):
    images, labels = torch.zeros(1000, 3, 32, 32), torch.zeros(1000)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), 64, shuffle=True)
    next(iter(loader))
    return lambda: None


worker.serve({"step": step, "inference": inference, "pipeline": pipeline, "loop": loop, "start": start})
