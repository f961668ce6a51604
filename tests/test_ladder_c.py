"""Upper rungs of the ladder: generated C gives LiteRT's bytes, on the host under sanitizers and in QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcuq.board import board_named
from mcuq.core import core_named
from mcuq.planner.lower import KernelPolicy
from tests.harness.suite import differences_in_qemu, differences_on_the_host, suite_cases

# Every kernel that does not refuse a case runs it: AUTO is CMSIS-NN's kernels and all of mcuq's own.
HOST_RUNS = (("cortex-m3", KernelPolicy.AUTO), ("cortex-m4", KernelPolicy.MCUQ), ("cortex-m55", KernelPolicy.MCUQ))
RUNS = (
    ("mps2-an385", KernelPolicy.AUTO),
    ("mps2-an386", KernelPolicy.AUTO),
    ("mps2-an500", KernelPolicy.AUTO),
    ("mps2-an505", KernelPolicy.AUTO),
    ("mps3-an547", KernelPolicy.AUTO),
)


@pytest.mark.parametrize(("core", "policy"), HOST_RUNS, ids=[f"{c}-{p.value}" for c, p in HOST_RUNS])
def test_generated_c_gives_litert_bytes_on_the_host_under_sanitizers(
    core: str, policy: KernelPolicy, tmp_path: Path
) -> None:
    """The kernels that a core would get, as plain C: what is assembly on the core has a twin in C."""
    assert differences_on_the_host(suite_cases(core_named(core), policy), tmp_path) == []


@pytest.mark.parametrize(("board", "policy"), RUNS, ids=[f"{b}-{p.value}" for b, p in RUNS])
def test_generated_c_gives_litert_bytes_in_qemu(board: str, policy: KernelPolicy, tmp_path: Path) -> None:
    machine = board_named(board)
    assert differences_in_qemu(machine, suite_cases(machine.core_with_fpu, policy), tmp_path) == []


def test_code_for_cortex_m0_gives_litert_bytes(tmp_path: Path) -> None:
    """Armv6-M code runs on the M3 machine, which has the memory that QEMU's M0 board lacks."""
    board = board_named("mps2-an385").model_copy(update={"core": "cortex-m0"})
    assert differences_in_qemu(board, suite_cases(board.core_with_fpu, KernelPolicy.MCUQ), tmp_path) == []


def test_cmsis_nn_runs_layers_where_it_is_found() -> None:
    kernels = {case.kernel for case in suite_cases(core_named("cortex-m4"), KernelPolicy.AUTO)}
    assert {"arm_convolve_wrapper_s8", "arm_depthwise_conv_wrapper_s8"} <= kernels, kernels
