"""Lines of good, damaged and forged frames for a target, and what it must answer: the protocol's rules once more.

The rules are those of docs/protocol.md for any request; whole answers are known of the probes, which run the model in
between. Kinds of requests are taken from ``mcuq.link``, so that a new one is forged too.
"""

from __future__ import annotations

import random
import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from mcuq.frames import OVERHEAD_BYTES, Frame, encode
from mcuq.link import HELLO_LAYOUT, NAK, NAK_REASONS, OUT_OF_STEP, RESPONSE, Request

EARLIER_FRAMES = 40
"""So many may come again, out of their order."""
_NUMBERS = (0, 0, 0, 1, 2, 3, 99, 100, 300, 599, 600, 601, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
_MASKS = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFF_FFFF}
_LAYOUTS = ("<", "<", "<B", "<I", "<BB", "<BI", "<BIH", "<BIH")
_KINDS = (*Request, *Request, *Request, 0x00, 0x0F, 0x20, 0x7F, 0x80, 0x84, 0xFE, 0xFF)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of the firmware under test. Its model copies input 0 to output 0, and counts its runs in the byte
    of the output and at the offset that ``counter`` says."""

    payload_bytes: int
    input_bytes: tuple[int, ...] = (600, 3)
    counter: tuple[int, int] = (1, 3)
    fed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """The answer to ``request``: ``exact``, or else one of the request's kind or a refusal with any of its reasons."""

    request: Frame
    exact: Frame | None
    last_sequence: int

    def fault(self, answer: Frame) -> str | None:
        """What is wrong with ``answer``."""
        if self.exact is not None:
            return None if answer == self.exact else f"{answer} instead of {self.exact}"
        if answer.sequence != self.request.sequence:
            return f"{answer} answers {self.request}"
        if answer.type == NAK:
            known = len(answer.body) == 2 and answer.body[0] == self.request.type and answer.body[1] in NAK_REASONS
            return None if known and answer.body[1] != OUT_OF_STEP else f"{answer} refuses {self.request}"
        if answer.type != self.request.type | RESPONSE:
            return f"{answer} answers {self.request}"
        if self.request.type == Request.HELLO:
            (*_, last_sequence) = HELLO_LAYOUT.unpack_from(answer.body)
            if last_sequence != self.last_sequence:
                return f"the last number is {last_sequence} instead of {self.last_sequence}"
        return None


@dataclass(slots=True)
class Line:
    """Bytes to send and the answers to expect, made piece by piece. ``frames`` counts all, whole and damaged."""

    subject: Subject
    seed: int
    sent: bytearray = field(default_factory=bytearray)
    expected: list[Expected] = field(default_factory=list)
    frames: int = 0
    runs: int = 0
    last_sequence: int = 0
    _chance: random.Random = field(init=False)
    _earlier: deque[Frame] = field(default_factory=lambda: deque(maxlen=EARLIER_FRAMES))
    _answered: Expected | None = None

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self.whole(Frame(Request.HELLO, self._chance.randrange(1 << 16), b""))

    def whole(self, frame: Frame, exact: bytes | None = None) -> None:
        """Send ``frame`` undamaged; ``exact`` is the body of its answer when it is executed."""
        self.sent += encode(frame)
        self.frames += 1
        if self._answered is not None and frame == self._answered.request:
            self.expected.append(self._answered)  # repeated: answered in the same way
            return
        self._earlier.append(frame)
        if frame.type != Request.HELLO:
            if not 1 <= (frame.sequence - self.last_sequence) % (1 << 16) <= 0x7FFF:
                refusal = Frame(NAK, frame.sequence, bytes((frame.type, OUT_OF_STEP)))
                self.expected.append(Expected(frame, refusal, self.last_sequence))
                return
            self.last_sequence = frame.sequence
            self.runs += frame.type == Request.RUN and len(frame.body) in (0, 4)
        answer = None if exact is None else Frame(frame.type | RESPONSE, frame.sequence, exact)
        self._answered = Expected(frame, answer, self.last_sequence)
        self.expected.append(self._answered)

    def ask(self, kind: int, body: bytes = b"", exact: bytes | None = None) -> None:
        """A request with the next number."""
        self.whole(Frame(kind, (self.last_sequence + 1) & 0xFFFF, body), exact)

    def probe(self) -> None:
        """A run whose every answer is known, to the byte that counts the runs."""
        inputs = [self._chance.randbytes(size) for size in self.subject.input_bytes]
        self.ask(Request.SELECT, bytes(1), b"")
        if self.subject.fed:
            cut = self._chance.randrange(1, 100)
            self.ask(Request.RUN, exact=struct.pack("<I", 0))
            for at in (0, cut):
                part = inputs[0][at : cut if at == 0 else at + 100]
                self.ask(Request.INPUT, struct.pack("<I", at) + part, struct.pack("<I", at + len(part)))
            for at in range(cut + 100, len(inputs[0]), 100):
                self.ask(Request.INPUT, struct.pack("<I", at) + inputs[0][at : at + 100])
        else:
            for index, data in enumerate(inputs):
                for at in range(0, len(data), 100):
                    self.ask(Request.WRITE_INPUT, struct.pack("<BI", index, at) + data[at : at + 100], b"")
            self._run()
        self.whole(self._earlier[-1])  # once more: answered, not executed
        for at in range(0, len(inputs[0]), 100):
            self.ask(Request.READ_OUTPUT, struct.pack("<BIH", 0, at, 100), inputs[0][at : at + 100])
        output, offset = self.subject.counter
        self.ask(Request.READ_OUTPUT, struct.pack("<BIH", output, offset, 1), bytes((self.runs & 0xFF,)))

    def _run(self) -> None:
        """Run the model, at a stretch or stopped after each of its two layers."""
        if self._chance.randrange(2):
            self.ask(Request.RUN)
            return
        for kind, parts in ((Request.RUN, 1), (Request.STEP, 2)):
            self.ask(kind, struct.pack("<I", parts), struct.pack("<Q", parts))
        self.ask(Request.STEP, struct.pack("<I", 3))

    def disturb(self) -> None:
        """One piece of trouble: noise; frames cut, flipped, too long, repeated, late, shuffled, forged."""
        chance = self._chance
        trouble = chance.randrange(8)
        if chance.randrange(40) == 0:
            more = chance.choice((1, 2, 255, self.subject.payload_bytes))
            self._damaged(encode(self._forged(self.subject.payload_bytes - OVERHEAD_BYTES + more)))
        elif trouble == 0:
            self._damaged(chance.randbytes(chance.randrange(300)))
        elif trouble == 1:
            self._damaged(self._cut(encode(self._forged())))
        elif trouble == 2:
            self._damaged(self._flipped(encode(self._forged())))
        elif trouble == 3:
            for _ in range(chance.randrange(1, 4)):
                self.whole(self._earlier[-1])
        elif trouble == 4:
            self.whole(chance.choice(self._earlier))
        elif trouble == 5:
            batch = [self._forged(ahead=ahead) for ahead in range(1, 5)]
            chance.shuffle(batch)
            for frame in batch:
                self.whole(frame)
        elif trouble == 6:
            self.sent += chance.randbytes(chance.randrange(1, 40))
            self.whole(self._forged())
        else:
            self.whole(self._forged(ahead=chance.randrange(1 << 16)))

    def _forged(self, body_bytes: int | None = None, ahead: int = 1) -> Frame:
        """A sound frame of any kind, with a body that may be right."""
        chance = self._chance
        layout = chance.choice(_LAYOUTS)
        body = struct.pack(layout, *(chance.choice(_NUMBERS) & _MASKS[code] for code in layout[1:]))
        body += chance.randbytes(chance.choice((0, 0, 0, 1, 5, 100)))
        if body_bytes is not None:
            body = body.ljust(body_bytes, b"\x2a")
        return Frame(chance.choice(_KINDS), (self.last_sequence + ahead) & 0xFFFF, body)

    def _damaged(self, message: bytes) -> None:
        self.sent += message
        self.frames += 1

    def _cut(self, message: bytes) -> bytes:
        """Without a part that is more than the zeros at its ends."""
        start = self._chance.randrange(1, len(message) - 1)
        return message[:start] + message[self._chance.randrange(start + 1, len(message) + 1) :]

    def _flipped(self, message: bytes) -> bytes:
        """With one to three different bits flipped."""
        flipped = bytearray(message)
        for bit in self._chance.sample(range(8 * len(message)), self._chance.randrange(1, 4)):
            flipped[bit // 8] ^= 1 << bit % 8
        return bytes(flipped)


def line(subject: Subject, frames: int, seed: int, probe_every: int = 50) -> Line:
    """At least ``frames`` frames: bursts of trouble with a probe after each."""
    made = Line(subject, seed)
    while made.frames < frames:
        for _ in range(probe_every):
            made.disturb()
        made.probe()
    return made


def check(made: Line, answers: Sequence[Frame]) -> None:
    """Fails where an answer is missing, too many, or wrong; a repeated request must be answered the same."""
    given: dict[Expected, Frame] = {}
    for number, (expected, answer) in enumerate(zip(made.expected, answers, strict=False)):
        fault = expected.fault(answer)
        assert fault is None, f"answer {number} of {len(made.expected)}, seed {made.seed}: {fault}"
        before = given.setdefault(expected, answer)
        assert before == answer, f"answer {number}, seed {made.seed}: {answer} after {before}"
    assert len(answers) == len(made.expected)
