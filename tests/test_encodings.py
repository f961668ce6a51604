"""Encodings of weights: found again in Python and in C, near Shannon's limit; when damaged harmless, and refused."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.codegen.model import generate
from mcuq.core import core_named
from mcuq.encodings import encodings
from mcuq.encodings.base import Encoding, Measured, entropy_bits, histogram
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.image import KERNELS
from mcuq.ir import Layer
from mcuq.kernels.base import Target
from mcuq.kernels.decoded_streams import Shape
from mcuq.kernels.mcuq_decoded import KERNELS as DECODED
from mcuq.kernels.packed_weights import pack
from mcuq.ops import operators
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from tests.firmware.building import HERE, SANITIZERS, STRICT, run
from tests.harness.tflite_writer import write_case

NAMES = [encoding.name for encoding in encodings()]
FORMS = ["bytes", "offset", "halves"]


def made_weights(rng: np.random.Generator, count: int) -> np.ndarray:
    """Weights of some distribution: few values, many, even, skewed."""
    kind = rng.integers(4)
    if kind == 0:
        return np.clip(rng.normal(0, rng.choice([0.4, 3, 30]), count).round(), -127, 127).astype(np.int8)
    palette = rng.choice(np.arange(-128, 128), rng.integers(1, 18), replace=False)
    shares = rng.dirichlet(np.full(len(palette), rng.choice([0.1, 1.0, 50.0])))
    return rng.choice(palette, count, p=shares).astype(np.int8)


def bits_of(octets: np.ndarray) -> str:
    return "".join(f"{octet:08b}" for octet in octets)


def decoded(name: str, octets: np.ndarray, option: int, count: int) -> list[int]:
    """What mcuq_decode.h says of coded bytes."""
    return {"bits": from_bits, "trits": from_trits, "huffman": from_huffman, "tans": from_tans}[name](
        octets, option, count
    )


def from_bits(octets: np.ndarray, option: int, count: int) -> list[int]:
    palette, bits = octets[: 1 << option].view(np.int8), bits_of(octets[1 << option :])
    return [int(palette[int(bits[option * i : option * (i + 1)], 2)]) for i in range(count)]


def from_trits(octets: np.ndarray, _option: int, count: int) -> list[int]:
    found = []
    for octet in octets[3:]:
        rest = int(octet)
        for _ in range(5):
            digit, rest = divmod(3 * rest, 256)
            found.append(int(octets[:3].view(np.int8)[digit]))
    return found[:count]


def from_huffman(octets: np.ndarray, option: int, count: int) -> list[int]:
    lengths = range(option, 16)
    counts = octets[: 2 * len(lengths)].view(">u2").tolist()
    weights = octets[2 * len(lengths) :].view(np.int8)
    codes, code = {}, 0
    for length, of_length in zip(lengths, counts, strict=True):
        code <<= 1
        for _ in range(of_length):
            codes[f"{code:0{length}b}"] = int(weights[len(codes)])
            code += 1
    bits, at, found = bits_of(octets[2 * len(lengths) + len(codes) :]), 0, []
    while len(found) < count:
        length = next(n for n in lengths if bits[at : at + n] in codes)
        found.append(codes[bits[at : at + length]])
        at += length
    return found


def from_tans(octets: np.ndarray, option: int, count: int) -> list[int]:
    state, states, least, at = 256 * int(octets[0]) + int(octets[1]), 1 << option, int(octets[2:3].view(np.int8)[0]), 4
    shares: list[int] = []
    while len(shares) <= octets[3]:
        share, at = int(octets[at]), at + 1
        if share == 255:
            share, at = 256 * int(octets[at]) + int(octets[at + 1]), at + 2
        shares.append(share)
        if share == 0:
            shares, at = shares + [0] * int(octets[at]), at + 1
    of_state = [0] * states
    place = 0
    for weight, share in enumerate(shares):
        for _ in range(share):
            of_state[place] = weight
            place = (place + states // 2 + states // 8 + 3) % states
    numbers, next_of = list(shares), []
    for weight in of_state:
        length = option - (numbers[weight].bit_length() - 1)
        next_of.append((length, (numbers[weight] << length) - states))
        numbers[weight] += 1
    bits, found = bits_of(octets[at:]), []
    at = 0
    for _ in range(count):
        found.append(least + of_state[state])
        length, base = next_of[state]
        state = base + int(bits[at : at + length] or "0", 2)
        at += length
    return found


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(encodings()), st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_weights_are_found_again_and_take_what_was_measured(encoding: Encoding, count: int, seed: int) -> None:
    weights = made_weights(np.random.default_rng(seed), count)
    measured = encoding.measure(*histogram(weights))
    if isinstance(measured, str):
        return
    octets = encoding.encode(weights)
    assert decoded(encoding.name, octets, measured.option, count) == weights.tolist()
    near = 2 + 0.01 * measured.bytes if encoding.name == "tans" else 0
    assert abs(octets.size - measured.bytes) <= near


EIGHT_SHARES = (0.02, 0.07, 0.13, 0.25, 0.22, 0.18, 0.09, 0.04)


def made(name: str, kind: str) -> tuple[np.ndarray, float]:
    """The bytes of 36,864 weights, and Shannon's limit for them, in bytes."""
    rng = np.random.default_rng(1)
    weights = {
        "int8": lambda: np.clip(rng.normal(0, 35, 36864).round(), -127, 127),
        "int4": lambda: np.clip(rng.normal(0, 2.5, 36864).round(), -8, 7),
        "8 values": lambda: rng.choice([-99, -50, -20, -7, 8, 22, 45, 110], 36864, p=EIGHT_SHARES),
        "ternary": lambda: rng.choice([-1, 0, 1], 36864, p=[0.3, 0.4, 0.3]),
    }[kind]().astype(np.int8)  # fmt: skip
    octets = next(e for e in encodings() if e.name == name).encode(weights)
    return octets, entropy_bits(histogram(weights)[1]) * len(weights) / 8


@pytest.mark.parametrize("kind", ["int8", "int4", "8 values", "ternary"])
def test_huffman_and_tans_are_near_shannons_limit_with_their_tables(kind: str) -> None:
    for name, most in (("huffman", 1.05), ("tans", 1.02)):
        octets, limit = made(name, kind)
        assert limit <= octets.size <= most * limit, (name, octets.size, limit)


def test_five_ternary_weights_take_a_byte() -> None:
    assert made("trits", "ternary")[0].size == 3 + -(-36864 // 5)


@functools.cache
def decoder_program() -> Path:
    """The decoders, under sanitizers."""
    program = Path(tempfile.mkdtemp()) / "decode"
    sources = [HERE / "decode_streams.c", KERNELS / "mcuq_decode.c"]
    run(["gcc", "-O1", *STRICT, *SANITIZERS, f"-I{KERNELS}", *sources, "-o", program])
    return program


@dataclass(frozen=True)
class Stream:
    """Coded bytes with all that a decoder is told."""

    encoding: str
    measured: Measured
    shape: Shape
    groups: int
    first_groups: int
    constants: int
    octets: np.ndarray
    plain: np.ndarray

    def sent(self) -> bytes:
        shape, measured = self.shape, self.measured
        head = [NAMES.index(self.encoding), measured.option, measured.table_words, FORMS.index(shape.form)]
        head += [self.groups, self.first_groups, shape.seeds, shape.words, self.constants, self.octets.size]
        return np.array(head, "<u4").tobytes() + self.octets.tobytes() + self.plain.astype("<i4").tobytes()


def decode_in_c(streams: Sequence[Stream]) -> list[np.ndarray]:
    sent = b"".join(stream.sent() for stream in streams)
    done = subprocess.run([decoder_program()], input=sent, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    words, found = np.frombuffer(done.stdout, "<i4"), []
    for stream in streams:
        group = stream.shape.seeds + stream.shape.words + stream.constants
        found.append(words[: stream.groups * group].reshape(stream.groups, group))
        words = words[stream.groups * group :]
    assert not len(words)
    return found


def made_stream(rng: np.random.Generator) -> tuple[Stream, np.ndarray]:
    """A stream as a kernel reads it, and its coded form."""
    while True:
        seeds, constants, groups = int(rng.choice([0, 2])), int(rng.integers(0, 9)), int(rng.integers(1, 6))
        form, pairs = FORMS[rng.integers(3)], int(rng.integers(1, 20))
        weights = np.maximum(made_weights(rng, 8 * pairs * groups), -127)
        shape = Shape(form, 4, 2 * pairs, seeds)
        if form == "halves":
            words = pack(weights.reshape(4 * groups, 2 * pairs).astype(np.int64), (), 4)
        else:
            octets = weights ^ np.int8(-128) if form == "offset" else weights
            words = octets.reshape(groups, -1).view("<i4")
        around = rng.integers(-(2**31), 2**31, (groups, seeds + constants)).astype(np.int32)
        stream = np.concatenate([around[:, :seeds], words, around[:, seeds:]], axis=1)
        in_order, plain = shape.split(stream)
        encoding = encodings()[rng.integers(len(encodings()))]
        measured = encoding.measure(*histogram(in_order))
        if isinstance(measured, Measured):
            first = int(rng.integers(0, groups + 1))
            coded = encoding.encode(in_order)
            return Stream(encoding.name, measured, shape, groups, first, constants, coded, plain), stream


def test_decoders_in_c_make_the_stream_of_the_kernel() -> None:
    rng = np.random.default_rng(2)
    streams, wanted = zip(*(made_stream(rng) for _ in range(300)), strict=True)
    for found, stream, want in zip(decode_in_c(streams), streams, wanted, strict=True):
        assert np.array_equal(found, want), stream


def test_decoders_in_c_stay_inside_their_memory_whatever_the_bytes() -> None:
    """Noise, cut and changed bytes: sanitizers find what is read or written outside; words as they are come through."""
    rng = np.random.default_rng(3)
    streams = []
    for _ in range(1000):
        stream, _ = made_stream(rng)
        octets = stream.octets.copy()
        damage = rng.integers(4)
        if damage == 0:
            octets = rng.integers(0, 256, rng.integers(0, 80)).astype(np.uint8)
        elif damage == 1:
            octets = octets[: rng.integers(0, octets.size)]
        else:
            some = rng.integers(0, octets.size if damage == 2 else min(40, octets.size), 6)
            octets[some] = rng.choice([0, 1, 127, 254, 255, rng.integers(256)], 6)
        streams.append(
            Stream(stream.encoding, stream.measured, stream.shape, stream.groups, stream.first_groups, stream.constants,
                   octets, stream.plain)
        )  # fmt: skip
    for found, stream in zip(decode_in_c(streams), streams, strict=True):
        around = np.delete(found, np.s_[stream.shape.seeds : stream.shape.seeds + stream.shape.words], axis=1)
        assert np.array_equal(around.reshape(-1), stream.plain)


def layer_of(operator: str, case: str) -> Layer:
    model = write_case(operator, next(c for c in operators()[operator].cases if c.name == case))
    (layer,) = bind(read_tflite(model, case)).layers()
    return layer


@pytest.mark.parametrize(
    ("case", "kernel", "reason"),
    [
        ("ternary_in_parts", "mcuq_conv_2d_columns_trits", None),
        ("ternary_in_parts", "mcuq_conv_2d_columns_bits", "weights as palette4 are unpacked sooner from as many bits"),
        ("int4_in_parts", "mcuq_conv_2d_columns_bits", "weights as int4 are unpacked sooner from as many bits"),
        ("ternary_in_parts", "mcuq_conv_2d_columns_tans", "1.64 bits a weight, 1.65 as trits, which is decoded sooner"),
        ("1x1_many_channels", "mcuq_conv_2d_columns_tans",
         "10.47 bits a weight with its table, 8.00 without: 1,424 B for 1,088 B"),
        ("bell_in_parts", "mcuq_conv_2d_columns_bits", "the weights have 78 distinct values, 16 are possible"),
    ],
)  # fmt: skip
def test_an_encoding_that_does_not_pay_says_so(case: str, kernel: str, reason: str | None) -> None:
    found = next(k for k in DECODED if k.name == kernel)
    assert found.refuses(layer_of("CONV_2D", case), Target(core_named("cortex-m4"))) == reason


def test_damaged_weights_are_not_run(tmp_path: Path) -> None:
    """One bit of the coded weights is changed in the generated C: the layer's number is what the model answers."""
    model = write_case("CONV_2D", next(c for c in operators()["CONV_2D"].cases if c.name == "ternary_in_parts"))
    graph = bind(read_tflite(model, "m"))
    (layer,) = graph.layers()
    program = lower(graph, Target(core_named("cortex-m4")), KernelPolicy.MCUQ, {layer.name: "mcuq_conv_2d_trits"})
    for name, text in generate(plan(program), "m", "m").items():
        (tmp_path / name).write_text(text)
    (tmp_path / "main.c").write_text('#include "m.h"\nint main(void) { return (int)(16 * m_check() + m_invoke()); }\n')
    sources = [KERNELS / name for name in program.steps[0].lowering.sources]
    command = ["gcc", f"-I{KERNELS}", f"-I{tmp_path}", tmp_path / "main.c", tmp_path / "m.c", *sources]

    def answer() -> int:
        run([*command, tmp_path / "m_weights.c", "-o", tmp_path / "m"])
        return subprocess.run([tmp_path / "m"], check=False).returncode

    assert answer() == 0
    weights = (tmp_path / "m_weights.c").read_text()
    at = weights.index("coded[")
    at = weights.index("{", at)
    at = weights.index(",", at) - 1
    changed = str((int(weights[at]) + 1) % 10)
    (tmp_path / "m_weights.c").write_text(weights[:at] + changed + weights[at + 1 :])
    assert answer() == 17
