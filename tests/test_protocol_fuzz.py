"""The protocol under fire: frames cut, flipped, repeated, late, too long and forged, and noise. Every answer is held to
the protocol's rules, every run to the bytes that go in, and runs are counted.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import subprocess
import time
import tty
from pathlib import Path

import pytest

from mcuq.board import board_named
from mcuq.errors import LinkError
from mcuq.frames import Frame, FrameDecoder, encode
from mcuq.link import Link, Request
from mcuq.runners.host import HostRunner
from mcuq.runners.qemu import QemuRunner
from mcuq.session import Session
from tests.firmware.building import ECHO_MODEL, FED_MODEL, SANITIZERS, build_for_board, build_for_host
from tests.harness.mad_line import MadLine
from tests.harness.protocol_fuzz import Line, Subject, check, line

HOST_FRAMES = 60_000
"""For each of the two models."""
CALM = "-DECHO_CALM"


def subject(model: Path, payload_bytes: int) -> Subject:
    if model == FED_MODEL:
        return Subject(payload_bytes, (600,), (1, 0), fed=True)
    return Subject(payload_bytes)


@pytest.fixture(scope="module")
def host_firmware(tmp_path_factory):
    return {
        model: build_for_host(tmp_path_factory.mktemp(model.stem), (*SANITIZERS, CALM), model)
        for model in (ECHO_MODEL, FED_MODEL)
    }


@pytest.mark.parametrize("model", [ECHO_MODEL, FED_MODEL], ids=["written", "fed"])
def test_the_parser_answers_what_it_must_and_nothing_else_under_sanitizers(host_firmware, model):
    made = line(subject(model, 4096), HOST_FRAMES, seed=1)
    done = subprocess.run([host_firmware[model]], input=made.sent, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    decoder = FrameDecoder()
    check(made, decoder.feed(done.stdout))
    assert decoder.dropped == 0


def converse(port: str, made: Line, silence_s: float = 20.0) -> list[Frame]:
    """Send all of ``made`` while answers come in, until there are as many as expected, or none for a while."""
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    with contextlib.closing(os.fdopen(fd, "rb", buffering=0)):
        tty.setraw(fd)
        os.set_blocking(fd, False)
        decoder = FrameDecoder()
        while not select.select([fd], [], [], 0.5)[0]:  # what comes before its UART is on, it does not get
            os.write(fd, encode(Frame(Request.HELLO, 0, b"")))
        while select.select([fd], [], [], 0.5)[0]:
            os.read(fd, 4096)
        answers: list[Frame] = []
        left = memoryview(bytes(made.sent))
        until = time.monotonic() + silence_s
        while len(answers) < len(made.expected) and time.monotonic() < until:
            readable, writable, _ = select.select([fd], [fd] if left else [], [], 0.5)
            if writable:
                left = left[os.write(fd, left[:256]) :]
                until = time.monotonic() + silence_s
            if readable:
                answers += decoder.feed(os.read(fd, 65536))
                until = time.monotonic() + silence_s
    assert decoder.dropped == 0
    return answers


def fuzz_in_qemu(name: str, model: Path, frames: int, folder: Path) -> None:
    board = board_named(name)
    image, _ = build_for_board(board, folder, flags=("-O2", "-DMCUQ_PROFILE", CALM), model=model)
    made = line(subject(model, board.link.payload_bytes), frames, seed=2, probe_every=25)
    with QemuRunner(board, image, count=False).start() as target:
        check(made, converse(target.port, made))


@pytest.mark.parametrize(
    ("name", "model"), [("mps2-an386", FED_MODEL), ("microbit", ECHO_MODEL)], ids=["fed", "written"]
)
def test_firmware_in_qemu_answers_what_it_must_and_nothing_else(name, model, tmp_path):
    fuzz_in_qemu(name, model, 250, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("model", [ECHO_MODEL, FED_MODEL], ids=["written", "fed"])
@pytest.mark.parametrize("name", ["mps2-an386", "microbit", "netduinoplus2", "stm32vldiscovery"])
def test_firmware_in_qemu_answers_a_hundred_thousand_frames(name, model, tmp_path):
    fuzz_in_qemu(name, model, 100_000 // 8, tmp_path)


@pytest.mark.parametrize("model", [ECHO_MODEL, FED_MODEL], ids=["written", "fed"])
def test_no_wrong_result_is_taken_over_a_line_that_damages_what_it_carries(host_firmware, model):
    chance = random.Random(5)
    sizes = subject(model, 4096).input_bytes
    with (
        HostRunner(host_firmware[model]).start() as target,
        MadLine(target.port, seed=6) as mad,
        Session(lambda: Link.open(mad.port, 0.08, run_timeout_s=2.0), lambda link: link.identify(), 5.0) as session,
    ):
        for _ in range(80):
            inputs = [chance.randbytes(size) for size in sizes]
            assert session.run(inputs).outputs[0] == inputs[0]
        assert mad.damaged > 20


def test_a_link_that_has_lost_step_says_so_and_goes_on(host_firmware):
    inputs = [bytes(600), b"abc"]
    with HostRunner(host_firmware[ECHO_MODEL]).start() as target, target.open_link() as link:
        assert link.run(inputs).outputs[1] == b"abc\x01"
        with target.open_link() as other:
            for _ in range(3):
                other.stack_high_water()
        with pytest.raises(LinkError, match="refused WRITE_INPUT: out of step") as error:
            link.run(inputs)
        assert "another program" in error.value.hint
        assert link.run(inputs).outputs[1] == b"abc\x02"
