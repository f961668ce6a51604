"""What each quantization scheme costs a model: accuracy on data it was not calibrated on, flash, and seconds.

    python benchmarks/schemes.py MODEL --data CALIBRATION --test TEST [--board BOARD] [--scheme w4a8 ...]

Prints rows for docs/quantization.md. Accuracy and agreement with the float model are measured in LiteRT; the error is
the root mean square of the difference to the float model's outputs, in parts of their standard deviation. Flash is
counted of the whole image for the board, built with ``--optimize size``. Seconds are of this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mcuq.board import board_named
from mcuq.build import BuildOptions, Source, build
from mcuq.data import Dataset, load_data
from mcuq.fit import Goals
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.model_file import model_kind
from mcuq.frontend.tflite import read_tflite
from mcuq.model import input_specs
from mcuq.planner.choose import Optimize
from mcuq.planner.lower import KernelPolicy
from mcuq.quantize import quantize
from mcuq.quantize.request import Request
from mcuq.quantize.schemes import schemes
from mcuq.reference import accuracy, agreement, run_float


def row(name: str, float_model: bytes, calibration: Dataset, test: Dataset, floats: np.ndarray, board: str) -> str:
    begin = time.perf_counter()
    made = quantize(float_model, calibration, Request(name))
    seconds = time.perf_counter() - begin
    values = run_float(made.tflite, test.inputs)[0]
    error = float(np.sqrt(((values - floats) ** 2).mean()) / floats.std())
    right, same = accuracy(values, test.labels), agreement(floats, values, input_elements=test.inputs[0][0].size)
    shares = ["–" if share is None else f"{100 * share:.1f}" for share in (right, same)]
    return f"| {name} | {' | '.join(shares)} | {error:.3f} | {flash(made.tflite, board)} | {seconds:.0f} |"


def flash(content: bytes, board: str) -> str:
    if not board:
        return "–"
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "model.tflite"
        model.write_bytes(content)
        goals = Goals(Optimize.SIZE, policy=KernelPolicy.MCUQ)
        options = BuildOptions((Source(model),), board_named(board), Path(name) / "out", goals=goals)
        return f"{build(options, lambda *_: None)[0].flash_bytes:,}"


def rows(arguments: argparse.Namespace) -> Iterator[str]:
    path = Path(arguments.model)
    float_model = path.read_bytes() if model_kind(path) == "tflite" else to_float_tflite(path)
    specs = input_specs(read_tflite(float_model, path.name))
    calibration, test = load_data(arguments.data, specs), load_data(arguments.test, specs)
    floats = run_float(float_model, test.inputs)[0]
    right = accuracy(floats, test.labels)
    yield f"{path.name}: {calibration.count} samples for calibration, {test.count} others for the test"
    yield "| scheme | accuracy % | agreement % | error | flash, B | s |\n|---|---|---|---|---|---|"
    yield f"| float | {'–' if right is None else f'{100 * right:.1f}'} | | | | |"
    untrained = [scheme.name for scheme in schemes().values() if not scheme.two_valued]
    for name in arguments.scheme or untrained:
        yield row(name, float_model, calibration, test, floats, arguments.board)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--board", default="")
    parser.add_argument("--scheme", nargs="*")
    for line in rows(parser.parse_args()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
