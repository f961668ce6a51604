"""The serial link to a running target, whether a board, a simulator or the firmware as a host process.

Speaks the protocol of ``docs/protocol.md`` over whatever pyserial opens. It does not start, reset or flash a target.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Any

from mcuq.errors import LinkError, PortError, RunError
from mcuq.frames import OVERHEAD_BYTES, PAYLOAD_LIMIT_BYTES, Frame, FrameDecoder, encode

PROTOCOL_VERSIONS = (2, 3)
"""Firmware of version 2 has one model and knows no SELECT."""

ATTEMPTS = 4
"""How often a request is sent, ``timeout_s`` apart, before the target counts as silent."""
LAYER_LIMIT = 65_536
BUFFER_LIMIT_BYTES = 1 << 28
_SLICE_S = 0.25
"""The longest wait before the target is looked at again."""
_HELLO_EVERY_S = 0.3
"""A target that is still starting may lose the first HELLO: it is repeated soon."""

RESPONSE = 0x80
FAULT = 0xFE
NAK = 0xFF
_COUNTERS = ("none", "dwt", "systick", "timer")
OUT_OF_STEP = 5
NAK_REASONS = dict(
    enumerate(("unknown request", "wrong length", "no such input or output", "out of range", "out of step"), 1)
)
_FLAG_CLOCK_FALLBACK = 1
_FLAG_FED_INPUT = 2
_SELECTS = 3
"""The protocol version from which on a target may have several models."""
HELLO_LAYOUT = struct.Struct("<BBBBIIHBBII16sH")
_OPEN_HINTS = {
    errno.EACCES: "add yourself to the port's group (`sudo usermod -aG dialout $USER`) and log in again",
    errno.EBUSY: "another program has it open: a terminal, or ModemManager",
    errno.ENOENT: "is the board plugged in? `mcuq measure --port auto` finds a board's own port",
}
_TAKEN = struct.Struct("<I")
_STOPPED = struct.Struct("<Q")
_RANGE = struct.Struct("<II")
_NEVER = 0xFFFF_FFFF
"""No model has so many parts: a run that is to stop there ends."""


class Request(IntEnum):
    """What a host can ask; the numbers are the frame types of ``firmware/protocol.h``."""

    HELLO = 0x01
    BUFFERS = 0x02
    WRITE_INPUT = 0x03
    RUN = 0x04
    READ_OUTPUT = 0x05
    LAYERS = 0x06
    STACK = 0x07
    INPUT = 0x08
    STEP = 0x09
    ARENA_CRC = 0x0A
    READ_ARENA = 0x0B
    SELECT = 0x0C


@dataclass(frozen=True, slots=True)
class Identity:
    """What the target says of itself, and of one of its ``models``, whose number is ``number``.

    ``counter`` is dwt, systick, timer or none; ``counter_hz`` its ticks a second on the real chip; ticks wrap unseen at
    2^``counter_bits``. ``clock_fallback``: the board's own clock did not start. ``fed_input``: the model asks for its
    one input while it runs."""

    board: str
    model: str
    build_id: bytes
    core_hz: int
    clock_fallback: bool
    counter: str
    counter_bits: int
    counter_hz: int
    payload_bytes: int
    input_bytes: tuple[int, ...]
    output_bytes: tuple[int, ...]
    layer_count: int
    arena_bytes: int
    fed_input: bool = False
    models: int = 1
    number: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """One inference: the bytes of each output, and counter ticks from entering the model to leaving it. In an image
    built for profiling the ticks hold one ``LayerTicks.hook_ticks`` for each layer."""

    outputs: tuple[bytes, ...]
    ticks: int


@dataclass(frozen=True, slots=True)
class LayerTicks:
    """Ticks of each layer in the last run (none: the image was not built for profiling), without the hook that counts
    them; None where 2^32 or more. ``hook_ticks`` is what one call of the hook adds to a run."""

    ticks: tuple[int | None, ...]
    hook_ticks: int


@dataclass(frozen=True, slots=True)
class StackUse:
    """The most stack used since reset, of how much; both 0 on the host."""

    used_bytes: int
    size_bytes: int


class Link:
    """A connection to one target; use it in a ``with`` statement.

    ``check`` is called while waiting and raises when it knows that the target is gone.
    """

    def __init__(
        self, serial: Any, *, timeout_s: float, run_timeout_s: float, check: Callable[[], None] | None = None
    ) -> None:
        self._serial = serial
        self._timeout_s = timeout_s
        self._run_timeout_s = run_timeout_s
        self._check = check or _nothing_known
        self._decoder = FrameDecoder(PAYLOAD_LIMIT_BYTES)
        self._frames: list[Frame] = []
        self._sequence = 0
        self._in_step = False
        self._identity: Identity | None = None
        self._model = 0
        self._asked = Frame(0, 0, b"")
        self.on_answer: Callable[[Frame, Frame], None] = _nobody_listens
        """Called with each request, once, and the frame that answers it."""

    @classmethod
    def open(
        cls,
        port: str,
        timeout_s: float = 2.0,
        *,
        run_timeout_s: float = 120.0,
        baud: int = 115_200,
        check: Callable[[], None] | None = None,
    ) -> Link:
        """Open ``port``, a device or a pyserial URL; ``timeout_s`` is for an answer, ``run_timeout_s`` for a run.

        Raises ``PortError`` when the port cannot be opened.
        """
        import serial  # noqa: PLC0415 - not needed to build

        try:
            opened = serial.serial_for_url(port, baudrate=baud, timeout=_SLICE_S, write_timeout=timeout_s)
        except (serial.SerialException, OSError, ValueError) as error:
            _blame(check)
            raise PortError(
                f"serial port {port} cannot be opened: {error}", hint=_OPEN_HINTS.get(getattr(error, "errno", 0) or 0)
            ) from error
        return cls(opened, timeout_s=timeout_s, run_timeout_s=run_timeout_s, check=check)

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port. Safe to call twice."""
        with contextlib.suppress(OSError):
            self._serial.close()

    def identify(self) -> Identity:
        """Who answers, turned to the model that was selected last on this link. Asked anew on each call.

        ``LinkError`` when nobody answers, in another protocol version, or without such a model.
        """
        found = self._identified()
        if found.number != self._model:
            if self._model >= found.models:
                raise LinkError(f"the target has {found.models} models, none of number {self._model}")
            self._ask(Request.SELECT, bytes((self._model,)))
            found = self._identified()
            if found.number != self._model:
                raise LinkError(f"the target was told to select model {self._model}, and is at {found.number}")
        self._identity = dataclasses.replace(
            found,
            input_bytes=self._buffer_bytes(0, len(found.input_bytes)),
            output_bytes=self._buffer_bytes(1, len(found.output_bytes)),
        )
        return self._identity

    def select(self, model: int) -> Identity:
        """Turn to the model of this number: all that follows is about it, after a reset of the target, too."""
        if self._identity is None or self._model != model:
            self._model = model
            return self.identify()
        return self._identity

    def _identified(self) -> Identity:
        """The answer to HELLO; of inputs and outputs it says only how many there are."""
        body = self._ask(Request.HELLO)
        if body and body[0] not in PROTOCOL_VERSIONS:
            raise LinkError(
                f"the target speaks protocol version {body[0]}, this mcuq speaks {PROTOCOL_VERSIONS[-1]}",
                hint="build and load the firmware again",
            )
        try:
            fields = HELLO_LAYOUT.unpack_from(body)
            board, rest = take_name(body[HELLO_LAYOUT.size :])
            model, rest = take_name(rest)
            models, number = (1, 0) if body[0] < _SELECTS else (rest[0], rest[1])
        except (struct.error, IndexError) as error:
            raise LinkError("the target's identity is cut short") from error
        _, flags, counter, bits, core_hz, counter_hz, payload, inputs, outputs, layers = fields[:10]
        arena, build_id, last_sequence = fields[10:]
        if not OVERHEAD_BYTES + 8 < payload <= PAYLOAD_LIMIT_BYTES or counter >= len(_COUNTERS):
            raise LinkError(f"the target's identity makes no sense: payload {payload} B, counter {counter}")
        if flags & _FLAG_FED_INPUT and inputs != 1:
            raise LinkError(f"the target's identity makes no sense: {inputs} inputs, of which the one is fed")
        if number >= models:
            raise LinkError(f"the target's identity makes no sense: number {number} of {models} models")
        self._sequence, self._in_step = last_sequence, True
        return Identity(
            board=board,
            model=model,
            build_id=build_id,
            core_hz=core_hz,
            clock_fallback=bool(flags & _FLAG_CLOCK_FALLBACK),
            counter=_COUNTERS[counter],
            counter_bits=bits,
            counter_hz=counter_hz,
            payload_bytes=payload,
            input_bytes=(0,) * inputs,
            output_bytes=(0,) * outputs,
            layer_count=layers,
            arena_bytes=arena,
            fed_input=bool(flags & _FLAG_FED_INPUT),
            models=models,
            number=number,
        )

    def run(self, inputs: Sequence[bytes]) -> RunResult:
        """Run the model once. ``inputs`` are the raw bytes of each input, little endian, of the sizes identified.

        Raises ``RunError`` when a layer fails or the processor faults, ``LinkError`` when the target does not answer.
        """
        identity = self._identity or self.identify()
        self._write_inputs(inputs, identity)
        answer = self._ask(Request.RUN, limit_s=self._run_timeout_s)
        if identity.fed_input:
            answer = self._feed(answer, inputs[0], identity.payload_bytes)
        ticks = self._check_status(answer, identity)
        return RunResult(self.outputs(), ticks)

    def steps(self, inputs: Sequence[bytes], stops: Sequence[int]) -> Iterator[int]:
        """Run the model once, stopped each time that so many parts of layers are done: ``stops``, growing, one or more.

        Gives each stop when the run stands there, for ``arena_crc`` and ``read_arena``; afterwards the run has ended,
        for ``outputs``. Raises what ``run`` raises.
        """
        identity = self._identity or self.identify()
        self._write_inputs(inputs, identity)
        request = Request.RUN
        for stop in (*stops, _NEVER):
            answer = self._ask(request, struct.pack("<I", stop), limit_s=self._run_timeout_s)
            if identity.fed_input:
                answer = self._feed(answer, inputs[0], identity.payload_bytes, stopped=request is Request.STEP)
            if len(answer) != _STOPPED.size:
                break
            (parts,) = _STOPPED.unpack(answer)
            if parts != stop:
                raise LinkError(f"the target stopped after {parts} parts of layers, not after {stop}")
            yield stop
            request = Request.STEP
        self._check_status(answer, identity)
        if stop != _NEVER:
            raise LinkError(f"the target's run ended before part {stop} of its layers")

    def repeat(self, request: Frame) -> None:
        """Ask what was asked of another target at another time, under a number of its own; see ``on_answer``."""
        self._ask(Request(request.type), request.body, limit_s=self._run_timeout_s)

    def arena_crc(self, offset: int, count: int) -> int:
        """CRC-32 of ``count`` bytes of the arena."""
        (crc,) = self._unpack("<I", self._ask(Request.ARENA_CRC, struct.pack("<II", offset, count)))
        return int(crc)

    def read_arena(self, offset: int, count: int) -> bytes:
        """``count`` bytes of the arena."""
        identity = self._identity or self.identify()
        return self._read(Request.READ_ARENA, count, identity.payload_bytes, lambda at, n: _RANGE.pack(offset + at, n))

    def outputs(self) -> tuple[bytes, ...]:
        """The bytes of each output, as the last run left them."""
        identity = self._identity or self.identify()
        return tuple(self._read_output(index, size, identity.payload_bytes)
                     for index, size in enumerate(identity.output_bytes))  # fmt: skip

    def layer_ticks(self) -> LayerTicks:
        """Ticks of each layer in the last run."""
        ticks: list[int | None] = []
        while True:
            body = self._ask(Request.LAYERS, struct.pack("<I", len(ticks)))
            if len(body) < 8 or len(body) % 4:
                raise LinkError(f"the target answered LAYERS with {len(body)} B")
            count, hook_ticks, *more = struct.unpack(f"<{len(body) // 4}I", body)
            if count > LAYER_LIMIT:
                raise LinkError(f"the target claims {count} layers, more than {LAYER_LIMIT}")
            ticks += [None if value == 0xFFFF_FFFF else value for value in more]
            if len(ticks) >= count:
                return LayerTicks(tuple(ticks[:count]), hook_ticks)
            if not more:
                raise LinkError(f"the target has {count} layers but tells of {len(ticks)}")

    def stack_high_water(self) -> StackUse:
        """How much stack was used since reset, and how much there is."""
        used, size = self._unpack("<II", self._ask(Request.STACK))
        return StackUse(used, size)

    def _buffer_bytes(self, outputs: int, count: int) -> tuple[int, ...]:
        sizes: list[int] = []
        while len(sizes) < count:
            body = self._ask(Request.BUFFERS, bytes((outputs, len(sizes))))
            if not body or len(body) % 4:
                raise LinkError(f"the target answered BUFFERS with {len(body)} B")
            sizes += struct.unpack(f"<{len(body) // 4}I", body)
        if sum(sizes) > BUFFER_LIMIT_BYTES:
            raise LinkError(f"the target claims buffers of {sum(sizes)} B, more than {BUFFER_LIMIT_BYTES} B")
        return tuple(sizes[:count])

    def _check_status(self, answer: bytes, identity: Identity) -> int:
        """The ticks of a run that has ended; raises ``RunError`` when it has failed."""
        status, ticks = self._unpack("<iQ", answer)
        if status != 0:
            raise RunError(
                f"layer {status} of {identity.layer_count} reported a failure on the target",
                hint="its kernel refused its arguments, or its coded weights are damaged: write the image again",
            )
        return int(ticks)

    def _write_inputs(self, inputs: Sequence[bytes], identity: Identity) -> None:
        """Write what is not fed while the model runs."""
        sizes = tuple(len(data) for data in inputs)
        if sizes != identity.input_bytes:
            raise LinkError(f"the model takes inputs of {identity.input_bytes} B, {sizes} B were given")
        if not identity.fed_input:
            for index, data in enumerate(inputs):
                self._write_input(index, data, identity.payload_bytes)

    def _write_input(self, index: int, data: bytes, payload_bytes: int) -> None:
        chunk = payload_bytes - OVERHEAD_BYTES - 5
        for offset in range(0, len(data), chunk):
            self._ask(Request.WRITE_INPUT, struct.pack("<BI", index, offset) + data[offset : offset + chunk])

    def _feed(self, answer: bytes, data: bytes, payload_bytes: int, *, stopped: bool = False) -> bytes:
        """Send ``data`` for as long as answers say how much has been taken; the answer that is the run's result.

        After the run has ``stopped``, it goes on with what the target had not taken by then.
        """
        chunk = payload_bytes - OVERHEAD_BYTES - _TAKEN.size
        sent = _TAKEN.unpack(answer)[0] if stopped and len(answer) == _TAKEN.size else 0
        while len(answer) == _TAKEN.size:
            (taken,) = _TAKEN.unpack(answer)
            if taken != sent or sent >= len(data):
                raise LinkError(f"the target asks for input from byte {taken} on, {sent} of {len(data)} B were sent")
            part = data[sent : sent + chunk]
            sent += len(part)
            answer = self._ask(Request.INPUT, answer + part, limit_s=self._run_timeout_s)
        return answer

    def _read_output(self, index: int, size: int, payload_bytes: int) -> bytes:
        return self._read(Request.READ_OUTPUT, size, payload_bytes, lambda at, n: struct.pack("<BIH", index, at, n))

    def _read(self, request: Request, size: int, payload_bytes: int, asked: Callable[[int, int], bytes]) -> bytes:
        """``size`` bytes in pieces; ``asked`` is the body of the request for so many bytes from an offset on."""
        chunk = payload_bytes - OVERHEAD_BYTES
        data = b""
        while len(data) < size:
            count = min(chunk, size - len(data))
            body = self._ask(request, asked(len(data), count))
            if len(body) != count:
                raise LinkError(f"the target answered {request.name} with {len(body)} B instead of {count} B")
            data += body
        return data

    @staticmethod
    def _unpack(layout: str, body: bytes) -> tuple[Any, ...]:
        if len(body) != struct.calcsize(layout):
            raise LinkError(f"the target answered with {len(body)} B instead of {struct.calcsize(layout)} B")
        return struct.unpack(layout, body)

    def _ask(self, request: Request, body: bytes = b"", limit_s: float | None = None) -> bytes:
        """Send a request until it is answered: the target executes a repeated one only once.

        It is sent again after ``timeout_s``, then ever more rarely, for ``limit_s`` (``ATTEMPTS`` times the timeout).
        """
        if not self._in_step and request is not Request.HELLO:
            self.identify()  # says which number comes next
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._asked = Frame(request, self._sequence, body)
        message = encode(self._asked)
        started = time.monotonic()
        limit_s = ATTEMPTS * self._timeout_s if limit_s is None else limit_s
        wait_s = min(self._timeout_s, _HELLO_EVERY_S) if request is Request.HELLO else self._timeout_s
        while True:
            self.send(message)
            until = min(time.monotonic() + wait_s, started + limit_s)
            answer = self._answer(request, until)
            if answer is not None:
                return answer
            if time.monotonic() >= started + limit_s:
                raise LinkError(
                    f"the target did not answer {request.name} within {limit_s:g} s",
                    details=(f"{self._decoder.dropped} broken frames were dropped",) if self._decoder.dropped else (),
                    hint="reset the target, or allow more time",
                )
            wait_s = wait_s * 2 if request in (Request.RUN, Request.INPUT, Request.STEP) else wait_s

    def _answer(self, request: Request, until: float) -> bytes | None:
        """The body of the answer to the request sent last, or None when time is up."""
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if frame.type != FAULT and frame.sequence != self._sequence:
                    continue  # a late second answer to an earlier request
                if frame.type in (FAULT, NAK, request | RESPONSE):
                    self.on_answer(self._asked, frame)
                if frame.type == FAULT:
                    raise fault_error(frame.body)
                if frame.type == NAK:
                    raise self._refused(request, frame.body)
                if frame.type == request | RESPONSE:
                    return frame.body
            if time.monotonic() >= until:
                return None
            self._frames = self._decoder.feed(self.receive())

    def _refused(self, request: Request, body: bytes) -> LinkError:
        """The error for a refusal. A target out of step is asked anew who it is: it may have been reset."""
        number = body[1] if len(body) == 2 else 0
        out_of_step = number == OUT_OF_STEP
        if out_of_step:
            self._in_step, self._identity = False, None
        return LinkError(
            f"the target refused {request.name}: {NAK_REASONS.get(number, '?')}",
            hint="it was reset, or another program talks to it" if out_of_step else None,
        )

    def send(self, message: bytes) -> None:
        """Send bytes as they are."""
        import serial  # noqa: PLC0415

        try:
            self._serial.write(message)
        except serial.SerialTimeoutException as error:
            self._check()
            raise LinkError(f"the target took no data for {self._timeout_s:g} s") from error
        except (serial.SerialException, OSError) as error:
            _blame(self._check)
            raise LinkError(f"the serial line broke: {error}") from error

    def receive(self) -> bytes:
        """What has come in, after a wait of at most a slice; possibly nothing."""
        import serial  # noqa: PLC0415

        try:
            data: bytes = self._serial.read(1)
            if data and self._serial.in_waiting:
                data += self._serial.read(self._serial.in_waiting)
        except (serial.SerialException, OSError) as error:
            _blame(self._check)
            raise LinkError(f"the serial line broke: {error}") from error
        if not data:
            self._check()
        return data


def _nobody_listens(_request: Frame, _answer: Frame) -> None:
    """What is done with answers beside giving them to who asked."""


def _nothing_known() -> None:
    """The check of a target that nobody watches."""


def _blame(check: Callable[[], None] | None) -> None:
    """After the line broke: when a target that died is the reason, give ``check`` the time to notice."""
    if check is None:
        return
    for _ in range(20):
        check()
        time.sleep(0.02)


def take_name(data: bytes) -> tuple[str, bytes]:
    """The name that ``data`` begins with, fit to be printed, and what follows it; ``IndexError`` when it is cut."""
    end = 1 + data[0]
    if len(data) < end:
        raise IndexError
    name = data[1:end].decode("ascii", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name), data[end:]


def fault_error(body: bytes) -> RunError:
    """The error for a fault frame. CFSR's bits: Armv7-M Architecture Reference Manual (DDI0403) B3.2.15."""
    if len(body) != 16:
        return RunError("the target's processor faulted")
    pc, lr, cfsr, exception = struct.unpack("<4I", body)
    causes = [text for bit, text in _CFSR_BITS if cfsr >> bit & 1]
    return RunError(
        f"the target's processor faulted at PC 0x{pc:08X} (exception {exception})",
        details=(f"LR 0x{lr:08X}, CFSR 0x{cfsr:08X}{': ' + ', '.join(causes) if causes else ''}",),
        hint="`arm-none-eabi-addr2line -e IMAGE.elf 0xPC` names the line; a PC of 0 means that the stack overflowed",
    )


_CFSR_BITS = (
    (0, "instruction fetch refused"),
    (1, "data access refused"),
    (4, "no stack left for an exception"),
    (8, "instruction fetch failed"),
    (9, "data access failed"),
    (10, "data access failed, imprecise"),
    (12, "no stack left for an exception"),
    (16, "undefined instruction"),
    (17, "invalid state"),
    (19, "no coprocessor (is the FPU on?)"),
    (20, "stack overflow"),
    (24, "unaligned access"),
    (25, "division by zero"),
)
