#!/usr/bin/env python3
"""examples/cifar10_recipe.cpp in PyTorch: the same network, data, augmentation, schedule and loss, and the same log.

usage: recipe_reference.py --data_dir DIR [--epochs 20] [--batch_size 128] [--policy mixed_bfloat16] [--seed 1] [--log FILE.csv]
                           [--optimizer sgd|adamw] [--learning_rate R] [--weight_decay W] [--cutmix] [--samples N]
"""
import argparse
import math
import pathlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

MEAN = torch.tensor([125.31, 122.95, 113.87]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([62.99, 62.09, 66.70]).view(1, 3, 1, 1)


class ConvModule(nn.Module):
    def __init__(self, channels, filters, kernel, stride=1, padding="same"):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, kernel, stride, padding=padding)
        self.norm = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)

    def forward(self, x):
        return functional.relu(self.norm(self.conv(x)))


class InceptionModule(nn.Module):
    def __init__(self, channels, filters_1, filters_3):
        super().__init__()
        self.one, self.three = ConvModule(channels, filters_1, 1), ConvModule(channels, filters_3, 3)

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x)], 1)


class DownsampleModule(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv = ConvModule(channels, filters, 3, 2, "valid")

    def forward(self, x):
        return torch.cat([self.conv(x), functional.max_pool2d(x, 3, 2)], 1)


def mini_inception(classes=10):
    """Logits; weights by Glorot, biases zero, as Keras begins."""
    parts, channels = [ConvModule(3, 96, 3)], 96
    for one, three in [(32, 32), (32, 48), (0, 80), (112, 48), (96, 64), (80, 80), (48, 96), (0, 96), (176, 160), (176, 160)]:
        parts.append(InceptionModule(channels, one, three) if one else DownsampleModule(channels, three))
        channels = one + three if one else channels + three
    model = nn.Sequential(*parts, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(channels, classes))
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return model.to(memory_format=torch.channels_last)


def load(folder, files):
    root = pathlib.Path(folder)
    root = root / "cifar-10-batches-bin" if (root / "cifar-10-batches-bin").is_dir() else root
    rows = np.concatenate([np.fromfile(root / file, np.uint8).reshape(-1, 3073) for file in files])
    return torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(rows[:, 0].astype(np.int64))


def scaled(x):
    return ((x.float() - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)


def moved(size, count):
    """Where each picture's rows or columns come from: moved by -4 to 4, mirrored at the edges."""
    at = torch.arange(size) - torch.round(torch.empty(count, 1).uniform_(-size / 8, size / 8)).long()
    return torch.where(at < 0, -1 - at, torch.where(at >= size, 2 * size - 1 - at, at))


def augmented(x):
    """Each picture of the batch flipped or not, and moved."""
    n, _, height, width = x.shape
    rows, columns = moved(height, n), moved(width, n)
    columns = torch.where(torch.rand(n, 1) < 0.5, columns.flip(1), columns)
    return x[torch.arange(n).view(-1, 1, 1), :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cut_mixed(x, y):
    """A rectangle of each picture from another one of the batch, its area from a uniform distribution; labels by area."""
    n, _, height, width = x.shape
    order, part = torch.randperm(n), torch.rand(n)
    side = torch.sqrt(1 - part).view(-1, 1)
    def inside(size):
        middle, half = torch.rand(n, 1) * size, side * size / 2
        at = torch.arange(size) + 0.5
        return (at > middle - half) & (at < middle + half)
    mask = inside(height)[:, None, :, None] & inside(width)[:, None, None, :]
    part = 1 - mask.float().mean((1, 2, 3)).view(-1, 1)
    return torch.where(mask, x[order], x), part * y + (1 - part) * y[order]


def rate_at(step, steps, warmup, peak):
    if step < warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * min((step - warmup) / (steps - warmup), 1)))


class Training:
    def __init__(self, options, steps):
        sgd = options.optimizer == "sgd"
        self.options, self.steps, self.step = options, steps, 0
        self.warmup = min(2 * steps // options.epochs, steps // 5 + 1)
        self.peak = options.learning_rate or (0.1 if sgd else 0.003)
        self.decay = (0.005 if sgd else 0.05) if options.weight_decay is None else options.weight_decay
        self.model = mini_inception()
        weights = list(self.model.parameters())
        # Decay is applied apart from the gradient, to kernels alone.
        self.decayed = [w for w in weights if w.ndim > 1]
        self.optimizer = (torch.optim.SGD(weights, self.peak, momentum=0.9, nesterov=True) if sgd
                          else torch.optim.AdamW(weights, self.peak, eps=1e-7, weight_decay=0))

    def loss(self, x, y):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.policy == "mixed_bfloat16"):
            logits = self.model(x)
        return functional.cross_entropy(logits.float(), y, label_smoothing=0.1), logits

    def train(self, x, y):
        rate = rate_at(self.step, self.steps, self.warmup, self.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, logits = self.loss(x, y)
        self.optimizer.zero_grad()
        loss.backward()
        with torch.no_grad():
            for w in self.decayed:
                w.mul_(1 - rate * self.decay)
        self.optimizer.step()
        self.step += 1
        return loss, logits


def over(batches, step):
    """Mean loss and accuracy."""
    loss_sum, right, count = 0.0, 0, 0
    for x, y in batches:
        loss, logits = step(x, y)
        loss_sum += loss.item() * len(x)
        right += (logits.argmax(1) == y.argmax(1)).sum().item()
        count += len(x)
    return loss_sum / count, right / count


def train_batches(x, y, options):
    order = torch.randperm(len(x))
    for at in range(0, len(x), options.batch_size):
        part = order[at:at + options.batch_size]
        bx, by = scaled(augmented(x[part])), y[part]
        yield cut_mixed(bx, by) if options.cutmix else (bx, by)


def main(options):
    torch.manual_seed(options.seed)
    x, y = load(options.data_dir, [f"data_batch_{i}.bin" for i in range(1, 6)])
    vx, vy = load(options.data_dir, ["test_batch.bin"])
    x, y, vy = x[:options.samples], functional.one_hot(y[:options.samples], 10).float(), functional.one_hot(vy, 10).float()
    steps = options.epochs * math.ceil(len(x) / options.batch_size)
    training = Training(options, steps)
    best, val_accuracy = 0.0, 0.0
    with open(options.log, "w", encoding="utf-8", newline="") as log:
        log.write("epoch,accuracy,learning_rate,loss,seconds,val_accuracy,val_loss\r\n")
        for epoch in range(options.epochs):
            start = time.time()
            training.model.train()
            loss, accuracy = over(train_batches(x, y, options), training.train)
            training.model.eval()
            with torch.no_grad():
                val_loss, val_accuracy = over(((scaled(vx[i:i + 250]), vy[i:i + 250]) for i in range(0, len(vx), 250)), training.loss)
            best, seconds = max(best, val_accuracy), time.time() - start
            rate = rate_at(training.step, steps, training.warmup, training.peak)
            log.write(f"{epoch},{accuracy},{rate},{loss},{seconds},{val_accuracy},{val_loss}\r\n")
            log.flush()
            print(f"Epoch {epoch + 1}/{options.epochs}\n{steps // options.epochs}/{steps // options.epochs} - {seconds:.0f}s - "
                  f"accuracy: {accuracy:.4f} - loss: {loss:.4f} - val_accuracy: {val_accuracy:.4f} - val_loss: {val_loss:.4f} - "
                  f"learning_rate: {rate:.4g}", flush=True)
    print(f"test accuracy {val_accuracy:.4f}, best {best:.4f}; log in {options.log}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="MiniInception on CIFAR-10 by the usual recipe, in PyTorch")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--policy", default="mixed_bfloat16", choices=["float32", "mixed_bfloat16"])
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", default="recipe_reference.csv")
    parser.add_argument("--optimizer", default="sgd", choices=["sgd", "adamw"])
    parser.add_argument("--learning_rate", type=float)
    parser.add_argument("--weight_decay", type=float)
    parser.add_argument("--cutmix", action="store_true")
    parser.add_argument("--samples", type=int, default=50000)
    main(parser.parse_args())
