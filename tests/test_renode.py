"""Renode: what it is told, to the letter; the TCP transport with real firmware; and Renode itself where there is one.

Where there is none, a stand-in takes its place that runs the image in QEMU behind the same TCP port: it proves the way
there, the link, the test for CI and the clean end, and nothing about Renode's models.
"""

from __future__ import annotations

import base64
import contextlib
import difflib
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import zlib
from pathlib import Path

import pytest

from mcuq import robot_library
from mcuq.board import Board, all_boards, board_named
from mcuq.built import load_built
from mcuq.errors import BoardError, RunError, ToolError, UsageError
from mcuq.firmware import board_header, firmware_includes, firmware_sources
from mcuq.frames import Frame, FrameDecoder, encode
from mcuq.link import Link
from mcuq.renode import counts_instructions, monitor_path, platform_text, script_text, unexpected
from mcuq.robot import RobotFiles, robot_text
from mcuq.robot_library import free_port
from mcuq.runners.base import Program
from mcuq.runners.renode import RenodeRunner
from tests.firmware.building import FED_MODEL, build_for_board, run
from tests.harness.small_models import mcuq, report_of
from tests.test_runners import alive, echo_inputs

GOLDEN = Path(__file__).parent / "golden"
RENODE_BOARDS = [board.name for board in all_boards() if board.renode is not None]
BOARD = "netduinoplus2"
"""Has machines both in QEMU and in Renode: the image is the same."""
needs_renode = pytest.mark.skipif(
    shutil.which("renode") is None,
    reason="not checked: Renode is not installed, so no image ran on its models",
)


def golden(request: pytest.FixtureRequest, name: str, text: str) -> None:
    path = GOLDEN / name
    if request.config.getoption("--update-goldens"):
        path.write_text(text, encoding="utf-8")
    old = path.read_text(encoding="utf-8")
    difference = "\n".join(difflib.unified_diff(old.splitlines(), text.splitlines(), f"golden/{name}", "now"))
    assert not difference, f"\n{difference}\nrenew with: pytest tests/test_renode.py --update-goldens"


@pytest.mark.parametrize("name", ["nucleo-f746zg", "netduinoplus2"])
def test_the_platform_is_the_golden_one(request, name):
    golden(request, f"{name}.repl", platform_text(board_named(name)))


def test_the_script_is_the_golden_one(request):
    text = script_text(board_named("nucleo-f746zg"), Path("/made/platform.repl"), Path("/a b/kws.elf"), 40_000)
    golden(request, "nucleo-f746zg.resc", text)


def test_the_robot_test_is_the_golden_one(request):
    golden(request, "kws.robot", robot_text(board_named("nucleo-f746zg"), "kws", RobotFiles.of("kws.robot"), 120.0))


@pytest.mark.parametrize("name", RENODE_BOARDS)
def test_every_platform_has_the_boards_memory_and_counts_one_instruction_as_one_tick(name):
    board = board_named(name)
    text = platform_text(board)
    for bank in board.memory:
        assert f"{bank.name}: Memory.MappedMemory @ sysbus 0x{bank.origin:08X}\n    size: 0x{bank.size:X}\n" in text
    if counts_instructions(board):
        assert f"PerformanceInMips: {board.clock.hz // 1_000_000}\n" in text
        assert f"dwt: Miscellaneous.DWT @ sysbus 0xE0001000\n    frequency: {board.clock.hz}\n" in text
    assert "http" not in text, "nothing is downloaded"


def test_renode_is_started_with_exactly_this():
    runner = RenodeRunner(board_named("nucleo-f746"), Path("a.elf"), Path("/some where"))
    include = "include @/some\\ where/machine.resc"
    assert runner.command() == ("renode", "--disable-xwt", "--console", "--plain", "-e", include)


@pytest.mark.parametrize("path", ["/a;b/x", '/a"b', "/a$b", "/a\nb"])
def test_a_path_that_the_monitor_would_read_as_a_command_is_refused(path):
    with pytest.raises(BoardError, match="cannot be told of the path"):
        monitor_path(Path(path))


def test_a_board_without_a_machine_in_renode_says_so():
    with pytest.raises(BoardError, match="microbit has no machine in Renode"):
        RenodeRunner(board_named("microbit"), Path("a.elf")).start()


def test_a_missing_renode_is_a_tool_error_with_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"github\.com/renode/renode/releases") as error:
        RenodeRunner(board_named("nucleo-f746"), Path("a.elf")).start()
    assert error.value.exit_code == 6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uart": "usart9"}, "there is no peripheral 'usart9'"),
        ({"uart": "rtc"}, "renode.uart is at 0x40002800"),
        ({"peripherals": "twice"}, "the name 'usart6' is taken twice"),
        ({"name": "flash"}, "both called 'flash'"),
        ({"model": "UART.X\n    init: quit"}, "String should match pattern"),
        ({"settings": {"filename": 'x"\nquit'}}, "String should match pattern"),
    ],
)
def test_a_wrong_renode_section_is_refused(change, reason):
    table = board_named(BOARD).model_dump(mode="json")
    renode = table["renode"]
    for key, value in change.items():
        if value == "twice":
            renode["peripherals"].append(renode["peripherals"][0])
        elif key == "uart":
            renode["uart"] = value
        else:
            renode["peripherals"][-1][key] = value
    with pytest.raises(ValueError, match=reason):
        Board.model_validate_json(json.dumps(table))


RECORDING_MMIO = """\
#ifndef MCUQ_MMIO_H
#define MCUQ_MMIO_H
#include <stdbool.h>
#include <stdint.h>
uint32_t mmio_read(uint32_t address);
void mmio_write(uint32_t address, uint32_t value);
static inline void mmio_set(uint32_t address, uint32_t bits) { mmio_write(address, mmio_read(address) | bits); }
static inline void mmio_clear(uint32_t address, uint32_t bits) { mmio_write(address, mmio_read(address) & ~bits); }
static inline bool mmio_wait(uint32_t address, uint32_t mask, uint32_t value, uint32_t tries)
{
    (void)mmio_read(address), (void)mask, (void)value, (void)tries;
    return true;
}
#endif
"""
RECORDER = """\
#include "platform.h"
#include "mmio.h"
#include <stdio.h>
uint32_t mmio_read(uint32_t address) { printf("%08X\\n", address); return 0xFFFFFFFFU; }
void mmio_write(uint32_t address, uint32_t value) { printf("%08X\\n", address); (void)value; }
int main(void)
{
    mcuq_uart_init(mcuq_clock_init().uart_hz);
    mcuq_uart_write((uint8_t)mcuq_uart_read());
    return 0;
}
"""
SIZES = {
    "UART.STM32F7_USART": 0x400,
    "Timers.STM32F4_RTC": 0x400,
    "Miscellaneous.STM32F4_RCC": 0x400,
    "Miscellaneous.STM32_PWR": 0x400,
    "UART.NRF52840_UART": 0x1000,
    "Miscellaneous.NRF52840_CLOCK": 0x1000,
}
"""How much of the bus a model takes that is given no size."""


@pytest.mark.parametrize("name", RENODE_BOARDS)
def test_the_drivers_touch_nothing_that_the_machine_lacks(name, tmp_path):
    """The board's clock and UART drivers, compiled for the host, tell every address that they use."""
    board = board_named(name)
    (tmp_path / "mmio.h").write_text(RECORDING_MMIO)
    (tmp_path / "recorder.c").write_text(RECORDER)
    (tmp_path / "board.h").write_text(board_header(board))
    drivers = [path for path in firmware_sources(board) if path.parent.name in ("clock", "uart")]
    includes = [f"-I{path}" for path in (tmp_path, *firmware_includes(board))]
    run(["gcc", *includes, "-include", tmp_path / "mmio.h", *drivers, tmp_path / "recorder.c", "-o", tmp_path / "out"])
    touched = {int(line, 16) for line in run([tmp_path / "out"]).split()}
    spans = [
        (one.address, one.size or one.settings.get("size") or SIZES[one.model]) for one in board.renode.peripherals
    ]
    assert len(drivers) == 2
    assert len(touched) > 10
    lacking = [address for address in touched if not any(start <= address < start + size for start, size in spans)]
    assert [f"{address:08X}" for address in sorted(lacking)] == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("10:11:12.0001 [INFO] nucleo-f746zg: Machine started.", False),
        ("10:11:12.0001 [WARNING] rcc: Unhandled write to offset 0x0. Unhandled bits: [18] when writing", False),
        ("10:11:12.0001 [WARNING] nvic: Unhandled write to offset 0xF50, value 0x0.", False),
        ("(x) 10:11:12.0001 [WARNING] usart3: Unhandled read from offset 0x40.", True),
        ("10:11:12.0001 [WARNING] nucleo-f746zg/usart3: Unhandled read from offset 0x40.", True),
        ("[WARNING] sysbus: [cpu: 0x8000FDC] ReadDoubleWord from non existing peripheral at 0x5802480C.", True),
        ("10:11:12.0001 [ERROR] cpu: PC does not lay in memory or PC and SP are equal to zero. CPU was halted.", True),
    ],
)
def test_what_the_machine_lacks_is_told_from_what_its_models_are_known_to_lack(line, wrong):
    assert unexpected(board_named("nucleo-f746zg"), line) is wrong


STAND_IN = '''\
#!{python}
"""Takes Renode's place: QEMU behind the TCP port that the script names. Not Renode."""
import os, re, subprocess, sys
folder = re.search(r"include @(.*)/machine.resc", sys.argv[-1])[1]
script = open(folder + "/machine.resc").read()
assert open(folder + "/platform.repl").read()
image = re.search(r"LoadELF @(.*)", script)[1]
port = re.search(r"CreateServerSocketTerminal (\\d+)", script)[1]
print("Renode, version 1.16.1 (stand-in)", flush=True)
qemu = subprocess.Popen(["qemu-system-arm", "-machine", "{board}", "-nographic", "-monitor", "none",
    *["-serial", "null"] * 5, "-serial", "tcp:127.0.0.1:" + port + ",server=on,wait=on", "-kernel", image],
    stderr=subprocess.PIPE, text=True)
assert "waiting for connection" in qemu.stderr.readline()
print("10:11:12.0001 [INFO] {board}: Machine started.", flush=True)
{more}
sys.exit(qemu.wait())
'''


def stand_in(folder: Path, script: str) -> None:
    program = folder / "renode"
    program.write_text(script)
    program.chmod(0o755)


@pytest.fixture
def qemu_for_renode(monkeypatch, tmp_path):
    """Puts the stand-in on PATH; a function that puts another one there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def place(more: str = "") -> None:
        stand_in(folder, STAND_IN.format(python=sys.executable, board=BOARD, more=more))

    place()
    return place


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    return build_for_board(board_named(BOARD), tmp_path_factory.mktemp("echo"))[0]


@pytest.fixture(scope="module")
def fed_image(tmp_path_factory) -> Path:
    return build_for_board(board_named(BOARD), tmp_path_factory.mktemp("fed"), model=FED_MODEL)[0]


def qemu_on_tcp(image: Path, port: int) -> Program:
    serial = (*("-serial", "null") * 5, "-serial", f"tcp:127.0.0.1:{port},server=on,wait=off")
    return Program(
        ("qemu-system-arm", "-machine", BOARD, "-nographic", "-monitor", "none", *serial, "-kernel", str(image))
    )


def open_when_there(port: int) -> Link:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    return Link.open(f"socket://127.0.0.1:{port}")


def test_the_link_speaks_with_firmware_over_tcp(image):
    port = free_port()
    with qemu_on_tcp(image, port), open_when_there(port) as link:
        assert link.identify().board == BOARD
        for number in range(1, 4):
            inputs = echo_inputs(1000)
            assert link.run(inputs).outputs == (inputs[0], b"abc" + bytes((number,)))


def test_a_tcp_line_that_breaks_is_told_by_what_broke_it(image):
    port = free_port()
    with qemu_on_tcp(image, port) as program, open_when_there(port) as link:
        link.identify()
        program.close()
        with pytest.raises(RunError):
            link.identify()


def test_the_runner_starts_talks_and_leaves_nothing_behind_with_qemu_in_renodes_place(qemu_for_renode, image):
    with RenodeRunner(board_named(BOARD), image).start() as target:
        folder = Path(target.program._process.args[-1].split("@")[1]).parent
        assert sorted(path.name for path in folder.iterdir()) == ["machine.resc", "platform.repl"]
        with target.open_link() as link:
            inputs = echo_inputs()
            assert link.run(inputs).outputs[0] == inputs[0]
        group = target.program.pid
    assert not folder.exists()
    assert [pid for pid in members_of(group) if alive(pid)] == []


def members_of(group: int) -> list[int]:
    """The processes of a process group, dead ones that nobody waited for included."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rsplit(")", 1)[1].split()[2]) == group:
                found.append(int(path.parent.name))
    return found


def test_what_the_firmware_met_and_the_machine_lacks_is_an_error_in_renodes_words(qemu_for_renode, image):
    line = "10:11:12.0002 [WARNING] sysbus: [cpu: 0x8000FDC] ReadDoubleWord from non existing peripheral at 0x58024"
    qemu_for_renode(f"print({line!r}, flush=True)")
    with (
        pytest.raises(RunError, match="does not have") as error,
        RenodeRunner(board_named(BOARD), image).start() as target,
        target.open_link() as link,
    ):
        link.identify()
        target.check()
    assert line in str(error.value)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ("Renode, version 1.15.3.11\n10:11:12.0001 [INFO] x: Machine started.", ToolError, "1.15 is too old"),
        (
            "There was an error executing command 'machine LoadPlatformDescription @x'\nError E39: no type",
            RunError,
            "E39",
        ),
        ("No such command or device: sysbuss", RunError, "sysbuss"),
    ],
)
def test_a_renode_that_cannot_make_the_machine_is_quoted_and_ended(monkeypatch, tmp_path, said, error, words):
    stand_in(tmp_path, f"#!/bin/sh\ncat <<'E'\n{said}\nE\necho $$ >{tmp_path}/pid\nexec sleep 600\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(error, match=r"could not make the machine|too old") as found:
        RenodeRunner(board_named(BOARD), Path("a.elf")).start()
    assert words in str(found.value)
    if (tmp_path / "pid").exists():
        assert not alive(int((tmp_path / "pid").read_text()))


def test_a_renode_that_says_nothing_is_given_up_and_ended(monkeypatch, tmp_path):
    stand_in(tmp_path, "#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("mcuq.runners.renode.START_TIMEOUT_S", 0.5)
    with pytest.raises(RunError, match="said nothing useful within"):
        RenodeRunner(board_named(BOARD), Path("a.elf")).start()


def test_a_machine_that_starts_and_then_floods_the_log_is_not_missed(qemu_for_renode, image):
    qemu_for_renode('print("[INFO] usart6: hello\\n" * 5000, flush=True)')
    with RenodeRunner(board_named(BOARD), image).start() as target, target.open_link() as link:
        assert link.identify().board == BOARD
        target.check()


# The test for CI


def test_the_keywords_frame_as_the_link_does():
    for size in (0, 1, 2, 253, 254, 255, 508, 600):
        for body in (bytes(size), os.urandom(size), b"\1" * size, b"\xff" * (size // 2) + bytes(size - size // 2)):
            wire = encode(Frame(3, 7, body))
            assert robot_library.encode(3, 7, body) == wire
            assert robot_library.decode(wire.strip(b"\0")) == (3, 7, body)
            (frame,) = FrameDecoder(4096).feed(robot_library.encode(0x83, 9, body))
            assert (frame.type, frame.sequence, frame.body) == (0x83, 9, body)


def test_the_keywords_drop_what_is_broken():
    wire = robot_library.encode(3, 7, b"abcdef").strip(b"\0")
    for at in range(len(wire)):
        assert robot_library.decode(wire[:at]) is None
        assert robot_library.decode(wire[:at] + bytes((wire[at] ^ 0x41,)) + wire[at + 1 :]) is None
    assert robot_library.decode(b"\x05" + zlib.crc32(b"").to_bytes(4, "little")) is None


def test_the_keywords_need_nothing_but_python():
    subprocess.run([sys.executable, "-I", "-S", robot_library.__file__], check=True, timeout=60)


def test_the_keywords_run_firmware_whose_input_is_fed(fed_image):
    port, data = free_port(), os.urandom(600)
    with qemu_on_tcp(fed_image, port):
        firmware = robot_library.Firmware(port, 20.0)
        firmware.identify()
        (output,) = firmware.run([data], [600])
        firmware.close()
    assert output == data


@pytest.mark.parametrize("name", ["a b.robot", "a.txt", ".robot", "a'.robot", "${x}.robot"])
def test_a_name_that_robot_would_trip_over_is_refused(name):
    with pytest.raises(UsageError, match="is no name for a Robot Framework test"):
        RobotFiles.of(name)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "build"
    done = mcuq("build", GOLDEN / "small.tflite", "--board", BOARD, "-o", folder, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_keywords_turn_to_one_model_of_several(image):
    port = free_port()
    with qemu_on_tcp(image, port):
        firmware = robot_library.Firmware(port, 20.0)
        firmware.select(1)
        output, _ = firmware.run([b"\0\1\2\3"], [4, 1])
        assert (firmware.model, output) == ("inverse", b"\xff\xfe\xfd\xfc")
        firmware.close()


KEYWORDS = '''\
"""Renode's keywords as far as the test uses them, with QEMU in Renode's place."""
import re, subprocess
lines, running = [], []
def execute_command(line): lines.append(line)
def create_log_tester(timeout): lines.clear()
def should_not_be_in_log(pattern): assert pattern not in "".join(lines)
def start_emulation():
    text = "\\n".join(lines)
    port = re.search(r"CreateServerSocketTerminal (\\d+)", text)[1]
    image = re.search(r"LoadELF @(.*)", text)[1].replace("\\\\ ", " ")
    running.append(subprocess.Popen(["qemu-system-arm", "-machine", "{board}", "-nographic", "-monitor", "none",
        *["-serial", "null"] * 5, "-serial", "tcp:127.0.0.1:" + port + ",server=on,wait=on", "-kernel", image],
        stderr=subprocess.DEVNULL))
def reset_emulation():
    while running:
        process = running.pop()
        process.kill()
        process.wait()
'''


def run_robot(test: Path, keywords: Path) -> subprocess.CompletedProcess[str]:
    """As ``renode-test`` does: keywords and tear-downs are added to the suite, not written in it."""
    script = f"""
        import sys
        from robot.api import TestSuiteBuilder
        suite = TestSuiteBuilder().build({str(test)!r})
        suite.resource.imports.create(type="Library", name={str(keywords)!r})
        for case in suite.tests:
            case.teardown.config(name="Reset Emulation")
        result = suite.run(output=None, log=None, report=None)
        sys.exit(result.return_code)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=test.parent)


def test_the_robot_test_passes_and_fails_by_real_bytes_with_qemu_in_renodes_place(built, tmp_path):
    folder = tmp_path / "with a space"
    done = mcuq("sim", built, "--robot", folder / "small.robot", "--limit", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = ["small.elf", "small.repl", "small.robot", "small_keywords.py", "small_samples.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / "small.elf").read_bytes() == load_built(built).image.read_bytes()
    keywords = tmp_path / "keywords.py"
    keywords.write_text(KEYWORDS.replace("{board}", BOARD))
    done = run_robot(folder / "small.robot", keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 tests, 2 passed, 0 failed" in done.stdout

    samples = folder / "small_samples.json"
    text = samples.read_text()
    changed = json.loads(text)
    output = bytearray(base64.b64decode(changed["samples"][1]["outputs"][0]))
    output[-1] ^= 1
    changed["samples"][1]["outputs"][0] = base64.b64encode(output).decode()
    samples.write_text(json.dumps(changed))
    done = run_robot(folder / "small.robot", keywords)
    assert done.returncode == 1
    assert "bytes differ (sample 1: 1)" in " ".join(done.stdout.split()), done.stdout

    samples.write_text(text.replace(load_built(built).report.build_id, "0" * 32))
    done = run_robot(folder / "small.robot", keywords)
    assert done.returncode == 1
    assert "the firmware is {'board': 'netduinoplus2'" in " ".join(done.stdout.split()), done.stdout


def test_sim_runs_the_image_of_the_board_with_qemu_in_renodes_place(qemu_for_renode, built, tmp_path):
    done = mcuq("sim", built, "--engine", "renode", "--limit", "4", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    assert (report["engine"], report["simulated_on"], report["mismatched_bytes"]) == ("Renode", None, 0)
    assert report["compared_bytes"] > 0
    # QEMU has no DWT, so that these ticks are no instructions: nothing is claimed.
    assert report["instructions_per_inference"] == {"kind": "unknown", "value": None}
    assert all(layer["instructions"] is None for layer in report["layers"])
    assert any("internal oscillator" in note for note in report["notes"])
    again = report_of(mcuq("sim", built, "--json", cwd=tmp_path))
    assert (again["engine"], again["notes"]) == ("QEMU", [])


# Renode itself


@needs_renode
@pytest.mark.parametrize("name", RENODE_BOARDS)
def test_renode_runs_the_firmware_of_every_board_at_full_clock_and_counts(name, tmp_path):
    board = board_named(name)
    elf, _ = build_for_board(board, tmp_path)
    with RenodeRunner(board, elf).start() as target, target.open_link() as link:
        identity = link.identify()
        assert identity.board == name
        assert not identity.clock_fallback
        assert identity.core_hz == board.clock.hz
        found = []
        for number, rounds in enumerate((1000, 1_001_000), 1):
            inputs = echo_inputs(rounds)
            assert link.run(inputs).outputs == (inputs[0], b"abc" + bytes((number,)))
            found.append(link.layer_ticks().ticks[1])
        target.check()
    if counts_instructions(board):
        assert identity.counter == "dwt"
        # The loop takes two instructions a round; a reading may be off by a block of translated code.
        assert abs(found[1] - found[0] - 2_000_000) <= 2_000, found
