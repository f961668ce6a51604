"""How a model's weights and activations are spread, what schemes and calibrators make of them, and what codes take.

    python benchmarks/distributions.py MODEL --data CALIBRATION --layer LAYER --write docs/plots/distributions.json

Numbers for ``benchmarks/plots.py``: of the weights of one layer, in parts of their channel's largest, how many lie
where, and the levels of schemes (the median over the channels); of the activation whose ranges differ most, what each
calibrator keeps of it; of made weights, what each encoding takes, its table included.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mcuq.data import Dataset, load_data
from mcuq.encodings import encodings
from mcuq.encodings.base import entropy_bits, histogram
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.model_file import model_kind
from mcuq.frontend.tflite import read_tflite
from mcuq.model import input_specs
from mcuq.quantize.calibrate import Statistics
from mcuq.quantize.calibrators import CALIBRATORS
from mcuq.quantize.int8 import fit
from mcuq.quantize.request import Request

SCHEMES = ("w4a8", "codebook16", "nf4", "log2", "codebook8", "w2a8", "ternary", "binary")
BINS = 96
MADE = 36_864
"""Weights that are encoded, normally distributed; as many as the largest layer of ResNet-8 has."""


def weights(content: bytes, data: Dataset, layer: str) -> dict[str, Any]:
    levels, rows = {}, np.zeros((0, 0))
    for scheme in SCHEMES:
        rounded = fit(content, data, Request("w8a8", {layer: scheme})).rounded.values()
        found = next(one for one in rounded if one.layer.name == layer)
        rows = found.layer.rows()
        steps = np.median(found.grid.scales / np.abs(rows).max(axis=1))
        levels[scheme] = [round(float(level * steps), 4) for level in found.grid.levels]
    counts, edges = np.histogram(rows / np.abs(rows).max(axis=1, keepdims=True), BINS, (-1.0, 1.0))
    return {"layer": layer, "counts": counts.tolist(), "edges": np.round(edges, 4).tolist(), "levels": levels}


def activation(content: bytes, data: Dataset) -> dict[str, Any]:
    """Of all tensors, that of which calibrators cut off the most unlike shares."""
    found = {name: (known, _ranges(known)) for name, known in fit(content, data, Request()).statistics.items()}

    def unlike(name: str) -> float:
        widths = [high - low for low, high in found[name][1].values()]
        return max(widths) / max(min(widths), 1e-9)

    name = max(sorted(found), key=unlike)
    known, ranges = found[name]
    inside = (known.histogram.centres > known.low) & (known.histogram.centres < known.high)
    counts, edges = np.histogram(
        known.histogram.centres[inside], BINS, (known.low, known.high), weights=known.histogram.counts[inside]
    )
    layer = next((x.name for x in read_tflite(content, "the model").nodes if x.outputs[0] == name), name)
    limits = {calibrator: [round(low, 4), round(high, 4)] for calibrator, (low, high) in ranges.items()}
    return {"layer": layer, "counts": counts.tolist(), "edges": np.round(edges, 4).tolist(), "ranges": limits}


def _ranges(known: Statistics) -> Mapping[str, tuple[float, float]]:
    return {name: one.limits(known, 255) for name, one in CALIBRATORS.items()}


def codes() -> list[dict[str, float | None]]:
    """Bits a weight, by encoding, of weights with ever more values; None where an encoding takes none such."""
    generator, rows = np.random.default_rng(0), []
    normal = generator.normal(size=MADE)
    for deviation in np.geomspace(0.25, 50.0, 24):
        values, counts = histogram(np.clip(np.rint(normal * deviation), -127, 127).astype(np.int8))
        row: dict[str, float | None] = {"values": len(values), "entropy": round(entropy_bits(counts), 4)}
        for encoding in encodings():
            measured = encoding.measure(values, counts)
            row[encoding.name] = None if isinstance(measured, str) else round(8 * measured.bytes / MADE, 4)
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--layer", required=True)
    parser.add_argument("--write", type=Path, required=True)
    arguments = parser.parse_args()
    keras = model_kind(arguments.model) != "tflite"
    content = to_float_tflite(arguments.model) if keras else arguments.model.read_bytes()
    data = load_data(arguments.data, input_specs(read_tflite(content, arguments.model.name)))
    found = {"weights": weights(content, data, arguments.layer), "activation": activation(content, data)}
    lines = ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in {**found, "encodings": codes()}.items())
    arguments.write.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
