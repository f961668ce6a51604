"""A Robot Framework test that runs a build in Renode: for ``renode-test``, in a CI that need not have mcuq.

Five files beside each other: the test, its keywords in Python, the platform, the image, and samples with the bytes that
LiteRT's reference kernels compute for them.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path

from mcuq import robot_library
from mcuq.board import Board
from mcuq.built import Built
from mcuq.data import Dataset
from mcuq.errors import RunError, UsageError
from mcuq.host_run import HostRuns, run_host
from mcuq.model import Progress
from mcuq.output import write_file
from mcuq.renode import OLDEST_VERSION, commands, platform_text

SAMPLES = 16
"""So many samples go into the test when no number is asked for."""
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.robot")


@dataclass(frozen=True, slots=True)
class RobotFiles:
    """The names of the files, which lie in one folder."""

    test: str
    library: str
    platform: str
    image: str
    samples: str

    @staticmethod
    def of(name: str) -> RobotFiles:
        """The files of the test ``name``, ``NAME.robot``. Raises ``UsageError`` for a name that Robot may trip over."""
        if not _FILE.fullmatch(name):
            raise UsageError(
                f"--robot {name!r} is no name for a Robot Framework test",
                hint="letters, digits, - and _, and .robot at the end",
            )
        stem = name.removesuffix(".robot")
        return RobotFiles(name, f"{stem}_keywords.py", f"{stem}.repl", f"{stem}.elf", f"{stem}_samples.json")


def write_robot(built: Built, data: Dataset, path: Path, timeout_s: float, progress: Progress) -> tuple[Path, ...]:
    """Write the test to ``path`` and what it needs beside it; the files written. ``data`` are all its samples."""
    files = RobotFiles.of(path.name)
    texts = {
        files.platform: platform_text(built.board),
        files.test: robot_text(built.board, built.model.name, files, timeout_s),
        files.library: Path(robot_library.__file__).read_text(encoding="utf-8"),
        files.samples: samples_text(built, run_host(built.model, data, progress)),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / files.image).write_bytes(built.image.read_bytes())
    except OSError as error:
        raise RunError(f"cannot write {error.filename}: {error.strerror}") from error
    for name, text in texts.items():
        write_file(path.parent / name, text)
    return tuple(path.parent / name for name in (*texts, files.image))


def robot_text(board: Board, model: str, files: RobotFiles, timeout_s: float) -> str:
    """The test. ``renode-test`` gives it Renode's own keywords, set-up and tear-down."""
    steps = [f"    Execute Command    {line}" for line in commands(board, "${platform}", "${image}", "${port}")]
    version = ".".join(str(number) for number in OLDEST_VERSION)
    lines = (
        "*** Comments ***",
        f"The model {model} on {board.title}: the image that is flashed, on a machine in Renode,",
        "over its serial port. Written by `mcuq sim --robot`; do not edit, write it again with each build.",
        "",
        f"    renode-test {files.test}",
        "",
        f"needs Renode {version} or later, and Python 3.10 or later. Beside this file:",
        f"    {files.image}    the image",
        f"    {files.platform}    the machine",
        f"    {files.samples}    inputs, and the outputs that LiteRT's reference kernels compute",
        f"    {files.library}    keywords that speak the firmware's protocol",
        "",
        "*** Settings ***",
        f"Library    ${{CURDIR}}/{files.library}",
        "",
        "*** Variables ***",
        f"${{SAMPLES}}    ${{CURDIR}}/{files.samples}",
        f"${{SECONDS_PER_INFERENCE}}    {timeout_s:g}",
        "",
        "*** Keywords ***",
        "Start The Firmware",
        "    [Documentation]    The machine, running; gives the TCP port of its UART.",
        "    ${port}=    Free Port",
        f"    ${{platform}}=    Monitor Path    ${{CURDIR}}/{files.platform}",
        f"    ${{image}}=    Monitor Path    ${{CURDIR}}/{files.image}",
        "    Create Log Tester    0",
        *steps,
        "    Start Emulation",
        "    RETURN    ${port}",
        "",
        "*** Test Cases ***",
        "Should Run This Build",
        "    ${port}=    Start The Firmware",
        "    Should Run Build    ${port}    ${SAMPLES}",
        "    Should Not Be In Log    non existing peripheral",
        "",
        "Should Compute Every Byte As LiteRT Does",
        "    ${port}=    Start The Firmware",
        "    Should Compute Every Byte    ${port}    ${SAMPLES}    ${SECONDS_PER_INFERENCE}",
        "    Should Not Be In Log    non existing peripheral",
    )
    return "\n".join(lines) + "\n"


def samples_text(built: Built, runs: HostRuns) -> str:
    """Inputs and expected outputs as JSON, bytes in base64."""

    def texts(arrays: tuple[bytes, ...]) -> list[str]:
        return [base64.b64encode(data).decode("ascii") for data in arrays]

    samples = [
        {
            "inputs": texts(tuple(array[sample].tobytes() for array in runs.inputs)),
            "outputs": texts(tuple(array[sample].tobytes() for array in runs.outputs)),
        }
        for sample in range(len(runs.inputs[0]))
    ]
    about = {"board": built.board.name, "model": built.model.name, "build_id": built.report.build_id}
    return json.dumps({**about, "number": built.number, "samples": samples}, indent=1) + "\n"
