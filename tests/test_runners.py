"""Runners with the real programs: exact command lines, every QEMU board over its serial link, and every way to fail."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mcuq.board import all_boards, board_named
from mcuq.errors import BoardError, LinkError, RunError, ToolError
from mcuq.runners.base import LINE_LIMIT_BYTES, Program
from mcuq.runners.host import HostRunner
from mcuq.runners.qemu import QemuRunner
from tests.firmware.building import FED_MODEL, STACK_BYTES, build_for_board, build_for_host

QEMU_BOARDS = [board.name for board in all_boards() if board.qemu is not None]
FAULT, HANG, STACK, FLOAT = 0xF1, 0xF2, 0xF4, 0xF5


@pytest.fixture(scope="module")
def image_of(tmp_path_factory):
    """The echo firmware of a board, built once."""
    images: dict[str, Path] = {}

    def image(name: str) -> Path:
        if name not in images:
            images[name] = build_for_board(board_named(name), tmp_path_factory.mktemp(name))[0]
        return images[name]

    return image


def echo_inputs(rounds: int = 0, trouble: int = 0) -> list[bytes]:
    return [struct.pack("<IB", rounds, trouble) + bytes(index * 37 & 0xFF for index in range(595)), b"abc"]


def test_qemu_is_started_with_exactly_this():
    assert QemuRunner(board_named("mps2-an500"), Path("a.elf")).command() == (
        *("qemu-system-arm", "-machine", "mps2-an500", "-nographic", "-monitor", "none"),
        *("-icount", "shift=8,sleep=off,align=off", "-serial", "pty", "-kernel", "a.elf"),
    )


def test_earlier_serial_ports_are_left_unconnected_and_counting_is_optional():
    assert QemuRunner(board_named("netduinoplus2"), Path("a.elf"), count=False).command() == (
        *("qemu-system-arm", "-machine", "netduinoplus2", "-nographic", "-monitor", "none"),
        *(*("-serial", "null") * 5, "-serial", "pty", "-kernel", "a.elf"),
    )


def test_a_board_without_a_machine_has_no_command():
    with pytest.raises(BoardError, match="nucleo-f746zg has no QEMU machine"):
        QemuRunner(board_named("nucleo-f746"), Path("a.elf")).command()


def test_the_host_program_is_its_own_command(tmp_path):
    assert HostRunner(tmp_path / "firmware").command() == (str(tmp_path / "firmware"),)


def test_a_missing_qemu_is_a_tool_error_with_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install qemu-system-arm") as error:
        QemuRunner(board_named("microbit"), Path("a.elf")).start()
    assert error.value.exit_code == 6


@pytest.mark.parametrize("name", QEMU_BOARDS)
def test_every_board_runs_its_firmware_in_qemu_and_counts_instructions_exactly(image_of, name):
    board = board_named(name)
    qemu = board.qemu
    rounds = (0, 1000, 12_000_000, 12_000_000, 30_000_000)
    totals, layers = [], []
    with QemuRunner(board, image_of(name)).start() as target, target.open_link() as link:
        identity = link.identify()
        assert (identity.board, identity.model) == (name, "echo")
        assert identity.counter == ("timer" if name == "microbit" else "systick")
        for number, count in enumerate(rounds, 1):
            inputs = echo_inputs(count)
            result = link.run(inputs)
            assert result.outputs == (inputs[0], b"abc" + bytes((number,)))
            ticks = link.layer_ticks()
            assert len(ticks.ticks) == 2
            layers.append([qemu.instructions(layer or 0) for layer in ticks.ticks])
            totals.append(qemu.instructions(result.ticks) - 2 * qemu.instructions(ticks.hook_ticks))
        stack = link.stack_high_water()
    # The loop takes two instructions a round; around it the same few each time, wraps of the counter or not.
    assert [loop - 2 * count for (_, loop), count in zip(layers, rounds, strict=True)] == [layers[0][1]] * 5
    assert layers[0][1] in range(4)
    assert len({copy for copy, _ in layers}) == 1
    assert [total - 2 * count for total, count in zip(totals, rounds, strict=True)] == [totals[0]] * 5
    assert totals[0] in range(sum(layers[0]), sum(layers[0]) + 40)
    assert stack.size_bytes == STACK_BYTES
    assert stack.used_bytes in range(64, 512)


@pytest.mark.parametrize("name", QEMU_BOARDS)
def test_counts_are_the_same_in_the_next_run_of_qemu(image_of, name):
    def count() -> list[int | None]:
        with QemuRunner(board_named(name), image_of(name)).start() as target, target.open_link() as link:
            link.run(echo_inputs(5000))
            return [board_named(name).qemu.instructions(layer or 0) for layer in link.layer_ticks().ticks]

    assert count() == count()


def test_waiting_for_input_is_counted_nowhere(tmp_path, monkeypatch):
    board = board_named("mps2-an386")
    image, _ = build_for_board(board, tmp_path, model=FED_MODEL)
    data = os.urandom(600)
    found = []
    with QemuRunner(board, image).start() as target, target.open_link() as link:
        for wait_s in (0.0, 0.2, 0.5):
            monkeypatch.setattr(link, "_feed", _later(link._feed, wait_s))
            result = link.run([data])
            ticks = link.layer_ticks()
            assert result.outputs[0] == data
            found.append((result.ticks, *ticks.ticks))
            # The first layer runs in six parts; the total holds one hook for each of the two layers all the same.
            assert abs(result.ticks - 2 * ticks.hook_ticks - sum(ticks.ticks)) <= 80, (result, ticks)
    for quick, slow in zip(found[0], found[-1], strict=True):
        assert abs(quick - slow) <= 12, found  # a tick for each reading of the counter


def _later(feed, wait_s):
    def late(*arguments):
        time.sleep(wait_s)
        return feed(*arguments)

    return late


def test_the_same_image_runs_without_counting(image_of):
    with (
        QemuRunner(board_named("mps2-an386"), image_of("mps2-an386"), count=False).start() as target,
        target.open_link() as link,
    ):
        assert link.run(echo_inputs(20_000_000)).outputs[0] == echo_inputs(20_000_000)[0]


def test_a_board_whose_clock_does_not_start_says_so(image_of):
    with (
        QemuRunner(board_named("netduinoplus2"), image_of("netduinoplus2")).start() as target,
        target.open_link() as link,
    ):
        identity = link.identify()
    assert identity.clock_fallback  # QEMU does not model this chip's RCC
    assert identity.core_hz == 16_000_000


@pytest.mark.parametrize("name", QEMU_BOARDS)
def test_floating_point_works_on_every_core(image_of, name):
    with (
        QemuRunner(board_named(name), image_of(name)).start() as target,
        target.open_link() as link,
        pytest.raises(RunError, match="layer 5 of 2"),
    ):
        link.run(echo_inputs(trouble=FLOAT))


@pytest.mark.parametrize("name", QEMU_BOARDS)
def test_a_fault_is_reported_with_its_place_and_again_when_asked_later(image_of, name):
    image = image_of(name)
    with QemuRunner(board_named(name), image).start() as target:
        with target.open_link() as link, pytest.raises(RunError, match="processor faulted at PC 0x") as error:
            link.run(echo_inputs(trouble=FAULT))
        address = error.value.message.split("PC ")[1].split()[0]
        line = subprocess.run(
            ["arm-none-eabi-addr2line", "-f", "-e", str(image), address], capture_output=True, text=True, check=True
        ).stdout
        assert line.splitlines()[0] in ("trouble", "mcuq_model_invoke")
        if name != "microbit":
            assert "undefined instruction" in str(error.value)
        with target.open_link() as link, pytest.raises(RunError, match=address):
            link.identify()


@pytest.mark.parametrize("name", QEMU_BOARDS)
def test_a_stack_overflow_is_a_fault_that_is_still_reported(image_of, name):
    with (
        QemuRunner(board_named(name), image_of(name)).start() as target,
        target.open_link() as link,
        pytest.raises(RunError, match="processor faulted"),
    ):
        link.run(echo_inputs(trouble=STACK))


def test_a_target_that_hangs_is_given_up_in_time(image_of):
    started = time.monotonic()
    with (
        QemuRunner(board_named("mps2-an385"), image_of("mps2-an385")).start() as target,
        target.open_link(0.5, run_timeout_s=1.0) as link,
        pytest.raises(LinkError, match="did not answer RUN within 1 s"),
    ):
        link.run(echo_inputs(trouble=HANG))
    assert time.monotonic() - started < 10
    assert not alive(target.program.pid)


def test_qemu_killed_in_the_middle_of_a_run_is_noticed_at_once(image_of):
    with QemuRunner(board_named("mps2-an385"), image_of("mps2-an385")).start() as target, target.open_link() as link:
        link.identify()
        killer = threading.Timer(0.3, lambda: os.kill(target.program.pid, 9))
        killer.start()
        started = time.monotonic()
        with pytest.raises(RunError, match="qemu-system-arm was killed by SIGKILL"):
            link.run(echo_inputs(trouble=HANG))
        assert time.monotonic() - started < 5
        killer.join()


def test_qemu_that_cannot_start_is_quoted(tmp_path):
    with (
        pytest.raises(RunError, match="qemu-system-arm ended with exit code 1") as error,
        QemuRunner(board_named("mps2-an385"), tmp_path / "none.elf").start() as target,
        target.open_link() as link,
    ):
        link.identify()
    assert "none.elf" in str(error.value)


def test_qemu_ends_with_its_block_even_when_the_block_is_interrupted(image_of):
    with (
        pytest.raises(KeyboardInterrupt),
        QemuRunner(board_named("mps2-an385"), image_of("mps2-an385")).start() as target,
    ):
        pid = target.program.pid
        assert alive(pid)
        raise KeyboardInterrupt
    assert not alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="not checked: only Linux ends a child with its parent")
def test_a_program_does_not_outlive_a_parent_that_is_killed():
    script = (
        "import time; from mcuq.runners.base import Program\n"
        "print(Program(('sleep', '600')).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_a_program_that_talks_without_end_takes_no_memory():
    with Program(("yes", "x" * 10_000)) as program:
        time.sleep(0.3)
        lines = program.last_lines()
    assert 0 < len(lines) <= 40
    assert all(len(line) <= LINE_LIMIT_BYTES for line in lines)


def test_a_program_that_never_says_what_is_waited_for_is_given_up():
    with Program(("sleep", "60")) as program, pytest.raises(RunError, match=r"said nothing useful within 0\.2 s"):
        program.wait_for_line("ready", 0.2)


def test_a_host_program_that_crashes_is_quoted(tmp_path):
    crashing = tmp_path / "crashing"
    crashing.write_text("#!/bin/sh\necho last words >&2\nexit 3\n")
    crashing.chmod(0o755)
    with (
        pytest.raises(RunError, match="crashing ended with exit code 3") as error,
        HostRunner(crashing).start() as target,
        target.open_link(0.5) as link,
    ):
        link.identify()
    assert error.value.details == ("last words",)


def test_a_host_program_ends_with_its_block(tmp_path):
    with HostRunner(build_for_host(tmp_path)).start() as target, target.open_link() as link:
        link.identify()
        pid = target.program.pid
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead but not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
