"""The firmware's protocol code as a host process under sanitizers, fed with what no host would send."""

from __future__ import annotations

import struct
import subprocess
import zlib

import pytest

from mcuq.frames import Frame, FrameDecoder, decode, encode
from mcuq.paths import FIRMWARE
from tests.firmware.building import FED_MODEL, HERE, SANITIZERS, STRICT, build_for_host, run

HELLO, BUFFERS, WRITE_INPUT, RUN, READ_OUTPUT, LAYERS, STACK, INPUT = range(1, 9)
SELECT = 0x0C
NAK = 0xFF
PAYLOAD_BYTES = 4096


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    return build_for_host(tmp_path_factory.mktemp("firmware"))


def answers(firmware, line: bytes) -> list[Frame]:
    """What the firmware answers to ``line`` after HELLO; it must end by itself and in order."""
    greeting, *frames = answers_ungreeted(firmware, ask(0, HELLO) + line)
    assert greeting.type == 0x81
    return frames


def answers_ungreeted(firmware, line: bytes) -> list[Frame]:
    done = subprocess.run([str(firmware)], input=line, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    decoder = FrameDecoder()
    frames = decoder.feed(done.stdout)
    assert decoder.dropped == 0
    return frames


def ask(sequence: int, kind: int, body: bytes = b"") -> bytes:
    return encode(Frame(kind, sequence, body))


def write(sequence: int, index: int, offset: int, data: bytes) -> bytes:
    return ask(sequence, WRITE_INPUT, struct.pack("<BI", index, offset) + data)


def read(sequence: int, index: int, offset: int, count: int) -> bytes:
    return ask(sequence, READ_OUTPUT, struct.pack("<BIH", index, offset, count))


def test_a_session_runs_the_model(firmware):
    data = bytes(5) + bytes(range(256)) * 2 + bytes(83)
    line = write(1, 0, 0, data[:300]) + write(2, 0, 300, data[300:]) + write(3, 1, 0, b"xyz") + ask(4, RUN)
    *written, ran, first, second = answers(firmware, line + read(5, 0, 0, 600) + read(6, 1, 0, 4))
    assert written == [Frame(0x83, sequence, b"") for sequence in (1, 2, 3)]
    assert ran == Frame(0x84, 4, bytes(12))
    assert first == Frame(0x85, 5, data)
    assert second == Frame(0x85, 6, b"xyz\x01")


def test_a_repeated_run_is_answered_again_and_executed_once(firmware):
    *ran, output = answers(firmware, ask(1, RUN) * 5 + ask(2, RUN) + read(3, 1, 3, 1))
    assert ran == [Frame(0x84, 1, bytes(12))] * 5 + [Frame(0x84, 2, bytes(12))]
    assert output.body == b"\x02"


@pytest.mark.parametrize(
    ("request_bytes", "reason"),
    [
        (ask(9, 0x09), 1),
        (ask(9, 0x08), 1),
        (ask(9, 0x00), 1),
        (ask(9, 0x84), 1),
        (ask(9, HELLO, b"xy"), 2),
        (ask(9, HELLO, b"\2"), 3),
        (ask(9, BUFFERS, b"\0"), 2),
        (ask(9, WRITE_INPUT, b"\0\0\0\0"), 2),
        (ask(9, RUN, b"\0"), 2),
        (ask(9, READ_OUTPUT), 2),
        (ask(9, LAYERS), 2),
        (ask(9, STACK, b"123"), 2),
        (ask(9, SELECT), 2),
        (ask(9, SELECT, b"\2"), 3),
        (write(9, 2, 0, b"a"), 3),
        (write(9, 255, 0, b""), 3),
        (read(9, 2, 0, 0), 3),
        (write(9, 0, 600, b"a"), 4),
        (write(9, 0, 601, b""), 4),
        (write(9, 0, 0, bytes(601)), 4),
        (write(9, 0, 0xFFFFFFFF, b"ab"), 4),
        (write(9, 1, 0, b"abcd"), 4),
        (read(9, 0, 0, 601), 4),
        (read(9, 0, 0xFFFFFFFF, 2), 4),
        (read(9, 0, 0, 0xFFFF), 4),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(firmware, request_bytes, reason):
    (answer,) = answers(firmware, request_bytes)
    assert answer == Frame(NAK, 9, bytes((request_bytes_type(request_bytes), reason)))


def request_bytes_type(request_bytes: bytes) -> int:
    frame = decode(request_bytes.strip(b"\0"))
    assert frame is not None
    return frame.type


def test_lists_are_given_from_the_index_asked_for(firmware):
    line = ask(1, BUFFERS, b"\0\0") + ask(2, BUFFERS, b"\1\1") + ask(3, BUFFERS, b"\0\xff") + ask(4, LAYERS, bytes(4))
    frames = answers(firmware, line + ask(5, RUN) + ask(6, LAYERS, b"\1\0\0\0"))
    assert [frame.body for frame in frames[:4]] == [
        struct.pack("<II", 600, 3), struct.pack("<I", 4), b"", bytes(8),
    ]  # fmt: skip
    assert frames[5].body == struct.pack("<III", 2, 0, 0)


def test_requests_are_about_the_model_that_is_selected(firmware):
    line = (
        ask(1, SELECT, b"\1")
        + ask(2, BUFFERS, b"\0\0")
        + ask(3, HELLO)
        + ask(3, HELLO, b"\0")
        + write(3, 0, 0, b"\1\2")
    )
    line += ask(4, RUN) + read(5, 0, 0, 4) + ask(6, LAYERS, bytes(4)) + ask(7, SELECT, b"\0") + ask(8, BUFFERS, b"\0\0")
    selected, sizes, hello, other, _, ran, output, layers, again, sizes_again = answers(firmware, line)
    assert selected == Frame(0x8C, 1, b"") and again == Frame(0x8C, 7, b"")
    assert (sizes.body, sizes_again.body) == (struct.pack("<I", 4), struct.pack("<II", 600, 3))
    assert hello.body[-10:] == b"\7inverse\2\1" and other.body[-7:] == b"\4echo\2\0"
    assert hello.body[24:40] == other.body[24:40]  # the build id is the image's
    assert ran.body == bytes(12) and output.body == b"\xfe\xfd\xff\xff"
    assert layers.body[:4] == struct.pack("<I", 1)


def test_the_longest_frame_is_taken_and_a_longer_one_is_dropped(firmware):
    longest = write(1, 0, 0, b"\x55" * (PAYLOAD_BYTES - 12))
    too_long = write(2, 0, 0, b"\x55" * (PAYLOAD_BYTES - 11))
    endless = b"\0" + b"\x01" * 100_000 + b"\0" + b"\xff" * 1_000_000
    frames = answers(firmware, longest + too_long + endless + ask(3, STACK))
    assert frames == [Frame(NAK, 1, bytes((WRITE_INPUT, 4))), Frame(0x87, 3, bytes(8))]


def test_nothing_is_said_unasked(firmware):
    assert answers_ungreeted(firmware, b"") == []
    assert answers_ungreeted(firmware, bytes(1000)) == []


def test_after_a_reset_only_hello_is_answered(firmware):
    refused, hello, ran = answers_ungreeted(firmware, ask(1, RUN) + ask(7, HELLO) + ask(1, RUN))
    assert refused == Frame(NAK, 1, bytes((RUN, 5)))
    assert (hello.type, hello.body[40:42]) == (0x81, b"\0\0")
    assert ran == Frame(0x84, 1, bytes(12))


def test_a_request_that_comes_late_is_refused_and_not_executed(firmware):
    first, second = ask(0x7FFF, RUN), ask(0xFFFE, RUN)
    late = ask(0x7FFE, RUN) + first + ask(0xFFFE, STACK)
    *_, ran, late_1, late_2, late_3, again, wrapped, hello, runs = answers(
        firmware, first + second + late + second + ask(4, RUN) + ask(1, HELLO) + read(5, 1, 3, 1)
    )
    assert [late_1, late_2] == [Frame(NAK, number, bytes((RUN, 5))) for number in (0x7FFE, 0x7FFF)]
    assert late_3 == Frame(NAK, 0xFFFE, bytes((STACK, 5)))
    assert ran == again == Frame(0x84, 0xFFFE, bytes(12))
    assert (wrapped.sequence, hello.body[40:42], runs.body) == (4, b"\4\0", b"\3")


def test_a_request_with_the_crc_of_the_one_before_is_another_request(firmware):
    run = decode(ask(2, RUN).strip(b"\0"))
    write_it = write(
        1, 0, 0, with_crc(struct.pack("<BHBI", WRITE_INPUT, 1, 0, 0), zlib.crc32(struct.pack("<BH", RUN, 2)))
    )
    assert run is not None and write_it[-5:-1] == ask(2, RUN)[-5:-1]  # the CRC, without zeros in it
    written, ran, runs = answers(firmware, write_it + ask(2, RUN) + read(3, 1, 3, 1))
    assert (written.type, ran.type, runs.body) == (0x83, 0x84, b"\1")


def with_crc(start: bytes, crc: int) -> bytes:
    """The four bytes that give ``start`` and them together this CRC: its register is turned back over them."""
    register = crc ^ 0xFFFF_FFFF
    for _ in range(32):
        register = (register ^ 0xEDB8_8320) << 1 | 1 if register >> 31 else register << 1
    return struct.pack("<I", register ^ zlib.crc32(start) ^ 0xFFFF_FFFF)


@pytest.fixture(scope="module")
def fed_firmware(tmp_path_factory):
    return build_for_host(tmp_path_factory.mktemp("fed"), model=FED_MODEL)


def feed(sequence: int, offset: int, data: bytes) -> bytes:
    return ask(sequence, INPUT, struct.pack("<I", offset) + data)


IMAGE = bytes(5) + bytes(range(256)) * 2 + bytes(83)
DONE = bytes(12)


def taken(count: int) -> bytes:
    return struct.pack("<I", count)


def test_a_model_that_is_fed_asks_for_its_input_until_it_has_it(fed_firmware):
    line = ask(1, RUN) + feed(2, 0, IMAGE[:250]) + feed(3, 250, IMAGE[250:251]) + feed(4, 251, IMAGE[251:])
    *ran, output, layers = answers(fed_firmware, line + read(5, 0, 0, 600) + ask(6, LAYERS, bytes(4)))
    assert ran == [
        Frame(0x84, 1, taken(0)), Frame(0x88, 2, taken(250)), Frame(0x88, 3, taken(251)), Frame(0x88, 4, DONE),
    ]  # fmt: skip
    assert output.body == IMAGE
    assert layers.body[:4] == struct.pack("<I", 2)


def test_repeated_and_damaged_requests_do_not_disturb_a_model_that_is_fed(fed_firmware):
    damaged = bytearray(feed(9, 0, IMAGE[:300]))
    damaged[40] ^= 1
    first, second = feed(2, 0, IMAGE[:300]), feed(3, 300, IMAGE[300:])
    line = ask(1, RUN) * 3 + bytes(damaged) + first[:100] + first * 2 + second * 3
    *ran, output, runs = answers(fed_firmware, line + read(5, 0, 0, 600) + read(6, 1, 0, 1))
    assert [frame.body for frame in ran] == [taken(0)] * 3 + [taken(300)] * 2 + [DONE] * 3
    assert (output.body, runs.body) == (IMAGE, b"\x01")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (feed(7, 0, b""), 2),
        (ask(7, INPUT), 2),
        (feed(7, 1, b"a"), 4),
        (feed(7, 0, bytes(601)), 4),
        (feed(7, 0xFFFFFFFF, b"ab"), 4),
    ],
)
def test_wrong_input_is_refused_and_the_model_goes_on_waiting(fed_firmware, wrong, reason):
    asked, refused, done, output = answers(fed_firmware, ask(1, RUN) + wrong + feed(8, 0, IMAGE) + read(9, 0, 0, 600))
    assert (asked.body, refused) == (taken(0), Frame(NAK, 7, bytes((INPUT, reason))))
    assert (done.body, output.body) == (DONE, IMAGE)


def test_another_request_ends_a_run_that_waits_for_input(fed_firmware):
    line = ask(1, RUN) + feed(2, 0, IMAGE[:150]) + ask(3, STACK) + ask(4, RUN) + ask(5, RUN) + feed(6, 0, IMAGE)
    frames = answers(fed_firmware, line + read(7, 0, 0, 600) + feed(8, 0, IMAGE))
    assert [frame.type for frame in frames] == [0x84, 0x88, 0x87, 0x84, 0x84, 0x88, 0x85, NAK]
    assert [frames[index].body for index in (3, 4, 5, 6)] == [taken(0), taken(0), DONE, IMAGE]


def test_the_line_may_close_while_a_model_waits_for_input(fed_firmware):
    assert [frame.body for frame in answers(fed_firmware, ask(1, RUN) + feed(2, 0, b"a"))] == [taken(0), taken(1)]


def test_input_that_is_fed_cannot_be_written(fed_firmware):
    hello, refused = answers(fed_firmware, ask(1, HELLO) + write(2, 0, 0, b"a"))
    assert hello.body[1] == 2
    assert refused == Frame(NAK, 2, bytes((WRITE_INPUT, 4)))


@pytest.mark.parametrize("unaligned", [(), ("-D__ARM_FEATURE_UNALIGNED",)], ids=["aligned", "unaligned"])
def test_the_firmwares_memory_functions_do_what_the_standard_says(tmp_path, unaligned):
    memory = FIRMWARE / "platform" / "cortexm" / "memory.c"
    renamed = [f"-D{name}=own_{name}" for name in ("memcpy", "memmove", "memset", "memcmp")]
    gcc = ["gcc", "-O2", "-ffreestanding", *STRICT, *SANITIZERS]
    run([*gcc, *renamed, *unaligned, "-c", memory, "-o", tmp_path / "memory.o"])
    run([*gcc, HERE / "memory_test.c", tmp_path / "memory.o", "-o", tmp_path / "memory_test"])
    run([tmp_path / "memory_test"])
