"""The networks of programs/networks.cpp in PyTorch: logits, as its loss wants them."""

import torch
from torch import nn
from torch.nn import functional as F


class ConvModule(nn.Module):
    def __init__(self, channels, filters, kernel, strides=1, padding="same", bias=True):
        super().__init__()
        if padding == "same":
            padding = kernel // 2
        elif padding == "valid":
            padding = 0
        self.conv = nn.Conv2d(channels, filters, kernel, strides, padding, bias=bias)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class Inception(nn.Module):
    def __init__(self, channels, filters_1x1, filters_3x3):
        super().__init__()
        self.conv1, self.conv2 = ConvModule(channels, filters_1x1, 1), ConvModule(channels, filters_3x3, 3)

    def forward(self, x):
        return torch.cat([self.conv1(x), self.conv2(x)], 1)


class Downsample(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv = ConvModule(channels, filters, 3, 2, "valid")

    def forward(self, x):
        return torch.cat([self.conv(x), F.max_pool2d(x, 3, 2)], 1)


def inception():
    blocks, channels = [ConvModule(3, 96, 3)], 96
    for a, b in [(32, 32), (32, 48), (80, 0), (112, 48), (96, 64), (80, 80), (48, 96), (96, 0), (176, 160), (176, 160)]:
        blocks.append(Inception(channels, a, b) if b else Downsample(channels, a))
        channels = a + (b or channels)
    return nn.Sequential(*blocks, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(channels, 10))


class Residual(nn.Module):
    def __init__(self, channels, filters, strides):
        super().__init__()
        self.conv1 = ConvModule(channels, filters, 3, strides, bias=False)
        self.conv2, self.norm = nn.Conv2d(filters, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters)
        self.shortcut = nn.Conv2d(channels, filters, 1, strides, bias=False) if strides > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.norm(self.conv2(self.conv1(x))) + self.shortcut(x))


def head(channels):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]


def residual():
    blocks, channels = [ConvModule(3, 32, 3, bias=False)], 32
    for filters in (32, 64, 128):
        for block in range(2):
            blocks.append(Residual(channels, filters, 2 if filters > 32 and block == 0 else 1))
            channels = filters
    return nn.Sequential(*blocks, *head(channels))


def depthwise():
    blocks, channels = [ConvModule(3, 32, 3, bias=False)], 32
    for filters, strides in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1)]:
        blocks += [nn.Conv2d(channels, channels, 3, strides, 1, groups=channels, bias=False),
                   nn.BatchNorm2d(channels), nn.ReLU(), ConvModule(channels, filters, 1, bias=False)]
        channels = filters
    return nn.Sequential(*blocks, *head(channels))


class DenseLayer(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), nn.Conv2d(channels, 24, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv(F.relu(self.norm(x)))], 1)


def dense():
    blocks, channels = [nn.Conv2d(3, 48, 3, padding=1, bias=False)], 48
    for block in range(3):
        for _ in range(4):
            blocks.append(DenseLayer(channels))
            channels += 24
        blocks += [nn.BatchNorm2d(channels), nn.ReLU()]
        if block < 2:
            blocks += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*blocks, *head(channels))


def mnist():
    return nn.Sequential(nn.Conv2d(3, 32, 3, 2), nn.ReLU(), nn.MaxPool2d(3), nn.BatchNorm2d(32), nn.Conv2d(32, 64, 3),
                         nn.ReLU(), nn.BatchNorm2d(64), nn.Dropout(0.3), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
                         nn.Linear(64, 10))


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.out = nn.Embedding(5000, 64), nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, words):
        return self.out(self.lstm(self.embedding(words))[0][:, -1])


NETWORKS = {"inception": inception, "mlp": mlp, "mnist": mnist, "residual": residual, "depthwise": depthwise,
            "dense": dense, "lstm": Words}
SHAPES = {"mlp": (784,), "mnist": (3, 28, 28)}


def make_batch(name, size):
    labels = torch.randint(0, 10, (size,))
    if name == "lstm":
        return torch.randint(0, 5000, (size, 50)), labels
    return torch.rand((size, *SHAPES.get(name, (3, 32, 32)))), labels
