#!/usr/bin/env python3
"""Draws what ./demo wrote, its event files and its epoch lines, as the picture in README.md.

usage: ./demo | tee demo.log; plot_curves.py demo-output demo.log docs/images/demo.svg
"""
import pathlib
import re
import struct
import sys

WIDTH, HEIGHT, LEFT, TOP, GAP = 380, 220, 50, 46, 60
TRAIN, TEST, INK, GRID = "#2a6fb0", "#d1622b", "#444444", "#dddddd"


def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def message(data):
    """Yields (field number, value) of a protocol buffer."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = data[at:at + 8], at + 8
        elif key & 7 == 5:
            value, at = data[at:at + 4], at + 4
        else:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def scalar(value):
    """A summary's number: simple_value, or a tensor with its bytes or its list of floats."""
    fields = dict(message(value))
    if 2 in fields:
        return struct.unpack("<f", fields[2])[0]
    tensor = dict(message(fields[8]))
    return struct.unpack("<f", tensor[4] if 4 in tensor else tensor[5][-4:])[0]


def curves(folder):
    """{tag: [(step, value)]} of the event files in a folder."""
    found = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            size = struct.unpack_from("<Q", data, at)[0]
            event = dict(message(data[at + 12:at + 12 + size]))
            at += 16 + size
            for _, value in message(event.get(5, b"")):
                tag = dict(message(value))[1].decode()
                found.setdefault(tag, []).append((event.get(2, 0), scalar(value)))
    return found


def panel(x0, title, train, test, top):
    """One chart: a line of the training steps, and a dot for the test set after each epoch."""
    last = max(step for step, _ in train)
    place = lambda step, value: f"{x0 + WIDTH * step / last:.1f},{TOP + HEIGHT * (1 - min(value, top) / top):.1f}"
    out = [f'<text x="{x0}" y="{TOP - 12}" font-weight="bold">{title}</text>']
    for i in range(5):
        y, value = TOP + HEIGHT * i / 4, top * (4 - i) / 4
        out.append(f'<line x1="{x0}" x2="{x0 + WIDTH}" y1="{y}" y2="{y}" stroke="{GRID}"/>'
                   f'<text x="{x0 - 6}" y="{y + 4}" text-anchor="end">{value:g}</text>')
    out.append(f'<text x="{x0 + WIDTH}" y="{TOP + HEIGHT + 18}" text-anchor="end">step {last + 1}</text>')
    out.append(f'<polyline fill="none" stroke="{TRAIN}" stroke-width="1.5" points="{" ".join(place(*p) for p in train)}"/>')
    for i, value in enumerate(test, 1):
        cx, cy = place(last * i / len(test), value).split(",")
        out.append(f'<circle cx="{cx}" cy="{cy}" r="4" fill="{TEST}"/>')
    return "\n".join(out)


def main(folder, log, target):
    train = curves(folder / "logs/train")
    text = log.read_text(encoding="utf-8")
    epochs = re.findall(r"val loss: (\S+) val acc: (\S+)", text)
    data = re.search(r"^Training on (.*?): \((\d+)", text, re.M)
    losses, accuracies = zip(*[(float(a), float(b)) for a, b in epochs])
    second = LEFT + WIDTH + GAP
    top = max(value for _, value in train["loss"][:1])
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{second + WIDTH + 20}" height="{TOP + HEIGHT + 52}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}">',
           f'<rect width="100%" height="100%" fill="white"/>',
           panel(LEFT, "loss", train["loss"], losses, max(1, round(top))), panel(second, "accuracy", train["accuracy"], accuracies, 1),
           f'<text x="{LEFT}" y="{TOP + HEIGHT + 40}">MiniInception on {data[1]}, {data[2]} training images: '
           f'<tspan fill="{TRAIN}">training, each step</tspan>, <tspan fill="{TEST}">● test set after each epoch</tspan></text>', "</svg>\n"]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(svg), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(pathlib.Path, sys.argv[1:]))
