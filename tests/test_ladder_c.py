"""Upper rungs of the ladder: generated C gives LiteRT's bytes for every case, on the host under sanitizers and in QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcuq.board import Board, board_named
from mcuq.core import core_named
from mcuq.planner.lower import KernelPolicy
from mcuq.runners.host import HostRunner
from mcuq.runners.qemu import QemuRunner
from tests.harness.suite import build_suite_image, build_suite_program, differences, suite_cases

POLICIES = (KernelPolicy.AUTO, KernelPolicy.MCUQ)
# mcuq's own kernels are the same C on every core without MVE, so they are run alone on two cores only.
RUNS = (
    ("mps2-an385", KernelPolicy.AUTO),
    ("mps2-an386", KernelPolicy.AUTO),
    ("mps2-an386", KernelPolicy.MCUQ),
    ("mps2-an500", KernelPolicy.AUTO),
    ("mps2-an505", KernelPolicy.AUTO),
    ("mps3-an547", KernelPolicy.AUTO),
    ("mps3-an547", KernelPolicy.MCUQ),
)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.value)
def test_generated_c_gives_litert_bytes_on_the_host_under_sanitizers(policy: KernelPolicy, tmp_path: Path) -> None:
    cases = suite_cases(core_named("cortex-m3"), policy)
    program = build_suite_program(cases, tmp_path)
    with HostRunner(program).start() as target, target.open_link() as link:
        assert differences(link, cases) == []


def _differences_in_qemu(board: Board, policy: KernelPolicy, folder: Path) -> list[str]:
    cases = suite_cases(board.core_with_fpu, policy)
    image = build_suite_image(cases, board, folder)
    with QemuRunner(board, image, count=False).start() as target, target.open_link() as link:
        return differences(link, cases)


@pytest.mark.parametrize(("board", "policy"), RUNS, ids=[f"{b}-{p.value}" for b, p in RUNS])
def test_generated_c_gives_litert_bytes_in_qemu(board: str, policy: KernelPolicy, tmp_path: Path) -> None:
    assert _differences_in_qemu(board_named(board), policy, tmp_path) == []


def test_code_for_cortex_m0_gives_litert_bytes(tmp_path: Path) -> None:
    """Armv6-M code runs on the M3 machine, which has the memory that QEMU's M0 board lacks."""
    board = board_named("mps2-an385").model_copy(update={"core": "cortex-m0"})
    assert _differences_in_qemu(board, KernelPolicy.MCUQ, tmp_path) == []


def test_cmsis_nn_runs_layers_where_it_is_found() -> None:
    kernels = {case.kernel for case in suite_cases(core_named("cortex-m4"), KernelPolicy.AUTO)}
    assert {"arm_convolve_wrapper_s8", "arm_depthwise_conv_wrapper_s8"} <= kernels, kernels
