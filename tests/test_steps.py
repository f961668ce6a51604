"""A run stopped after each part of a layer: the firmware's side as a host process under sanitizers, and the link's."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from mcuq.errors import LinkError, RunError
from mcuq.frames import Frame, FrameDecoder, encode
from mcuq.link import Link
from mcuq.runners.host import HostRunner
from tests.firmware.building import FED_MODEL, build_for_host

HELLO, RUN, READ_OUTPUT, STACK, INPUT, STEP, ARENA_CRC, READ_ARENA = 1, 4, 5, 7, 8, 9, 10, 11
NAK = 0xFF
IMAGE = bytes(5) + bytes(range(256)) * 2 + bytes(83)
DONE = bytes(12)


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_for_host(tmp_path_factory.mktemp("firmware"))


@pytest.fixture(scope="module")
def fed_firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_for_host(tmp_path_factory.mktemp("fed"), model=FED_MODEL)


def talk(firmware: Path, *requests: tuple[int, bytes]) -> list[Frame]:
    """The answers to ``requests`` (type, body), numbered from 1, after a HELLO whose answer is left out."""
    line = b"".join(encode(Frame(kind, number, body)) for number, (kind, body) in enumerate(((HELLO, b""), *requests)))
    done = subprocess.run([str(firmware)], input=line, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    decoder = FrameDecoder()
    frames = decoder.feed(done.stdout)[1:]
    assert decoder.dropped == 0 and [frame.sequence for frame in frames] == list(range(1, len(requests) + 1))
    return frames


def stop(parts: int) -> bytes:
    return struct.pack("<I", parts)


def stopped(parts: int) -> bytes:
    return struct.pack("<Q", parts)


def part_of(offset: int, count: int) -> bytes:
    return struct.pack("<II", offset, count)


def test_a_run_stops_where_it_is_asked_to_and_shows_the_arena(firmware: Path) -> None:
    frames = talk(
        firmware,
        (RUN, stop(1)), (ARENA_CRC, part_of(600, 600)), (READ_ARENA, part_of(1190, 10)), (STEP, stop(2)),
        (ARENA_CRC, part_of(0, 0)), (STEP, stop(0xFFFFFFFF)), (READ_OUTPUT, struct.pack("<BIH", 1, 3, 1)),
        (READ_ARENA, part_of(0, 4)), (RUN, b""),
    )  # fmt: skip
    assert [frame.body for frame in frames] == [
        stopped(1), struct.pack("<I", zlib.crc32(bytes(600))), bytes(10), stopped(2),
        bytes(4), DONE, b"\x01", bytes(4), DONE,
    ]  # fmt: skip
    assert [frame.type for frame in frames] == [0x84, 0x8A, 0x8B, 0x89, 0x8A, 0x89, 0x85, 0x8B, 0x84]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ((STEP, stop(1)), 4), ((STEP, stop(0)), 4), ((STEP, b""), 2), ((STEP, bytes(5)), 2),
        ((ARENA_CRC, b""), 2), ((ARENA_CRC, part_of(1201, 0)), 4), ((ARENA_CRC, part_of(1, 1200)), 4),
        ((ARENA_CRC, part_of(0xFFFFFFFF, 2)), 4), ((ARENA_CRC, part_of(2, 0xFFFFFFFF)), 4),
        ((READ_ARENA, bytes(7)), 2), ((READ_ARENA, part_of(1200, 1)), 4), ((READ_ARENA, part_of(0, 4090)), 4),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_and_the_run_stays_stopped(
    firmware: Path, wrong: tuple[int, bytes], reason: int
) -> None:
    refused, done = talk(firmware, (RUN, stop(1)), wrong, (STEP, stop(9)))[1:]
    assert (refused.type, refused.body) == (NAK, bytes((wrong[0], reason)))
    assert done.body == DONE


def test_there_is_nothing_to_step_on_when_no_run_is_stopped(firmware: Path) -> None:
    first, too_long, again = talk(firmware, (STEP, stop(1)), (RUN, bytes(5)), (RUN, stop(0)))
    assert (first.type, first.body) == (NAK, bytes((STEP, 1)))
    assert (too_long.type, too_long.body) == (NAK, bytes((RUN, 2)))
    assert again.body == DONE  # after no parts: never


def test_another_request_ends_a_run_that_is_stopped(firmware: Path) -> None:
    frames = talk(firmware, (RUN, stop(1)), (STACK, b""), (STEP, stop(2)), (RUN, stop(2)), (RUN, b""))
    assert [frame.type for frame in frames] == [0x84, 0x87, NAK, 0x84, 0x84]
    assert [frames[index].body for index in (0, 1, 3, 4)] == [stopped(1), bytes(8), stopped(2), DONE]


def test_the_line_may_close_while_a_run_is_stopped(firmware: Path, fed_firmware: Path) -> None:
    assert [frame.body for frame in talk(firmware, (RUN, stop(1)))] == [stopped(1)]
    assert len(talk(fed_firmware, (RUN, stop(1)), (INPUT, bytes(4) + IMAGE[:200]))) == 2


def test_a_model_that_is_fed_asks_again_for_what_it_had_not_taken_when_it_stopped(fed_firmware: Path) -> None:
    frames = talk(
        fed_firmware,
        (RUN, stop(2)), (INPUT, struct.pack("<I", 0) + IMAGE[:350]), (READ_ARENA, part_of(0, 200)), (STEP, stop(3)),
        (INPUT, struct.pack("<I", 200) + IMAGE[200:]), (STEP, stop(100)), (INPUT, struct.pack("<I", 300) + IMAGE[300:]),
        (READ_OUTPUT, struct.pack("<BIH", 0, 0, 600)),
    )  # fmt: skip
    assert [frame.body for frame in frames] == [
        struct.pack("<I", 0), stopped(2), IMAGE[:200], struct.pack("<I", 200),
        stopped(3), struct.pack("<I", 300), DONE, IMAGE,
    ]  # fmt: skip


def test_a_run_that_was_abandoned_while_it_waited_for_input_does_not_stop_again(fed_firmware: Path) -> None:
    frames = talk(fed_firmware, (RUN, stop(3)), (INPUT, bytes(4) + IMAGE[:150]), (STACK, b""), (RUN, b""))
    assert [frame.body for frame in frames] == [struct.pack("<I", 0), struct.pack("<I", 150), bytes(8), bytes(4)]
    assert [frame.type for frame in frames] == [0x84, 0x88, 0x87, 0x84]


def echo_input(trouble: int = 0) -> bytes:
    return bytes((0, 0, 0, 0, trouble)) + bytes(index * 31 & 0xFF for index in range(595))


def test_the_link_steps_through_a_run(firmware: Path, fed_firmware: Path) -> None:
    with HostRunner(firmware).start() as target, target.open_link() as link:
        for _ in range(2):
            data = echo_input()
            for done in link.steps([data, b"abc"], [1, 2]):
                assert link.arena_crc(600, 600) == zlib.crc32(data)
                assert link.read_arena(600, 600) == data, done
            assert link.outputs()[0] == data
        assert [*link.steps([data, b"abc"], [])] == []
        assert link.run([data, b"abc"]).outputs[1] == b"abc\x04"
    with HostRunner(fed_firmware).start() as target, target.open_link() as link:
        seen = {done: link.read_arena(0, 600) for done in link.steps([IMAGE], [1, 5, 7])}
        assert {done: content[: 100 * min(done, 6)] for done, content in seen.items()} == {
            1: IMAGE[:100], 5: IMAGE[:500], 7: IMAGE,
        }  # fmt: skip
        assert link.outputs()[0] == IMAGE


def test_a_run_that_ends_early_or_fails_is_told(firmware: Path) -> None:
    with HostRunner(firmware).start() as target, target.open_link() as link:
        with pytest.raises(LinkError, match="ended before part 3"):
            list(link.steps([echo_input(), b"abc"], [2, 3]))
        with pytest.raises(RunError, match="layer 2 of 2 reported a failure"):
            list(link.steps([echo_input(0xF3), b"abc"], [1, 2]))
        with pytest.raises(LinkError, match="inputs of"):
            list(link.steps([b""], [1]))
        for _ in link.steps([echo_input(), b"abc"], [1]):
            break
        assert link.run([echo_input(), b"abc"]).outputs[0] == echo_input()


def test_another_link_begins_afresh_where_a_run_was_left_stopped(firmware: Path) -> None:
    with HostRunner(firmware).start() as target:
        with target.open_link() as link:
            next(link.steps([echo_input(), b"abc"], [1, 2]))
        with Link.open(target.port) as link:
            assert link.identify().model == "echo"
            assert link.run([echo_input(), b"abc"]).outputs[0] == echo_input()
