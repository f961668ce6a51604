"""The host's side of the protocol: its decoder against anything, and the link against targets good, silent and mad."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
import tty

import pytest
import serial
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcuq.errors import LinkError, PortError, RunError
from mcuq.frames import Frame, FrameDecoder, decode, encode
from mcuq.link import FAULT, HELLO_LAYOUT, NAK, RESPONSE, Link, Request
from mcuq.runners.host import HostRunner
from tests.firmware.building import build_for_host

frames = st.builds(Frame, st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=700))
no_zero = st.binary(max_size=60).map(lambda noise: noise.replace(b"\0", b"\1"))


@given(frames)
def test_a_frame_survives_the_line(frame):
    encoded = encode(frame)
    assert encoded[0] == encoded[-1] == 0
    assert 0 not in encoded[1:-1]
    assert decode(encoded[1:-1]) == frame


@given(st.lists(st.tuples(no_zero, frames), max_size=5), st.data())
def test_frames_are_found_between_noise_in_whatever_pieces_they_come(parts, data):
    line = b"".join(noise + encode(frame) for noise, frame in parts)
    decoder = FrameDecoder()
    found = []
    while line:
        size = data.draw(st.integers(1, len(line)))
        found += decoder.feed(line[:size])
        line = line[size:]
    assert found == [frame for _, frame in parts]
    assert decoder.dropped == sum(1 for noise, _ in parts if noise)


@given(frames, st.data())
def test_a_flipped_bit_is_never_taken_for_a_frame(frame, data):
    encoded = bytearray(encode(frame)[1:-1])
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert all(decode(piece) is None for piece in bytes(encoded).split(b"\0"))


@given(st.binary(max_size=400))
def test_noise_is_no_frame_and_no_error(noise):
    assert FrameDecoder().feed(noise + b"\0") == []


def test_an_endless_frame_takes_no_memory():
    decoder = FrameDecoder(payload_limit_bytes=100)
    for _ in range(1000):
        assert decoder.feed(b"\x55" * 1000) == []
        assert len(decoder._pending) <= 101
    assert decoder.feed(b"\0" + encode(Frame(1, 2, b"ok"))) == [Frame(1, 2, b"ok")]
    assert decoder.dropped == 1


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    return build_for_host(tmp_path_factory.mktemp("firmware"))


def echo_input(rounds: int = 0, trouble: int = 0, size: int = 600) -> bytes:
    return struct.pack("<IB", rounds, trouble) + bytes(index * 31 & 0xFF for index in range(size - 5))


def test_a_target_tells_who_it_is(firmware):
    with HostRunner(firmware).start() as target, target.open_link() as link:
        identity = link.identify()
    assert (identity.board, identity.model, identity.counter) == ("host", "echo", "none")
    assert identity.build_id == bytes((*range(15), 255))
    assert (identity.input_bytes, identity.output_bytes) == ((600, 3), (600, 4))
    assert (identity.layer_count, identity.arena_bytes, identity.payload_bytes) == (2, 1200, 4096)
    assert not identity.clock_fallback


def test_inputs_come_back_as_outputs_run_after_run(firmware):
    with HostRunner(firmware).start() as target, target.open_link() as link:
        for run in range(1, 20):
            data = echo_input()
            assert link.run([data, b"abc"]).outputs == (data, b"abc" + bytes((run,)))
        assert link.layer_ticks().ticks == (0, 0)
        assert link.stack_high_water().size_bytes == 0


def test_the_link_recovers_from_noise_and_from_stale_answers(firmware):
    with HostRunner(firmware).start() as target, target.open_link() as link:
        identity = link.identify()
        with serial.serial_for_url(target.port) as other:
            other.write(os.urandom(500) + encode(Frame(1, 7, b"")) * 3 + b"\x09half a frame")
        time.sleep(0.1)
        assert link.identify() == identity
        assert link.run([echo_input(), b"abc"]).outputs[0] == echo_input()


def test_a_second_link_finds_the_target_as_the_first_left_it(firmware):
    with HostRunner(firmware).start() as target:
        for run in (1, 2):
            with target.open_link() as link:
                assert link.run([echo_input(), b"abc"]).outputs[1][3] == run


def test_a_layer_that_fails_is_named(firmware):
    with HostRunner(firmware).start() as target, target.open_link() as link:
        with pytest.raises(RunError, match="layer 2 of 2 reported a failure"):
            link.run([echo_input(trouble=0xF3), b"abc"])
        assert link.run([echo_input(), b"abc"]).outputs[0] == echo_input()


def test_inputs_of_the_wrong_size_are_refused_before_anything_is_sent(firmware):
    with (
        HostRunner(firmware).start() as target,
        target.open_link() as link,
        pytest.raises(LinkError, match=r"\(600, 3\) B, \(600, 2\) B were given"),
    ):
        link.run([echo_input(), b"ab"])


@contextlib.contextmanager
def peer(talk):
    """A pseudo terminal; ``talk(master)`` is called again and again, as the target, until the test is over."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    over = threading.Event()

    def loop() -> None:
        while not over.is_set():
            with contextlib.suppress(BlockingIOError):
                talk(master)
            time.sleep(0.002)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        over.set()
        thread.join()
        os.close(master)
        os.close(slave)


def silent(master):
    os.read(master, 4096)


def deaf(master):
    pass


def babbling(master):
    os.write(master, os.urandom(200))


@pytest.mark.parametrize("talk", [silent, deaf, babbling])
def test_a_target_that_makes_no_sense_is_given_up_in_time(talk):
    started = time.monotonic()
    with peer(talk) as port, Link.open(port, 0.2) as link, pytest.raises(LinkError, match="did not answer HELLO"):
        link.identify()
    assert time.monotonic() - started < 5


def test_a_target_that_takes_no_data_is_given_up_in_time():
    started = time.monotonic()
    with peer(deaf) as port, Link.open(port, 0.2) as link, pytest.raises(LinkError, match="took no data"):
        link.send(b"\1" * 1_000_000)
    assert time.monotonic() - started < 5


def answering(body: bytes, kind: int | None = None, hello: bytes | None = None):
    """A peer that answers every request with ``body``, or HELLO with ``hello``."""
    decoder = FrameDecoder()

    def talk(master):
        for frame in decoder.feed(os.read(master, 4096)):
            known = hello is not None and frame.type == Request.HELLO
            answer = Frame(
                frame.type | 0x80 if kind is None or known else kind, frame.sequence, hello if known else body
            )
            os.write(master, encode(answer))

    return talk


def identity_bytes(
    version: int = 2, payload: int = 256, counter: int = 2, names: bytes = b"\1b\1m", flags: int = 0, inputs: int = 0
) -> bytes:
    fields = (version, flags, counter, 56, 1, 1, payload, inputs, 0, 1, 1, bytes(16), 0)
    return HELLO_LAYOUT.pack(*fields) + names


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", None, "cut short"),
        (identity_bytes()[:-1], None, "cut short"),
        (identity_bytes(names=b"\xffb"), None, "cut short"),
        (identity_bytes(version=1)[:-4], None, "protocol version 1, this mcuq speaks 3"),
        (identity_bytes(flags=2), None, "0 inputs, of which the one is fed"),
        (identity_bytes(payload=9), None, "makes no sense"),
        (identity_bytes(payload=60000), None, "makes no sense"),
        (identity_bytes(counter=9), None, "makes no sense"),
        (b"\1\1", 0xFF, "refused HELLO: unknown request"),
        (b"", 0xFF, "refused HELLO"),
        (bytes(16), 0xFE, "faulted at PC 0x00000000"),
        (b"", 0xFE, "faulted"),
    ],
    ids=[
        *(
            "empty",
            "cut",
            "name_too_long",
            "other_version",
            "fed_nothing",
            "payload_too_small",
            "payload_too_big",
            "no_such_counter",
        ),
        *("refused", "refused_without_reason", "fault", "fault_without_place"),
    ],
)
def test_an_answer_that_breaks_the_protocol_is_one_clear_error(body, kind, said):
    with peer(answering(body, kind)) as port, Link.open(port, 0.5) as link, pytest.raises(RunError, match=said):
        link.identify()


@given(st.binary(max_size=80))
@example(struct.pack("<IIII", 0xFFFFFFFF, 0, 1, 2))
@example(identity_bytes(names=b""))
@settings(max_examples=60, deadline=None)
def test_whatever_a_target_answers_is_a_value_or_a_link_error(body):
    with peer(answering(body)) as port, Link.open(port, 0.5) as link, contextlib.suppress(LinkError):
        link.identify()
    for flags, inputs in ((0, 0), (2, 1)):
        hello = identity_bytes(flags=flags, inputs=inputs)
        with peer(answering(body, hello=hello)) as port, Link.open(port, 0.5) as link:
            for question in (link.identify, link.layer_ticks, link.stack_high_water, lambda: link.run([bytes(5)])):
                with contextlib.suppress(RunError):
                    question()


def test_a_target_that_claims_endless_layers_is_not_believed():
    with (
        peer(answering(struct.pack("<IIII", 0xFFFFFFFF, 0, 1, 2), hello=identity_bytes())) as port,
        Link.open(port, 0.5) as link,
        pytest.raises(LinkError, match="claims 4294967295 layers, more than 65536"),
    ):
        link.layer_ticks()


def test_a_target_that_asks_for_the_same_input_for_ever_is_not_believed():
    """It has taken 4 bytes whatever it is given; its one input has 4 bytes too."""
    with (
        peer(answering(struct.pack("<I", 4), hello=identity_bytes(flags=2, inputs=1))) as port,
        Link.open(port, 0.5) as link,
        pytest.raises(LinkError, match="asks for input from byte 4 on, 0 of 4 B were sent"),
    ):
        link.run([bytes(4)])


class Echo:
    """A target of which an input comes back as the output; it forgets nothing and repeats everything."""

    def __init__(self) -> None:
        self.memory = bytearray(4)
        self.last = 0

    def answer(self, frame: Frame) -> Frame:
        body = b""
        if frame.type == Request.HELLO:
            body = HELLO_LAYOUT.pack(2, 0, 0, 0, 1, 1, 256, 1, 1, 1, 4, bytes(16), self.last) + b"\1b\1m"
        elif frame.type == Request.BUFFERS:
            body = struct.pack("<I", 4)
        elif frame.type == Request.WRITE_INPUT:
            self.memory[:] = frame.body[5:]
        elif frame.type == Request.RUN:
            body = bytes(12)
        elif frame.type == Request.READ_OUTPUT:
            body = bytes(self.memory)
        if frame.type != Request.HELLO:
            self.last = frame.sequence
        return Frame(frame.type | RESPONSE, frame.sequence, body)


LIES = {
    "silence": lambda answer: b"",
    "noise": lambda answer: b"\x05noise\xff" + encode(answer),
    "babble": lambda answer: encode(Frame(answer.type, answer.sequence + 7 & 0xFFFF, b"wrong")) * 50 + encode(answer),
    "cut": lambda answer: encode(answer)[:-3],
    "flipped": lambda answer: encode(answer)[:4] + bytes((encode(answer)[4] ^ 4,)) + encode(answer)[5:],
    "too long": lambda answer: encode(Frame(answer.type, answer.sequence, answer.body + b"more")),
    "too short": lambda answer: encode(Frame(answer.type, answer.sequence, answer.body[:-1])),
    "endless": lambda answer: b"\x31" * 9_000 + encode(answer),
    "other kind": lambda answer: encode(Frame(answer.type ^ 1, answer.sequence, b"")) + encode(answer),
    "late": lambda answer: encode(Frame(answer.type, answer.sequence - 1 & 0xFFFF, b"late")) + encode(answer) * 2,
    "fault": lambda answer: encode(Frame(FAULT, 0, bytes(16))) + encode(answer),
    "fault cut": lambda answer: encode(Frame(FAULT, 0, bytes(16)))[:-4] + encode(answer),
    "refusal": lambda answer: encode(Frame(NAK, answer.sequence, bytes((answer.type & 0x7F, 5)))),
    "strange refusal": lambda answer: encode(Frame(NAK, answer.sequence, b"\xff\xff\xff")),
}
HARMLESS = ("noise", "babble", "endless", "other kind", "late", "fault cut")
"""Through these the right answer is found."""


@given(st.lists(st.one_of(st.none(), st.sampled_from(sorted(LIES))), max_size=8), st.binary(min_size=4, max_size=4))
@example(["silence"] * 12, b"abcd")
@example(list(HARMLESS), b"abcd")
@settings(max_examples=30, deadline=None)
def test_a_result_is_right_or_an_error_whatever_stands_between_the_answers(lies, data):
    echo, decoder, left_to_tell = Echo(), FrameDecoder(), list(lies)

    def talk(master):
        for frame in decoder.feed(os.read(master, 4096)):
            answer, lie = echo.answer(frame), left_to_tell.pop(0) if left_to_tell else None
            left = encode(answer) if lie is None else LIES[lie](answer)
            while left:
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(master, left) :]

    started = time.monotonic()
    with peer(talk) as port, Link.open(port, 0.02, run_timeout_s=0.1) as link:
        try:
            assert link.run([data]).outputs == (data,)
        except RunError:
            assert not set(lies) <= {None, *HARMLESS}, lies
        left_to_tell.clear()  # and once the lies are over, the same link gets the right answer, perhaps a fault's first
        with contextlib.suppress(RunError):
            link.identify()
        assert link.run([data[::-1]]).outputs == (data[::-1],)
    assert time.monotonic() - started < 20


def test_a_port_that_is_not_there_is_an_error_of_its_own(tmp_path):
    with pytest.raises(PortError, match="cannot be opened"):
        Link.open(str(tmp_path / "ttyNone"))
    with pytest.raises(PortError, match="cannot be opened"):
        Link.open("nonsense://port")
