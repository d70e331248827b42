"""Results as text: a line for each variant while measuring, and the Markdown of docs/benchmarks.md."""

from .rows import ROWS

PEERS = ("PyTorch", "TensorFlow", "OpenVINO", "ONNX Runtime")


def is_rate(row):
    return bool(row.items)


def show(row, value):
    if is_rate(row):
        return f"{value:,.0f}/s"
    if row.measure in ("peak", "size"):
        return f"{value:,.1f} MB" if value < 100 else f"{value:,.0f} MB"
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.0f} us"


def cell(row, result):
    notes = [result["label"]] if result["label"] else []
    if result.get("disturbed"):
        notes.append("disturbed")
    return show(row, result["value"]) + (f" ({', '.join(notes)})" if notes else "")


def best(row, results, peer):
    mine = [r for r in results.values() if r["peer"] == peer]
    return (max if is_rate(row) else min)(mine, key=lambda r: r["value"], default=None)


def ratio(row, results, peers):
    """How many times better strata's best is than the best of `peers`; None without one of them."""
    own = best(row, results, "strata")
    others = [r["value"] for r in (best(row, results, p) for p in peers) if r]
    if not own or not others:
        return None
    return own["value"] / max(others) if is_rate(row) else min(others) / own["value"]


def target(row, results):
    """The target and whether it is met: ("1.9 x PyTorch", True)."""
    own = best(row, results, "strata")
    if row.against:
        factor = row.factor if is_rate(row) or row.factor >= 1 else 1 / row.factor
        reached = ratio(row, results, row.against)
        return f"{factor:.3g} x {' or '.join(row.against)}", None if reached is None else reached >= factor
    if row.bound:
        return f"at most {show(row, row.bound)}", None if not own else own["value"] <= row.bound
    return "", None


def print_row(row, results):
    print(f"{row.name}: {row.title}")
    for name, r in results.items():
        low, high = min(r["samples"]), max(r["samples"])
        print(f"  {name:32} {show(row, r['value']):>12}   ({show(row, low)} to {show(row, high)})")
    reached = ratio(row, results, PEERS)
    aim, met = target(row, results)
    words = [f"{reached:.2f} x the best peer"] if reached else []
    if aim:
        words.append(f"target {aim}: {'not measured' if met is None else 'met' if met else 'not met'}")
    print("  " + "; ".join(words), flush=True)


def markdown(everything):
    results, commits = everything["rows"], everything["commits"]
    lines = [f"{everything['about']} strata at {', '.join(dict.fromkeys(commits.values()))}.", "", "| work | strata | " + " | ".join(PEERS) + " | against the best peer | target | met |",
             "|" + "---|" * (len(PEERS) + 5)]
    for name, row in ROWS.items():
        if name not in results or not any(v.peer != "strata" for v in row.variants):
            continue
        found = results[name]
        cells = [row.title]
        for peer in ("strata", *PEERS):
            r = best(row, found, peer)
            cells.append(cell(row, r) if r else "")
        reached = ratio(row, found, PEERS)
        aim, met = target(row, found)
        disturbed = any(r.get("disturbed") for r in found.values())
        verdict = "" if met is None else "not sure" if disturbed else "yes" if met else "no"
        lines.append("| " + " | ".join([*cells, f"{reached:.2f} x" if reached else "", aim, verdict]) + " |")
    lines += ["", "strata against itself:", "", "| work | way | result | against the first |", "|---|---|---|---|"]
    for name, row in ROWS.items():
        if name not in results or any(v.peer != "strata" for v in row.variants):
            continue
        first = None
        for r in results[name].values():
            first = first or r["value"]
            value = cell(row, r | {"label": ""})
            lines.append(f"| {row.title} | {r['label']} | {value} | {r['value'] / first:.3f} |")
    return "\n".join(lines) + "\n"
