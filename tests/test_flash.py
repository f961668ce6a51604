"""Flashing: exact command lines, the choice of tool and probe, what tools' own words become, and the real tools as far
as they go without a board.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from mcuq.board import Board, FlashRunner, all_boards, board_named
from mcuq.built import Built
from mcuq.cli import run
from mcuq.errors import RunError, ToolError, UsageError
from mcuq.flash import flashers
from mcuq.flash.own_command import OwnCommand, own_command
from mcuq.flash.uf2_copy import the_drive
from mcuq.flash.write import Job, job_for, write
from mcuq.paths import BOARDS
from mcuq.uf2 import Segment, from_uf2, segments_of, to_uf2
from mcuq.usb import UsbDevice, board_port, usb_devices
from tests.firmware.building import build_for_board
from tests.harness.small_models import dense, mcuq

NUCLEO = board_named("nucleo-f746zg")
ST_LINK = UsbDevice("0483:374b", "066DFF50", "STM32 STLink")
OTHER_ST_LINK = UsbDevice("0483:3748", "B55B5A1A", "STM32 STLink")
J_LINK = UsbDevice("1366:0105", "000683123456", "J-Link")
KEYBOARD = UsbDevice("046d:c31c", None, "USB Keyboard")

COMMANDS = {
    "openocd": (("openocd", "-f", "T", "-c", "adapter serial 066DFF50", "-c", "program /b/net.elf verify reset exit"),),
    "pyocd": (("pyocd", "load", "--no-config", "--no-wait", "--target", "T", "--uid", "066DFF50", "/b/net.elf"),),
    "probe-rs": (
        (
            *("probe-rs", "download", "--chip", "T", "--non-interactive", "--probe", "066DFF50"),
            *("--verify", "--disable-progressbars", "/b/net.elf"),
        ),
        ("probe-rs", "reset", "--chip", "T", "--non-interactive", "--probe", "066DFF50"),
    ),
    "st-flash": (("st-flash", "--reset", "--serial", "066DFF50", "write", "/b/net.bin", "0x08000000"),),
    "stm32cubeprogrammer": (
        (
            *("STM32_Programmer_CLI", "-c", "port=SWD", "mode=UR", "reset=HWrst", "sn=066DFF50"),
            *("-w", "/b/net.elf", "-v", "-rst"),
        ),
    ),
    "jlink": (
        (
            *("JLinkExe", "-NoGui", "1", "-ExitOnError", "1", "-SelectEmuBySN", "066DFF50", "-Device", "T"),
            *("-If", "SWD", "-Speed", "4000", "-AutoConnect", "1", "-CommandFile", "/b/net.jlink"),
        ),
    ),
    "dfu-util": (
        (
            *("dfu-util", "--device", "T", "--alt", "0", "--serial", "066DFF50"),
            *("--dfuse-address", "0x08000000:leave", "--download", "/b/net.bin"),
        ),
    ),
    "picotool": (("picotool", "load", "--verify", "--execute", "/b/net.uf2", "--ser", "066DFF50"),),
    "uf2": (("dd", "if=/b/net.uf2", "of=066DFF50/net.uf2", "bs=64K", "conv=fsync"),),
}


def test_every_runner_is_held_to_its_command_line():
    assert set(COMMANDS) == set(flashers())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_tool_is_called_with_exactly_this(name):
    assert flashers()[name](Path("/b/net.elf"), 0x0800_0000, "T", "066DFF50").commands() == COMMANDS[name]


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"uf2"}))
def test_without_a_probe_to_name_none_is_named(name):
    plain = flashers()[name](Path("/b/net.elf"), 0x0800_0000, "T").commands()
    assert "066DFF50" not in repr(plain)
    assert all(len(short) < len(full) for short, full in zip(plain, COMMANDS[name], strict=True))


def test_the_script_for_j_link_writes_verifies_and_starts():
    flasher = flashers()["jlink"](Path("/b c/net.elf"), 0x0800_0000, "STM32F746ZG")
    assert flasher.files() == {
        Path("/b c/net.jlink"): 'r\nh\nloadfile "/b c/net.hex"\nverifybin "/b c/net.bin", 0x08000000\nr\ng\nexit\n'
    }


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_every_board_names_runners_that_exist_with_what_they_need(board):
    for way in board.flash:
        assert way.runner in flashers()
        assert (way.target is not None) >= flashers()[way.runner].needs_target, way
        assert flashers()[way.runner].suffix != ".uf2" or board.uf2_family is not None, way
    assert board.flash or board.name.startswith("mps"), "a board that one can buy says how it is flashed"


def test_a_board_file_cannot_name_files_outside_the_tools_own():
    for target in ("/etc/evil.cfg", "../evil.cfg", "board/../../evil.cfg", "-f", "a b", "a;b", "a$b", "a[b]", ""):
        with pytest.raises(ValueError, match="target"):
            FlashRunner(runner="openocd", target=target)


def test_a_board_names_a_runner_once():
    twice = (FlashRunner(runner="st-flash"), FlashRunner(runner="st-flash"))
    with pytest.raises(ValueError, match="flash names a runner twice"):
        Board(**{**dict(NUCLEO), "flash": twice})


# The choice of tool and probe


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A PATH with nothing in it but what the test puts there: a program that prints, and ends with a code."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name: str, output: str = "", code: int = 0) -> None:
        script = folder / name
        script.write_text(
            f"#!/bin/sh\nwhile read -r line; do echo \"$line\"; done <<'END'\n{output}\nEND\nexit {code}\n"
        )
        script.chmod(0o755)

    return add


def built_for(board: Board, folder: Path) -> Built:
    for suffix in (".elf", ".bin", ".hex", ".uf2"):
        (folder / f"net{suffix}").write_bytes(b"image")
    return Built(folder, folder, 0, board, None, None, folder / "net.elf", None, ())


def test_the_boards_first_installed_runner_is_taken_and_another_by_name(tools, tmp_path):
    tools("st-flash")
    tools("pyocd")
    built = built_for(NUCLEO, tmp_path)
    assert job_for(built, None, None, (), dry=False).flasher.name == "st-flash"
    assert job_for(built, "pyocd", None, (), dry=False).flasher.target == "stm32f746zgtx"


def test_without_any_runner_installed_the_error_says_how_to_get_each(tools, tmp_path):
    with pytest.raises(ToolError, match="no tool that can flash nucleo-f746zg") as error:
        job_for(built_for(NUCLEO, tmp_path), None, None, (), dry=False)
    assert error.value.exit_code == 6
    assert [line.split(":")[0] for line in error.value.details] == [way.runner for way in NUCLEO.flash]
    assert "openocd: sudo apt-get install openocd" in error.value.details
    dry = job_for(built_for(NUCLEO, tmp_path), None, None, (ST_LINK, OTHER_ST_LINK), dry=True)
    assert dry.flasher.commands()[0][0] == "openocd"


def test_a_named_runner_that_is_missing_says_how_to_get_it(tools, tmp_path):
    with pytest.raises(ToolError, match="st-flash was not found") as error:
        write(job_for(built_for(NUCLEO, tmp_path), "st-flash", None, (), dry=False))
    assert error.value.hint == "sudo apt-get install stlink-tools"


def test_an_unknown_runner_and_a_board_without_a_target_for_it(tmp_path):
    built = built_for(NUCLEO, tmp_path)
    with pytest.raises(UsageError, match="did you mean openocd"):
        job_for(built, "opencd", None, (), dry=True)
    with pytest.raises(UsageError, match="does not say what dfu-util calls it"):
        job_for(built, "dfu-util", None, (), dry=True)
    with pytest.raises(UsageError, match="does not say how its flash is written"):
        job_for(built_for(board_named("mps2-an386"), tmp_path), None, None, (), dry=True)
    (tmp_path / "net.uf2").unlink()
    with pytest.raises(UsageError, match=r"has no net\.uf2"):
        job_for(built, "picotool", None, (), dry=True)


def test_between_two_probes_nothing_is_guessed(tools, tmp_path):
    tools("openocd")
    tools("probe-rs")
    built = built_for(NUCLEO, tmp_path)
    twin = dataclasses.replace(ST_LINK, serial="0670FF11")
    with pytest.raises(ToolError, match="2 debug probes") as error:
        job_for(built, None, None, (ST_LINK, twin, KEYBOARD), dry=False)
    assert "--probe" in error.value.hint
    assert "066DFF50" in error.value.details[0] and "0670FF11" in error.value.details[1]
    assert job_for(built, None, "0670FF11", (ST_LINK, twin), dry=False).flasher.probe == "0670FF11"
    assert job_for(built, "probe-rs", "0670FF11", (ST_LINK, twin), dry=False).flasher.probe == "0483:374b:0670FF11"


def test_one_probe_need_not_be_named_and_the_boards_own_is_known_among_others(tools, tmp_path):
    tools("openocd")
    built = built_for(NUCLEO, tmp_path)
    assert job_for(built, None, None, (ST_LINK, KEYBOARD), dry=False).flasher.probe is None
    assert job_for(built, None, None, (ST_LINK, J_LINK, OTHER_ST_LINK), dry=False).flasher.probe == "066DFF50"
    with pytest.raises(ToolError, match="2 debug probes"):
        job_for(built, None, None, (J_LINK, OTHER_ST_LINK), dry=False)


# A command of one's own


def test_a_command_of_ones_own_is_run_word_by_word_where_one_stands(tmp_path, monkeypatch):
    (tmp_path / "a b").mkdir()
    (tmp_path / "flash.sh").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >words\n')
    (tmp_path / "flash.sh").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    built = built_for(NUCLEO, tmp_path / "a b")
    flasher = own_command(built, "./flash.sh {elf} '$HOME; {hex} {other}' {{bin}}")
    write(Job(NUCLEO, flasher))
    stem = f"{tmp_path}/a b/net"
    assert (tmp_path / "words").read_text() == f"{stem}.elf\n$HOME; {stem}.hex {{other}}\n{{{stem}.bin}}\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "names no file to write"),
        ("make flash", "names no file to write"),
        ("flash '{elf}", "cannot be split into words"),
        ("flash {uf2}", r"has no net\.uf2"),
    ],
)
def test_a_command_that_cannot_flash_is_a_usage_error(tmp_path, command, said):
    built = built_for(NUCLEO, tmp_path)
    (tmp_path / "net.uf2").unlink()
    with pytest.raises(UsageError, match=said):
        own_command(built, command)


def test_a_command_of_ones_own_that_fails_or_is_missing(tools, tmp_path):
    built = built_for(NUCLEO, tmp_path)
    tools("flash", "no board here", code=3)
    with pytest.raises(RunError, match="the command failed with exit code 3") as error:
        write(Job(NUCLEO, own_command(built, "flash {elf}")))
    assert error.value.details == ("no board here",)
    with pytest.raises(ToolError, match="flosh could not be started"):
        write(Job(NUCLEO, own_command(built, "flosh {elf}")))


def test_no_board_file_can_name_a_command():
    assert all(not issubclass(kind, OwnCommand) for kind in flashers().values())


# What a tool says


FAILURES = [
    ("openocd", "Error: open failed\nin procedure 'program'", ToolError, "found no probe"),
    ("openocd", "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed", ToolError, "may not open"),
    ("openocd", "Info : Target voltage: 3.2\nWarn : UNEXPECTED idcode: 0x10006411", RunError, "not nucleo-f746zg's"),
    ("openocd", "Error: init mode failed (unable to connect to the target)", RunError, "does not reach the chip"),
    ("openocd", "Error: stm32x device protected", RunError, "locked"),
    ("openocd", "** Verify Failed **", RunError, "does not hold what was written"),
    ("openocd", "Info : Target voltage: 3.2\nsomething else", RunError, "openocd failed with exit code 1"),
    ("st-flash", "WARN usb.c: Couldn't find any ST-Link devices", ToolError, "found no probe"),
    ("st-flash", "Could not open USB device 0x0483:0x374b, access error.", ToolError, "may not open"),
    ("pyocd", "No connected debug probes", ToolError, "found no probe"),
    ("pyocd", "C Target type stm32f746zgtx not recognized.", RunError, "does not know stm32f746zgtx"),
    ("probe-rs", "Error: 2 probes were found: [0]: STLink V2-1", ToolError, "more than one probe"),
    ("STM32_Programmer_CLI", "Error: No debug probe detected.", ToolError, "found no probe"),
    ("STM32_Programmer_CLI", "Error: No STM32 target found!", RunError, "does not reach the chip"),
    ("JLinkExe", "Connecting to J-Link via USB...FAILED: Cannot connect to the probe", ToolError, "found no probe"),
]


@pytest.mark.parametrize(("program", "output", "kind", "words"), FAILURES)
def test_a_tools_words_become_an_error_that_helps(tools, tmp_path, program, output, kind, words):
    tools(program, output, code=1)
    runner = next(name for name, one in flashers().items() if one.program == program)
    with pytest.raises(kind, match=words) as error:
        write(job_for(built_for(NUCLEO, tmp_path), runner, None, (), dry=False))
    assert error.value.details[-1] == output.splitlines()[-1]
    assert error.value.hint


def test_a_missing_permission_comes_with_the_rule_that_grants_it(tools, tmp_path):
    tools("openocd", "LIBUSB_ERROR_ACCESS", code=1)
    with pytest.raises(ToolError) as error:
        write(job_for(built_for(NUCLEO, tmp_path), "openocd", None, (), dry=False))
    assert 'SUBSYSTEM=="usb", ATTR{idVendor}=="0483", TAG+="uaccess"' in error.value.hint
    assert "/etc/udev/rules.d/70-mcuq.rules" in error.value.hint


def test_success_is_what_the_tool_says_and_not_its_exit_code_alone(tools, tmp_path):
    built = built_for(NUCLEO, tmp_path)
    tools("STM32_Programmer_CLI", "Error: failed to download data\nDownloading 8-bit data done successfully")
    with pytest.raises(RunError, match="ended without a word of success"):
        write(job_for(built, "stm32cubeprogrammer", None, (), dry=False))
    tools("STM32_Programmer_CLI", "Download verified successfully")
    write(job_for(built, "stm32cubeprogrammer", None, (), dry=False))


# The real tools


def needs(tool: str, what: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed: not checked {what}")


OPENOCD_BOARDS = [b.name for b in all_boards() if any(way.runner == "openocd" for way in b.flash)]


@pytest.mark.parametrize("name", OPENOCD_BOARDS)
def test_openocd_reads_the_boards_configuration(name):
    needs("openocd", "that OpenOCD has the board's configuration")
    target = next(way.target for way in board_named(name).flash if way.runner == "openocd")
    # Read up to the point where an adapter would be opened.
    done = subprocess.run(
        ["openocd", "-f", target, "-c", "shutdown"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("runner", ["openocd", "st-flash", "dfu-util", "pyocd"])
def test_without_a_probe_the_real_tool_is_understood(tmp_path, runner):
    kind = flashers()[runner]
    needs(kind.program, "what it says without a probe")
    if any(device.id.startswith(("0483", "1366", "0d28")) for device in usb_devices()):
        pytest.skip(f"a probe is connected: not checked what {runner} says without one")
    board = board_named("netduinoplus2" if runner == "dfu-util" else "nucleo-f746zg")
    folder = tmp_path / "a b{c"
    folder.mkdir()
    with pytest.raises(ToolError, match=f"{runner} found no probe") as error:
        write(job_for(built_for(board, folder), runner, None, (), dry=False))
    assert error.value.exit_code == 6


def test_openocd_takes_any_path_as_one_word(tmp_path):
    needs("openocd", "how OpenOCD reads a path")
    odd = tmp_path / 'a b{c$d[e]"f;g\\h' / "net.elf"
    odd.parent.mkdir()
    odd.write_bytes(b"image")
    write_it = flashers()["openocd"](odd, 0x0800_0000, "x.cfg").commands()[0][-1]
    word = write_it.removeprefix("program ").removesuffix(" verify reset exit")
    done = subprocess.run(
        ["openocd", "-c", f"echo [file size {word}]; shutdown"], capture_output=True, text=True, timeout=30, check=False
    )
    assert "\n5\n" in done.stderr, done.stderr


def test_pyocd_knows_the_chips_that_it_has_built_in():
    needs("pyocd", "pyOCD's names of chips")
    listed = subprocess.run(
        ["pyocd", "list", "--targets"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    builtin = {line.split()[0] for line in listed.splitlines() if "builtin" in line}
    named = {way.target for board in all_boards() for way in board.flash if way.runner == "pyocd"}
    assert "nrf51822" in named & builtin
    # What is not built in comes from a CMSIS pack, whose names are part numbers in lower case.
    assert all(target == target.lower() for target in named)


def test_a_tool_is_ended_with_ctrl_c(tmp_path, monkeypatch):
    marker = tmp_path / "pid"
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "st-flash").write_text(f"#!/bin/sh\necho $$ >{marker}\nexec sleep 60\n")
    (folder / "st-flash").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    job = job_for(built_for(NUCLEO, tmp_path), "st-flash", None, (), dry=False)

    def interrupt() -> None:
        while not (marker.exists() and marker.read_text().strip()):
            time.sleep(0.02)
        os.kill(os.getpid(), 2)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        write(job)
    thread.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


# UF2


def test_a_uf2_file_reads_back_as_what_the_elf_holds(tmp_path):
    elf, _ = build_for_board(NUCLEO, tmp_path)
    segments = segments_of(elf)
    data = to_uf2(segments, 0xE48BFF56)
    assert len(data) % 512 == 0
    family, found = from_uf2(data)
    assert family == 0xE48BFF56
    memory = {s.address + i: byte for s in found for i, byte in enumerate(s.data)}
    for segment in segments:
        assert bytes(memory[segment.address + i] for i in range(len(segment.data))) == segment.data
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(tmp_path / "whole.bin")], check=True)
    whole = (tmp_path / "whole.bin").read_bytes()
    assert found[0].address == 0x0800_0000
    assert found[0].data[: len(whole)] == whole


def test_a_board_with_a_uf2_boot_loader_has_its_file_built_and_flashing_takes_it(tmp_path, capfd):
    text = (BOARDS / "netduinoplus2.toml").read_text().replace("[clock]", "uf2_family = 0x5775_5A57\n\n[clock]")
    (tmp_path / "own.toml").write_text(text)
    (tmp_path / "net.tflite").write_bytes(dense())
    done = mcuq("build", "net.tflite", "--board-file", "own.toml", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    family, (found,) = from_uf2((tmp_path / "out" / "net.uf2").read_bytes())
    binary = (tmp_path / "out" / "net.bin").read_bytes()
    assert (family, found.address, found.data[: len(binary)]) == (0x5775_5A57, 0x0800_0000, binary)
    assert not found.data[len(binary) :].strip(b"\0")
    done = mcuq("flash", "out", "--runner", "picotool", "--dry-run", cwd=tmp_path)
    assert done.stdout == f"picotool load --verify --execute {tmp_path}/out/net.uf2\n"
    own = ["flash", str(tmp_path / "out"), "--flash-command", "./flash.sh {bin}"]
    assert run([*own, "--dry-run"]) == 0
    assert capfd.readouterr().out == f"./flash.sh {tmp_path}/out/net.bin\n"
    assert run([*own, "--runner", "picotool"]) == 2
    assert "goes with neither --runner nor --probe" in capfd.readouterr().err


def test_a_uf2_block_is_laid_out_as_the_format_says():
    data = to_uf2([Segment(0x1000_0010, b"ab")], 0xE48BFF56)
    assert len(data) == 512
    assert data[:32].hex() == "5546320a57515d9e0020000000000010000100000000000001000000" + "56ff8be4"
    assert data[32:52] == bytes(16) + b"ab" + bytes(2)
    assert data[508:].hex() == "306fb10a"


@pytest.mark.parametrize("spoil", [0, 4, 8, 20, 24, 511])
def test_a_spoiled_uf2_file_is_refused(spoil):
    data = bytearray(to_uf2([Segment(0x1000_0000, bytes(600))], 0xE48BFF56))
    data[spoil] ^= 0xFF
    with pytest.raises(ValueError, match="block 0"):
        from_uf2(bytes(data))
    with pytest.raises(ValueError, match="no UF2 file"):
        from_uf2(bytes(data[:-1]))


def test_a_uf2_file_is_copied_and_the_drives_going_is_the_proof(tmp_path, monkeypatch):
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\n")
    assert the_drive("RPI-RP2", [tmp_path]) == drive
    built = built_for(NUCLEO, tmp_path)
    job = Job(NUCLEO, flashers()["uf2"](built.image, 0x1000_0000, "RPI-RP2", str(drive)))

    def boot_loader() -> None:
        while not (drive / "net.uf2").exists() or (drive / "net.uf2").read_bytes() != b"image":
            time.sleep(0.02)
        (drive / "INFO_UF2.TXT").unlink()

    thread = threading.Thread(target=boot_loader)
    thread.start()
    write(job)
    thread.join()
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\n")
    monkeypatch.setattr("mcuq.flash.uf2_copy.RESTART_TIMEOUT_S", 0.3)
    with pytest.raises(RunError, match="did not take the image"):
        write(job)


def test_no_drive_and_two_drives(tmp_path):
    with pytest.raises(ToolError, match="no drive RPI-RP2"):
        the_drive("RPI-RP2", [tmp_path])
    for name in ("RPI-RP2", "RPI-RP21"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "INFO_UF2.TXT").touch()
    with pytest.raises(ToolError, match="2 boot loaders"):
        the_drive("RPI-RP2", [tmp_path, tmp_path / "none"])


# USB


def test_devices_are_read_from_sysfs(tmp_path):
    for name, texts in {
        "1-1": {"idVendor": "0483\n", "idProduct": "374b\n", "serial": "066DFF50\n", "product": "STM32 STLink\n"},
        "1-1:1.0": {"bInterfaceNumber": "00\n"},
        "1-2": {"idVendor": "046d\n", "idProduct": "c31c\n", "product": "USB Keyboard\n"},
        "1-3": {"idVendor": "0483\n", "idProduct": "3748\n"},
    }.items():
        (tmp_path / name).mkdir()
        for file, text in texts.items():
            (tmp_path / name / file).write_text(text)
    (tmp_path / "1-3" / "serial").write_bytes(b"\x42\xff\x6b\n")  # what old ST-LINKs have
    assert usb_devices(tmp_path) == (KEYBOARD, UsbDevice("0483:3748"), ST_LINK)
    assert usb_devices(tmp_path / "none") == ()


def test_a_boards_port_is_found_by_its_ids_and_never_guessed():
    own = dataclasses.replace(ST_LINK, port="/dev/ttyACM0")
    other = UsbDevice("0403:6001", "A1", "FT232R", "/dev/ttyUSB0")
    assert board_port(NUCLEO, [other, own]) == "/dev/ttyACM0"
    with pytest.raises(ToolError, match="no serial port of nucleo-f746zg") as error:
        board_port(NUCLEO, [other])
    assert error.value.details == ("/dev/ttyUSB0: 0403:6001 FT232R, serial number A1",)
    with pytest.raises(ToolError, match="2 serial ports may be nucleo-f746zg's"):
        board_port(NUCLEO, [own, dataclasses.replace(own, port="/dev/ttyACM1")])
    with pytest.raises(ToolError, match="no serial port of its own"):
        board_port(board_named("netduinoplus2"), [other])
