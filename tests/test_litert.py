"""LiteRT in its own process: a file that makes it abort or hang ends in one error, and nothing is left running."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import numpy as np
import pytest

from mcuq import litert
from mcuq.errors import UnsupportedError
from mcuq.ir import DType
from mcuq.litert import LiteRT
from mcuq.litert_worker import pack, unpack
from mcuq.ops.base import Case, Operand
from mcuq.reference import Reference
from tests.harness.small_models import dense, softmax_that_stops_litert
from tests.harness.tflite_writer import write_case


def children() -> set[int]:
    """The processes that run a model in LiteRT."""
    found: set[int] = set()
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        found |= {int(worker) for worker in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return found


def left_of(started: set[int]) -> set[int]:
    """Those of ``started`` that still run after some time: they are ended without waiting for it."""
    for _ in range(100):
        if not (left := started & children()):
            break
        time.sleep(0.05)
    return left


def processor_seconds(pid: int) -> float:
    """What a running process has taken of the processor: how long that lasts depends on what else runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def too_fine_an_addition() -> bytes:
    case = Case("fine", (Operand((1, 4), 1e-30), Operand((1, 4), 1.0)), (Operand((1, 4), 1e-38),))
    return write_case("ADD", case)


def slow_convolution() -> bytes:
    weights = Operand((512, 7, 7, 64), 0.01, data=np.ones((512, 7, 7, 64), np.int8))
    case = Case(
        "slow",
        (Operand((1, 64, 64, 64), 0.05), weights, Operand((512,), 0.0005, dtype=DType.INT32, data=[0] * 512)),
        (Operand((1, 64, 64, 512), 5.0),),
        {"stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1},
    )
    return write_case("CONV_2D", case)


def test_a_model_that_aborts_litert_when_it_is_loaded_is_unsupported() -> None:
    before = children()
    with pytest.raises(UnsupportedError, match=r"LiteRT crashed on the model \(signal SIGABRT\)"):
        Reference(too_fine_an_addition())
    gc.collect()
    assert not left_of(children() - before)


def test_a_sample_that_aborts_litert_is_unsupported() -> None:
    reference = Reference(softmax_that_stops_litert())
    spread = np.arange(600).astype(np.int8)
    assert reference.run([spread])[0].shape == (600,)
    with pytest.raises(UnsupportedError, match="LiteRT crashed"):
        reference.run([np.zeros(600, np.int8)])
    with pytest.raises(UnsupportedError, match="LiteRT crashed"):
        reference.run([spread])


def test_a_run_that_takes_too_long_is_given_up() -> None:
    model = LiteRT(slow_convolution(), exact=True, all_tensors=False, time_limit_s=0.5)
    start = time.monotonic()
    with pytest.raises(UnsupportedError, match=r"did not finish one run of the model in 0\.5 s"):
        model.run([np.zeros((1, 64, 64, 64), np.int8)])
    assert time.monotonic() - start < 2


def test_a_refused_sample_does_not_end_the_process() -> None:
    model = LiteRT(dense(), exact=True, all_tensors=False)
    with pytest.raises(UnsupportedError, match="LiteRT failed to run the model"):
        model.run([np.zeros((1, 12), np.float32)])
    assert model.run([np.zeros((1, 12), np.int8)])[0].shape == (1, 4)


def test_processes_end_with_their_models_and_start_fast() -> None:
    before = children()
    references = [Reference(dense()) for _ in range(3)]
    started = children() - before
    assert len(started) == 3
    assert sum(processor_seconds(pid) for pid in started) < 3
    del references
    gc.collect()
    assert not left_of(started)


def test_a_process_that_was_ended_from_outside_is_started_again() -> None:
    first = Reference(dense())
    mother = litert._workers().process
    mother.kill()
    mother.wait()
    assert Reference(dense()).run([np.zeros(12, np.int8)])[0].shape == (4,)
    assert first.run([np.zeros(12, np.int8)])[0].shape == (4,)  # its worker goes on until it is hung up


def test_messages_come_through_whole() -> None:
    arrays = [np.arange(6, dtype=np.int16).reshape(2, 3)[:, ::2], np.zeros((0, 4)), np.array(3.5, np.float32)]
    message, received = unpack(pack({"do": "run", "name": "größe\n"}, arrays))
    assert message == {"do": "run", "name": "größe\n"}
    for sent, got in zip(arrays, received, strict=True):
        assert got.dtype == sent.dtype and got.shape == sent.shape and np.array_equal(got, sent)
