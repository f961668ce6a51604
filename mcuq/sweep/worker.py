"""One candidate, built and measured in a process of its own: what dies, dies alone. ``python -m mcuq.sweep.worker``.

The candidate comes as JSON on standard input, the outcome goes as JSON into the file that the one argument names.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from mcuq.build import BuildOptions, Source, build
from mcuq.built import load_built
from mcuq.data import load_data
from mcuq.errors import McuqError
from mcuq.fit import Goals
from mcuq.host_run import Figures, figures, run_host
from mcuq.model import input_specs
from mcuq.planner.choose import Optimize
from mcuq.planner.lower import KernelPolicy
from mcuq.quantize.request import Request
from mcuq.simulate import SimulationOptions, simulate
from mcuq.sweep.candidate import Candidate, Outcome, board_of, candidate_from

TIME_LIMIT_S = 3600


class Children:
    """The processes at work for one sweep, so that they can be ended together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.add(process)
        if self._ended:
            _end(process)

    def remove(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)

    def end(self) -> None:
        """End all, and those that are still to come."""
        self._ended = True
        with self._lock:
            running = tuple(self._running)
        for process in running:
            _end(process)


def run(candidate: Candidate, children: Children | None = None) -> Outcome:
    """Build ``candidate`` in a child process and measure it. Everything that goes wrong is told in the outcome."""
    children = children or Children()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        result, words = Path(folder) / "outcome.json", Path(folder) / "words"
        with words.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "mcuq.sweep.worker", str(result)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
            )
        children.add(process)
        try:
            process.communicate(json.dumps(dataclasses.asdict(candidate)).encode(), TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            return Outcome(error=f"not done in {TIME_LIMIT_S} s", seconds=time.monotonic() - begin)
        finally:
            _end(process)
            children.remove(process)
        if result.exists():
            return Outcome(**json.loads(result.read_text()))
        last = words.read_text(errors="replace").strip().splitlines()[-1:]
        how = f"its process ended with code {process.returncode}"
        return Outcome(error=": ".join((how, *last)), seconds=time.monotonic() - begin)


def _end(process: subprocess.Popen[bytes]) -> None:
    """It is asked first, since it has programs of its own to end."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)


def outcome(candidate: Candidate) -> Outcome:
    """Build and measure here. An error is an outcome."""
    begin = time.monotonic()
    try:
        found = _measured(candidate)
    except McuqError as error:
        found = Outcome(error=str(error).splitlines()[0])
    except Exception as error:
        found = Outcome(error=f"mcuq failed unexpectedly: {type(error).__name__}: {error}")
    return dataclasses.replace(found, seconds=round(time.monotonic() - begin, 2))


def _measured(candidate: Candidate) -> Outcome:
    goals = Goals(Optimize(candidate.optimize), policy=KernelPolicy(candidate.kernels))
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        goal = Path(folder) / "build"
        source = Source(Path(candidate.model), data=candidate.data, request=Request(candidate.scheme))
        board = board_of(candidate.board)
        (report,) = build(BuildOptions((source,), board, goal, goals), _quiet)
        seen = Figures(report.samples, report.data, report.accuracy, report.agreement)
        instructions = mismatched = None
        if candidate.samples or candidate.test_data:
            built = load_built(goal)
            test = load_data(candidate.test_data, input_specs(built.model.file_graph)) if candidate.test_data else None
            if candidate.samples:
                ran = simulate(built, test, SimulationOptions(limit=candidate.samples), _quiet)
                instructions, mismatched = ran.instructions_per_inference.value, ran.mismatched_bytes
            if test is not None:
                seen = figures(run_host(built.model, test, _quiet), None, test, "")
    return Outcome(
        flash_bytes=report.flash_bytes,
        ram_bytes=report.ram_bytes,
        instructions=instructions,
        accuracy=seen.accuracy.int8,
        float_accuracy=seen.accuracy.float,
        agreement=seen.agreement.int8,
        mismatched_bytes=mismatched,
    )


def _quiet(_stage: str, _done: int, _of: int) -> None:
    """No progress: a candidate is one step of it."""


def main() -> None:
    goal = Path(sys.argv[1])
    found = outcome(candidate_from(json.loads(sys.stdin.read())))
    unfinished = goal.with_suffix(".part")
    unfinished.write_text(json.dumps(dataclasses.asdict(found)))
    unfinished.rename(goal)


if __name__ == "__main__":
    main()
