"""Layers that hypothesis makes up, with every kernel that does not refuse them: LiteRT's bytes in QEMU.

One example is a batch of layers in one image, since compiling and starting QEMU take most of the time. ``derandomize``
keeps a run repeatable; the nightly sweep draws other batches.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mcuq.board import Board, board_named
from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ops.base import Case
from mcuq.planner.lower import KernelPolicy
from tests.harness.suite import differences_in_qemu, suite_cases
from tests.harness.tflite_writer import write_case
from tests.strategies import strategies

Made = tuple[str, Case]
WEIGHTED = ("CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@st.composite
def layers(draw: st.DrawFn) -> Made:
    """Half of them have weights: those have the most kernels."""
    operator = draw(st.one_of(st.sampled_from(WEIGHTED), st.sampled_from([*strategies()])))
    return operator, draw(strategies()[operator].filter(lambda case: compiles(operator, case)))


def compiles(operator: str, case: Case) -> bool:
    try:
        bind(read_tflite(write_case(operator, case), case.name))
    except UnsupportedError:
        return False
    return True


def _numbered(batch: list[Made]) -> list[Made]:
    """Each layer once: hypothesis begins with a batch of the simplest layer over and over."""
    different = {repr(made): made for made in batch}.values()
    return [(name, Case(f"made_{i}", c.inputs, c.outputs, c.options)) for i, (name, c) in enumerate(different)]


def _check(board: Board, batch: list[Made]) -> None:
    cases = suite_cases(board.core_with_fpu, KernelPolicy.MCUQ, _numbered(batch))
    with tempfile.TemporaryDirectory() as folder:
        assert differences_in_qemu(board, cases, Path(folder)) == []


def machine(core: str) -> Board:
    """The machine that runs the core's code: that of a Cortex-M0 runs on a Cortex-M3."""
    names = {"cortex-m0": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m55": "mps3-an547"}
    return board_named(names[core]).model_copy(update={"core": core})


CORES = ("cortex-m0", "cortex-m4", "cortex-m55")
once = settings(
    max_examples=2,  # the first is the simplest that there is
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("core", CORES)
def test_made_layers_give_litert_bytes_in_qemu(core: str) -> None:
    @once
    @given(st.lists(layers(), min_size=32, max_size=32))
    def check(batch: list[Made]) -> None:
        _check(machine(core), batch)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_many_made_layers_give_litert_bytes_in_qemu(core: str) -> None:
    @settings(once, max_examples=12, derandomize=False)
    @given(st.lists(layers(), min_size=40, max_size=40))
    def check(batch: list[Made]) -> None:
        _check(machine(core), batch)

    check()
