"""Programs that run to their end: in order, all of them, and none for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcuq import processes
from mcuq.errors import RunError

SLEEPS = [["sh", "-c", f"sleep {seconds}; echo {seconds}"] for seconds in ("0.3", "0", "0.1", "0.2")]


@pytest.fixture(params=["told at once", "looking again and again"])
def either_way_of_waiting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "told at once":
        monkeypatch.delattr(os, "pidfd_open", raising=False)


@pytest.mark.usefixtures("either_way_of_waiting")
def test_results_are_in_the_order_of_the_commands(tmp_path: Path) -> None:
    finished = processes.run_all(SLEEPS, tmp_path)
    assert [one.output.strip() for one in finished] == ["0.3", "0", "0.1", "0.2"]
    assert [one.code for one in finished] == [0, 0, 0, 0]


@pytest.mark.usefixtures("either_way_of_waiting")
def test_a_failed_command_is_the_last_result(tmp_path: Path) -> None:
    finished = processes.run_all([["true"], ["sh", "-c", "echo why >&2; exit 3"], ["true"]], tmp_path)
    assert (len(finished), finished[-1].code, finished[-1].errors) == (2, 3, "why\n")


@pytest.mark.usefixtures("either_way_of_waiting")
def test_a_command_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "TIMEOUT_S", 0.2)
    with pytest.raises(RunError, match=r"sleep did not finish in 0\.2 s"):
        processes.run_all([["sleep", "60"]], tmp_path)
