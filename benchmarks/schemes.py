"""What quantizing a model costs: accuracy on data it was not calibrated on, flash, and seconds, way by way.

    python benchmarks/schemes.py MODEL --data CALIBRATION --test TEST [--board BOARD] [--compare calibrators]
        [--write docs/quantization.md --name ic]

Accuracy and agreement with the float model are measured in LiteRT; the error is the root mean square of the difference
to the float model's outputs, in parts of their standard deviation. Flash is counted, of the whole image for the board,
built with ``--optimize size`` and mcuq's kernels. Seconds are processor time of this machine, from the float TFLite
file to the quantized one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.tables import replace_tables
from mcuq.board import board_named
from mcuq.build import BuildOptions, Source, build
from mcuq.data import load_data
from mcuq.fit import Goals
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.model_file import model_kind
from mcuq.frontend.tflite import read_tflite
from mcuq.mixed import Machine, choosing
from mcuq.model import input_specs, load_model
from mcuq.planner.choose import Optimize
from mcuq.planner.lower import KernelPolicy
from mcuq.quantize.calibrators import AUTO, CALIBRATORS
from mcuq.quantize.request import Request
from mcuq.quantize.roundings import ROUNDINGS
from mcuq.quantize.schemes import DYNAMIC, FLOAT32, MIXED, schemes
from mcuq.reference import accuracy, agreement, run_float

DOUBLED = ("w8a8+dq", "w4a8+dq", "codebook16+dq", "nf4+dq")
ROUNDED = ("w4a8", "codebook8", "codebook4", "ternary")
GOALS = Goals(Optimize.SIZE, policy=KernelPolicy.MCUQ)


def compared(what: str) -> Mapping[str, Request]:
    """The requests that ``--compare`` names, by what their rows are called."""
    if what == "calibrators":
        return {name: Request(calibration=name) for name in (*CALIBRATORS, AUTO)}
    if what == "roundings":
        return {f"{scheme}, {way}": Request(scheme, rounding=way) for scheme in ROUNDED for way in ROUNDINGS}
    untrained = [scheme.name for scheme in schemes().values() if not scheme.two_valued]
    return {name: Request(name) for name in (FLOAT32, DYNAMIC, *untrained, *DOUBLED, MIXED)}


@dataclass(frozen=True)
class Row:
    """One way; shares are of 1, and None where there are no labels, or no classes; so is flash without a board."""

    name: str
    accuracy: float | None
    agreement: float | None
    error: float
    flash_bytes: int | None
    seconds: float

    def line(self) -> str:
        shares = ("–" if share is None else f"{100 * share:.1f}" for share in (self.accuracy, self.agreement))
        flash = "" if self.flash_bytes is None else f" {self.flash_bytes:,} |"
        return f"| {self.name} | {' | '.join(shares)} | {self.error:.3f} |{flash} {self.seconds:.0f} |"


def table(rows: list[Row], what: str) -> str:
    """The rows, that with the least error first; of roundings, schemes by ways."""
    if what == "roundings":
        return crossed(rows)
    flash = rows[0].flash_bytes is not None
    head = f"| {what.removesuffix('s')} | accuracy % | agreement % | error |{' flash, B |' if flash else ''} s |"
    rule = "|---" * (head.count("|") - 1) + "|"
    return "\n".join([head, rule, *(row.line() for row in sorted(rows, key=lambda row: row.error))])


def crossed(rows: list[Row]) -> str:
    """Agreement and error of rows that are called SCHEME, WAY."""
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        scheme, way = row.name.split(", ")
        cells.setdefault(scheme, {})[way] = f"{100 * (row.agreement or 0):.1f} | {row.error:.3f}"
    ways = next(iter(cells.values()))
    head = "".join(f" {way}: agreement % | error |" for way in ways)
    lines = (f"| {scheme} | {' | '.join(found[way] for way in ways)} |" for scheme, found in cells.items())
    return "\n".join([f"| scheme |{head}", "|---" * (1 + 2 * len(ways)) + "|", *lines])


def measured(path: Path, arguments: argparse.Namespace, requests: Mapping[str, Request]) -> Iterator[Row]:
    """A row for each of ``requests``, of the float TFLite file at ``path``."""
    specs, board = input_specs(read_tflite(path.read_bytes(), path.name)), arguments.board
    test = load_data(arguments.test, specs)
    floats = run_float(path.read_bytes(), test.inputs)[0]
    chooser = choosing(Machine(board_named(board) if board else None, None, GOALS), None)
    for name, request in requests.items():
        begin = processor_seconds()
        made = load_model(path, arguments.data, lambda *_: None, request=request, chooser=chooser).tflite
        seconds = processor_seconds() - begin
        values = run_float(made, test.inputs)[0]
        error = float(np.sqrt(((values - floats) ** 2).mean()) / floats.std())
        same = agreement(floats, values, input_elements=test.inputs[0][0].size)
        right = None if same is None else accuracy(values, test.labels)
        yield Row(name, right, same, error, flash(made, request, board) if board else None, seconds)


def processor_seconds() -> float:
    """What this process and those that it waited for have used."""
    return sum(os.times()[:4])


def flash(content: bytes, request: Request, board: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "model.tflite"
        model.write_bytes(content)
        source = Source(model, request=request if request.real else Request())
        options = BuildOptions((source,), board_named(board), Path(name) / "out", goals=GOALS)
        return build(options, lambda *_: None)[0].flash_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--board", default="")
    parser.add_argument("--compare", choices=("schemes", "calibrators", "roundings"), default="schemes")
    parser.add_argument("--only", nargs="*", help="rows to measure")
    parser.add_argument("--write", type=Path, help="a page, whose table between <!-- COMPARE NAME --> and <!-- end -->")
    parser.add_argument("--name", help="this replaces")
    arguments = parser.parse_args()
    requests = compared(arguments.compare)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.tflite"
        keras = model_kind(arguments.model) != "tflite"
        path.write_bytes(to_float_tflite(arguments.model) if keras else arguments.model.read_bytes())
        for row in measured(path, arguments, {name: requests[name] for name in arguments.only or requests}):
            print(row.line(), flush=True)
            rows.append(row)
    if arguments.write is not None:
        marker = f"{arguments.compare} {arguments.name}"
        replace_tables(arguments.write, {marker: table(rows, arguments.compare)})


if __name__ == "__main__":
    main()
