"""Small int8 TFLite models of one layer, and the command line as a user calls it, for tests of the whole program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mcuq.ir import DType
from mcuq.ops import operators
from mcuq.ops.base import Case, Operand
from tests.harness.tflite_writer import write_case

ROOT = Path(__file__).resolve().parent.parent.parent


def dense(inputs: int = 12, outputs: int = 4) -> bytes:
    """FULLY_CONNECTED with random weights."""
    return write_case(
        "FULLY_CONNECTED",
        Case(
            "dense",
            (
                Operand((1, inputs), 0.05, 3),
                Operand((outputs, inputs), 0.01, data="random"),
                Operand((outputs,), 0.0005, dtype=DType.INT32, data="random"),
            ),
            (Operand((1, outputs), 0.1, -5),),
        ),
    )


def wide_relu(elements: int) -> bytes:
    """RELU of ``elements`` bytes into as many others."""
    return write_case("RELU", Case("relu", (Operand((1, elements), 0.05, 3),), (Operand((1, elements), 0.04, -5),)))


def convolution() -> bytes:
    """CONV_2D, 3x3 on 13x9x16, with a ReLU: every core has several kernels for it."""
    case = next(case for case in operators()["CONV_2D"].cases if case.name == "relu_at_the_low_end")
    return write_case("CONV_2D", case)


def softmax_that_stops_litert() -> bytes:
    """A row of 600 equal values: their exponentials sum up to more than LiteRT's fixed point holds, and it aborts."""
    case = Case("wide", (Operand((1, 600), 1 / 16, 0),), (Operand((1, 600), 1 / 256, -128),), {"beta": 1.0})
    return write_case("SOFTMAX", case)


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without mcuq's own variables, with ``changes``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MCUQ_")}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def mcuq(*arguments: str | Path, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """``python -m mcuq`` run to its end in ``cwd``; ``changes`` to the environment."""
    command = [sys.executable, "-m", "mcuq", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment(**changes), capture_output=True, text=True, timeout=300, check=False
    )


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object on standard output."""
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def processes_with(text: str, folder: Path | None = None) -> list[int]:
    """The processes whose command line holds ``text``, and that run in ``folder`` where one is given (Linux)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                elsewhere = folder is not None and (entry / "cwd").readlink() != folder
            except OSError:
                continue
            if text in command and not elsewhere and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def random_samples(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 1, (count, *shape)).astype(np.float32)
