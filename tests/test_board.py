"""Board files: every shipped one is sound and compiles; whatever else is in a file, the answer is one clear error."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcuq.board import (
    Board,
    Clock,
    Counter,
    Placement,
    Qemu,
    Uart,
    all_boards,
    board_named,
    load_board,
    simulated_board,
)
from mcuq.cli import run as cli
from mcuq.core import CORES, core_named
from mcuq.errors import BoardError
from mcuq.firmware import board_header, firmware_sources, linker_script
from mcuq.paths import BOARDS, TEMPLATES
from tests.firmware.building import build_for_board, run

BOARD_NAMES = [board.name for board in all_boards()]
GOOD = (BOARDS / "netduinoplus2.toml").read_text()


def test_the_promised_boards_are_there():
    assert set(BOARD_NAMES) >= {
        *("nucleo-f746zg", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"),
        *("netduinoplus2", "microbit", "stm32vldiscovery", "stm32f746g-disco", "nucleo-f446re", "nucleo-f767zi"),
        *("nucleo-l476rg", "nucleo-l4r5zi", "nucleo-g071rb", "nucleo-h743zi2", "nucleo-u575zi-q", "nrf52840-dk"),
        *("microbit-v2", "arduino-nano-33-ble", "nrf5340-dk", "rpi-pico", "rpi-pico2", "lpcxpresso55s69", "ek-ra8m1"),
        "ensemble-e8-dk",
    }


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_a_board_is_called_like_its_file(name):
    assert (BOARDS / f"{name}.toml").is_file()


def test_the_table_of_section_sizes_names_every_board_at_its_clock():
    table = (BOARDS.parent / "docs" / "boards.md").read_text(encoding="utf-8").split("<!-- sizes -->")[1]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in table.strip().splitlines()[2:]]
    assert rows == [[board.name, f"{board.clock.hz / 1e6:g}"] for board in all_boards()], "run scripts/board-sizes"


def test_an_alias_names_the_same_board():
    assert board_named("nucleo-f746") is board_named("nucleo-f746zg")


def test_an_unknown_board_is_answered_with_the_nearest():
    with pytest.raises(BoardError) as error:
        board_named("nucleo-f746zj")
    assert str(error.value) == "no such board: 'nucleo-f746zj'\nHint: did you mean nucleo-f746zg?"
    assert error.value.exit_code == 2


def test_an_unknown_board_like_no_other_is_sent_to_the_list():
    with pytest.raises(BoardError, match="mcuq boards"):
        board_named("§§")


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_every_board_can_be_simulated_on_its_own_core(name):
    board = board_named(name)
    machine = simulated_board(board)
    assert machine.qemu is not None
    assert machine.core_with_fpu.runs_code_of(board.core_with_fpu)


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_the_firmware_of_every_board_compiles_strictly_and_links_where_it_should(name, tmp_path):
    board = board_named(name)
    elf, own_objects = build_for_board(board, tmp_path, flags=("-Os",))
    symbols = {
        fields[2]: int(fields[0], 16)
        for fields in (line.split() for line in run(["arm-none-eabi-nm", elf]).splitlines())
        if len(fields) == 3
    }
    stack = board.bank(board.placement.stack)
    assert symbols["__mcuq_stack_bottom"] == stack.origin
    assert symbols["__mcuq_stack_top"] == stack.origin + 2048
    code = board.bank(board.placement.code)
    assert symbols["vectors"] == code.origin + (256 if name == "rpi-pico" else 0)
    assert symbols["mcuq_model_invoke"] in range(symbols["vectors"], code.end)
    sizes = [line.split() for line in run(["arm-none-eabi-size", *own_objects]).splitlines()[1:]]
    assert sum(int(size[0]) for size in sizes) < 4736


def crc_of_the_boot_rom(data: bytes) -> int:
    """The RP2040's: polynomial 04C11DB7, bit by bit, most significant first."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def flat_image(name: str, folder: Path) -> bytes:
    elf, _ = build_for_board(board_named(name), folder)
    run(["arm-none-eabi-objcopy", "-O", "binary", elf, folder / "image.bin"])
    return (folder / "image.bin").read_bytes()


def test_an_rp2040_image_begins_with_a_second_stage_that_its_boot_rom_takes(tmp_path):
    image = flat_image("rpi-pico", tmp_path)
    assert crc_of_the_boot_rom(b"123456789") == 0x0376E6E7  # as published for this CRC (CRC-32/MPEG-2)
    assert crc_of_the_boot_rom(image[:252]) == int.from_bytes(image[252:256], "little")
    stack, reset = struct.unpack_from("<II", image, 256)
    assert 0x2000_0000 < stack <= 0x2004_2000
    assert 0x1000_0100 < reset < 0x1000_0000 + len(image) and reset & 1


def test_an_rp2350_image_defines_itself_in_its_first_4_kb(tmp_path):
    image = flat_image("rpi-pico2", tmp_path)
    found = image.index(struct.pack("<I", 0xFFFFDED3))
    assert found % 4 == 0 and found + 20 <= 4096
    assert struct.unpack_from("<5I", image, found) == (0xFFFFDED3, 0x10210142, 0x000001FF, 0, 0xAB123579)
    assert struct.unpack_from("<I", image)[0] in range(0x2000_0000, 0x2008_2001)  # the vectors stand first


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_generated_text_is_the_same_each_time(name):
    board = board_named(name)
    assert board_header(board) == board_header(load_board(BOARDS / f"{name}.toml"))
    assert linker_script(board, 1000) == linker_script(board, 1000)


def test_the_stack_is_rounded_up_to_eight_bytes():
    assert "== 1000," in linker_script(board_named("microbit"), 999)


def test_a_board_needs_no_python_to_be_added(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace('name = "netduinoplus2"', 'name = "mine"'))
    board = load_board(path)
    assert board.name == "mine"
    assert all(source.is_file() for source in firmware_sources(board))
    assert '"mine"' in board_header(board)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("baud = 115_200", 'baud = "fast"', "uart.baud: "),
        ("baud = 115_200", "baud = true", "uart.baud: "),
        ("baud = 115_200", "baud = 115_200\nbits = 8", "uart.bits: "),
        ("hz = 168_000_000", "hz = 160_000_000", "clock: hse_hz and pll make 168000000 Hz, but hz is 160000000"),
        ("q = 7", "q = 99", "clock.pll.q: "),
        ("q = 7", "q = 1", "clock: pll.q is 1, which the PLL of 'stm32f4' cannot be set to"),
        ("p = 2, q = 7", "p = 2, q = 7, r = 2", "clock: driver 'stm32f4' has no use for pll.r"),
        ("m = 25, n = 336, p = 2", "m = 20, n = 400, p = 2", "clock: the PLL runs at 500000000 Hz, but may run at 100"),
        ("flash_wait_states = 5", "", "clock: driver 'stm32f4' needs flash_wait_states"),
        ('driver = "stm32f4"', 'driver = "stm32l4"', "clock: driver 'stm32l4' has no use for hse_hz"),
        ('core = "cortex-m4"', 'core = "cortex-m44"', "no such core: 'cortex-m44'"),
        ('core = "cortex-m4"', 'core = "cortex-m3"', "cortex-m3 cannot have the FPU 'fpv4-sp-d16'"),
        ("size = 0x0002_0000", "size = 0x9999_9999_9999", "memory.1.size: "),
        ("origin = 0x2000_0000", "origin = 0x0800_1000", "memory banks 'flash' and 'ram' overlap"),
        ('arena = "ram"', 'arena = "flash"', "placement.arena is 'flash'"),
        ('arena = "ram"', 'arena = "psram"', "placement.arena is 'psram'"),
        ('arena = "ram"', "", "placement.arena: "),
        ('bus = "apb2"', "", "uart: driver 'stm32-usart-v1' needs bus"),
        ('port = "C", pin = 6', "pin = 6", "uart: driver 'stm32-usart-v1' needs tx.port"),
        ('port = "C", pin = 6', 'port = "0", pin = 6', "uart: driver 'stm32-usart-v1' knows no port 0"),
        ('port = "C", pin = 6', 'port = "C", pin = 16', "uart: a port has pins 0 to 15"),
        ("icount_shift = 5", "icount_shift = 3", "qemu: icount_shift is too small"),
        ("tick_hz = 168_000_000", "tick_hz = 168_000_001", "qemu: tick_hz must be whole MHz"),
        ('machine = "netduinoplus2"', 'machine = "-S,none"', "qemu.machine: "),
        ('title = "Netduino', 'title = "*/ #error ', "title: "),
        ('name = "netduinoplus2"', 'name = "a\\" #error"', "name: "),
        ('name = "ram"', 'name = "ram ; }"', "memory.1.name: "),
        ("[qemu]", "[qemu]\n[qemu]", "is not TOML"),
        ("[qemu]", "simulate_on = 3\n[qemu]", "link.simulate_on: "),
        ('core = "cortex-m4"', 'core = "cortex-m4"\nsimulate_on = "mps2-an386"', "qemu or simulate_on, not both"),
        ('core = "cortex-m4"', 'core = "cortex-m4"\ncaches = true', "cortex-m4 has no caches"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(tmp_path, old, new, said):
    path = tmp_path / "wrong.toml"
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    path.write_text(text)
    with pytest.raises(BoardError) as error:
        load_board(path)
    assert str(path) in str(error.value)
    assert said in str(error.value)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"a = " + b"[" * 5000, b"x = 1979-05-27", b"x = nan", b"#" * 70000, b'memory = "no"', b"\0"],
)
def test_what_is_no_board_file_is_one_board_error(tmp_path, content):
    path = tmp_path / "none.toml"
    path.write_bytes(content)
    with pytest.raises(BoardError):
        load_board(path)


def test_a_missing_file_and_a_folder_are_board_errors(tmp_path):
    for path in (tmp_path / "no.toml", tmp_path):
        with pytest.raises(BoardError, match="cannot be read"):
            load_board(path)


@given(cut=st.integers(0, len(GOOD)), junk=st.text(max_size=12), length=st.integers(0, 30))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_board_file_is_a_board_or_a_board_error(tmp_path, cut, junk, length):
    path = tmp_path / "damaged.toml"
    path.write_text(GOOD[:cut] + junk + GOOD[cut + length :], newline="")
    with contextlib.suppress(BoardError):
        assert isinstance(load_board(path), Board)


def test_the_systick_handler_takes_a_whole_number_of_ticks_on_every_machine():
    for board in all_boards():
        if board.qemu is not None:
            assert (125 * board.qemu.tick_hz << board.qemu.icount_shift) % 10**9 == 0


@given(instructions=st.integers(0, 10**12), off=st.integers(-2, 2), mhz=st.integers(16, 400), more=st.integers(0, 1))
def test_instructions_are_exact_when_counting_is_two_ticks_off(instructions, off, mhz, more):
    shift = more + next(n for n in range(3, 10) if mhz << n > 4100)
    qemu = Qemu(machine="any", serial=0, tick_hz=mhz * 1_000_000, icount_shift=shift)
    period_ns = (10**9 << 24) // qemu.tick_hz  # what QEMU makes of SysTick's period
    ticks = (instructions << shift + 24) // period_ns
    assert qemu.instructions(ticks + off) in range(instructions - 1, instructions + 2)
    assert qemu.instructions(ticks) == instructions


def test_cores_have_the_flags_that_select_them():
    assert core_named("cortex-m3").gcc_flags == ("-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft")
    m7 = core_named("cortex-m7").with_fpu("fpv5-d16")
    assert m7.gcc_flags == ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16")
    assert core_named("cortex-m85").gcc_flags == core_named("cortex-m55").gcc_flags
    assert core_named("cortex-m55").gcc_flags == ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto")


@pytest.mark.parametrize("core", CORES.values(), ids=lambda core: core.name)
def test_the_compiler_agrees_on_what_a_core_can_do(core):
    for fpu in (core.fpu, *core.fpus):
        flags = dataclasses.replace(core, fpu=fpu).gcc_flags
        macros = run(["arm-none-eabi-gcc", *flags, "-dM", "-E", "-x", "c", "/dev/null"])
        assert ("__ARM_FEATURE_DSP 1" in macros) == core.has_dsp
        assert ("__ARM_FEATURE_MVE" in macros) == core.has_mve
        assert ("__ARM_FEATURE_UNALIGNED 1" in macros) == core.has_unaligned
        assert ("__ARM_FP " in macros) == (fpu is not None)


def test_an_unknown_core_is_answered_with_the_nearest():
    with pytest.raises(BoardError, match="did you mean cortex-m4"):
        core_named("cortex-m4f")


def test_a_new_board_file_is_good_and_is_never_written_over(tmp_path, capfd):
    path = tmp_path / "mine.toml"
    assert cli(["boards", "new", str(path)]) == 0
    board = load_board(path)
    assert board.name == "my-board" and simulated_board(board).name == "mps2-an386"
    fields = {"memory", "name", "title", "usb", "flash", "renode"}
    assert board.model_dump(exclude=fields) == board_named("nucleo-f446re").model_copy(
        update={"aliases": ()}
    ).model_dump(exclude=fields)
    path.write_text("precious")
    assert cli(["boards", "new", str(path)]) == 2
    assert path.read_text() == "precious"
    assert cli(["boards", "new", str(tmp_path / "no" / "such.toml")]) == 2
    assert "No such file or directory" in capfd.readouterr().err


def test_the_new_board_file_names_every_driver_and_every_key(tmp_path):
    text = (TEMPLATES / "board.toml").read_text()
    for model, key in ((Clock, "driver"), (Uart, "driver"), (Uart, "bus"), (Counter, "driver")):
        annotation = model.model_fields[key].annotation
        names = [name for part in (annotation, *get_args(annotation)) for name in get_args(part) or (part,)]
        for name in names:
            assert not isinstance(name, str) or name in text, name
    for key in (*Placement.model_fields, *Board.model_fields):
        assert key == "qemu" or key in text, key


@pytest.mark.parametrize(
    ("arguments", "found", "missing"),
    [
        ([], ("microbit", "rpi-pico2", "nucleo-h743zi2"), ()),
        (["--core", "m33"], ("nrf5340-dk", "rpi-pico2", "nucleo-u575zi-q"), ("nucleo-f446re", "microbit")),
        (["--core", "cortex-m4", "--ram", "600K"], ("nucleo-l4r5zi",), ("nucleo-l476rg", "nucleo-u575zi-q")),
        (["--flash", "2M", "--ram", "200K"], ("rpi-pico", "nucleo-h743zi2"), ("nucleo-f746zg", "nucleo-f446re")),
    ],
)
def test_boards_are_searched(capfd, arguments, found, missing):
    assert cli(["boards", *arguments]) == 0
    names = {line.split()[0] for line in capfd.readouterr().out.splitlines()}
    assert names >= set(found) and not names & set(missing)


def test_a_search_that_finds_nothing_and_a_core_that_is_none_are_usage_errors(capfd):
    assert cli(["boards", "--ram", "1000M"]) == 2
    assert "no board is like that" in capfd.readouterr().err
    assert cli(["boards", "--core", "m34"]) == 2
    assert "no such core: 'cortex-m34'" in capfd.readouterr().err


def test_a_board_is_shown_by_its_name_or_alias(capfd):
    assert cli(["boards", "show", "pico"]) == 0
    assert capfd.readouterr().out == (BOARDS / "rpi-pico.toml").read_text()
    assert cli(["boards", "show", "picco"]) == 2
    assert "did you mean pico?" in capfd.readouterr().err
