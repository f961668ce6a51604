"""Indices outside: LiteRT stops with an error, and so does generated code, which reads nothing outside the tensor."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from mcuq.core import core_named
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import DType
from mcuq.kernels.base import Target
from mcuq.ops.base import Case, Operand
from mcuq.planner.arena import plan
from mcuq.planner.lower import lower
from mcuq.runners.host import HostRunner
from tests.harness.canary import WatchedCase, build_watched_program
from tests.harness.ladder import litert_outputs
from tests.harness.tflite_writer import write_case
from tests.test_stream import ask

ROWS = 5
TABLE = Operand((ROWS, 3), 0.05, data="random")


def model(operator: str, dtype: DType) -> tuple[bytes, Case]:
    """A look-up of one row, whose index is the model's input."""
    index = Operand((1, 1) if operator == "GATHER_ND" else (1,), dtype=dtype)
    inputs = (index, TABLE) if operator == "EMBEDDING_LOOKUP" else (TABLE, index)
    case = Case("one_row", inputs, (Operand((1, 3), 0.05),))
    return write_case(operator, case), case


MODELS = [("GATHER", DType.INT32), ("GATHER", DType.INT64), ("GATHER_ND", DType.INT32), ("GATHER_ND", DType.INT64)]
MODELS += [("EMBEDDING_LOOKUP", DType.INT32)]
OUTSIDE = {DType.INT32: (-1, ROWS, -(1 << 31), (1 << 31) - 1), DType.INT64: (-1, ROWS, 1 << 32, -(1 << 63))}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cases = []
    for operator, dtype in MODELS:
        content, case = model(operator, dtype)
        planned = plan(lower(bind(read_tflite(content, case.name)), Target(core_named("cortex-m4"))))
        cases.append(WatchedCase(operator, planned, ((bytes(dtype.bytes), bytes(3)),)))
    return build_watched_program(cases, tmp_path_factory.mktemp("gather"))


def test_an_index_outside_stops_the_inference(program: Path) -> None:
    with HostRunner(program).start() as running, running.open_link() as link:
        payload = link.identify().payload_bytes
        for number, (operator, dtype) in enumerate(MODELS):
            content, _ = model(operator, dtype)
            for index in (*OUTSIDE[dtype], ROWS - 1):
                given = np.full((1, 1) if operator == "GATHER_ND" else (1,), index, dtype.numpy)
                status, answer = ask(link, struct.pack("<I", number) + given.tobytes(), 3, payload)
                if index == ROWS - 1:
                    assert (status, answer) == (0, litert_outputs(content, [given])[0].tobytes())
                    continue
                assert status == 1, (operator, index)
                with pytest.raises(RuntimeError):
                    litert_outputs(content, [given])
