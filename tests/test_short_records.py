"""Requantize records in a few bytes: expanded in C to the very tables, found by values alone, and less flash for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from mcuq.cli import run as mcuq
from mcuq.core import core_named
from mcuq.fixedpoint import quantize_multiplier
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.image import KERNELS
from mcuq.ir import Layer
from mcuq.kernels.base import Target
from mcuq.kernels.mcuq_short_records import KERNELS as SHORT
from mcuq.kernels.short_records import HEAD_BYTES, pack
from mcuq.ops import operators
from mcuq.quantize.double import BIAS_BITS, coarse_bias, raised
from mcuq.quantize.grids import weighted_errors
from mcuq.quantize.schemes import scheme_named
from tests.firmware.building import HERE, SANITIZERS, STRICT, run
from tests.harness.float_net import FloatNet
from tests.harness.tflite_writer import write_case

Tables = tuple[np.ndarray, np.ndarray, np.ndarray]


def tables(scales: np.ndarray, biases: np.ndarray, factor: float) -> Tables:
    """Biases, multipliers and shifts as LiteRT computes them."""
    found = [quantize_multiplier(float(factor * scale)) for scale in scales.astype(np.float32).astype(np.float64)]
    return biases, np.array([m for m, _ in found]), np.array([s for _, s in found])


def made_tables(rng: np.random.Generator, kind: str) -> Tables:
    channels = int(rng.integers(1, 40))
    spread = {"alike": 0.4, "apart": 4.0}.get(kind, 2.0)
    scales = 10.0 ** rng.uniform(-spread, 0, channels)
    if kind == "double":
        rows = rng.normal(size=(channels, 30)) * scales[:, None]
        scales = scheme_named("w8a8+dq").grid(rows, np.ones((1, 30))).scales
    elif kind == "one scale":
        scales = np.full(channels, scales[0])
    biases = rng.integers(-(2**31), 2**31, channels) >> rng.integers(0, 31)
    biases = biases >> (shift := rng.integers(0, 9)) << shift
    return tables(scales, biases, 10.0 ** rng.uniform(-4, 1))


def expanded_in_c(folder: Path, records: list[tuple[int, np.ndarray]]) -> list[np.ndarray]:
    program = folder / "expand"
    sources = [HERE / "expand_records.c", KERNELS / "mcuq_expand_records.c"]
    run(["gcc", "-O1", *STRICT, *SANITIZERS, f"-I{KERNELS}", *sources, "-o", program])
    sent = b"".join(np.array([n, octets.size], "<u4").tobytes() + octets.tobytes() for n, octets in records)
    done = subprocess.run([program], input=sent, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    words = np.frombuffer(done.stdout, "<i4")
    return np.split(words, np.cumsum([3 * n for n, _ in records])[:-1])


def test_records_expand_in_c_to_the_very_tables(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    kinds = ("double", "one scale", "alike", "apart")
    wanted = [(kind, made_tables(rng, kind)) for kind in kinds for _ in range(100)]
    packed = [(len(of[0]), octets) for _, of in wanted if not isinstance(octets := pack(*of), str)]
    assert len(packed) == len(wanted)
    seen = set()
    for found, (_, octets), (kind, of) in zip(expanded_in_c(tmp_path, packed), packed, wanted, strict=True):
        assert np.array_equal(found, np.concatenate(of)), kind
        seen.add((kind, int(octets[2])))
        assert octets.size == HEAD_BYTES + len(of[0]) * (int(octets[0]) + int(octets[2]))
    codes = {kind for kind, factor_bytes in seen if factor_bytes == 1}
    assert codes >= {"double", "one scale"}
    assert {kind for kind, factor_bytes in seen if factor_bytes > 1} == {"alike", "apart"}
    assert {4, 5} <= {factor_bytes for _, factor_bytes in seen}


def test_a_multiplier_that_is_not_normal_is_refused() -> None:
    one = np.ones(3, np.int64)
    assert pack(one, 0 * one, 0 * one) == "a multiplier has no 31 bits"


def layer_of(operator: str, case: str) -> Layer:
    model = write_case(operator, next(c for c in operators()[operator].cases if c.name == case))
    (layer,) = bind(read_tflite(model, case)).layers()
    return layer


def test_records_that_save_nothing_say_so() -> None:
    (kernel,) = (kernel for kernel in SHORT if kernel.name == "mcuq_conv_2d_short")
    target = Target(core_named("cortex-m4"))
    assert kernel.refuses(layer_of("CONV_2D", "ternary_in_parts"), target) is None
    reason = kernel.refuses(layer_of("CONV_2D", "3x3_same"), target)
    assert reason == "records take 36 B, as tables 48 B"


# Double quantization: scales that one byte stands for.


@pytest.mark.parametrize("name", ["w8a8+dq", "w4a8+dq", "nf4+dq"])
def test_double_quantized_scales_are_a_float32_times_a_small_number_and_lose_little(name: str) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(40, 90)) * 10.0 ** rng.uniform(-3, 1, (40, 1))
    rows[7] = 0.0
    importance = rng.random((1, 90))
    plain, double = (scheme_named(n).grid(rows, importance) for n in (name.removesuffix("+dq"), name))
    assert np.array_equal(plain.levels, double.levels)
    assert np.array_equal(double.scales, double.scales.astype(np.float32))
    unit = double.scales.max() / 31
    fractions, _ = np.frexp(double.scales / unit)
    assert np.array_equal(32 * fractions, np.rint(32 * fractions))
    assert unit == unit.astype(np.float32)
    assert np.ptp(np.log2(double.scales)) < 16
    errors = [weighted_errors(rows, importance, grid).sum() for grid in (plain, double)]
    assert errors[1] < 1.05 * errors[0]
    larger = raised(double.scales * rng.uniform(0.5, 1.0, 40), double.scales)
    assert ((larger >= double.scales / 2) & (larger <= double.scales)).all()
    assert np.array_equal(raised(double.scales, double.scales), double.scales)


def test_biases_take_sixteen_bits_and_hardly_move() -> None:
    rng = np.random.default_rng(2)
    scales = 10.0 ** rng.uniform(-6, -4, 30)
    for reach in (10.0, 3e4, 1e6):
        bias = scales * reach * rng.uniform(-1, 1, 30)
        whole = np.rint(coarse_bias(bias, scales) / scales).astype(np.int64)
        step = max(1, int(np.bitwise_or.reduce(whole)) & -int(np.bitwise_or.reduce(whole)))
        assert np.abs(whole // step).max() < 2 ** (BIAS_BITS - 1)
        assert np.abs(whole - bias / scales).max() <= step / 2 + 1e-6


def test_a_double_quantized_model_has_a_quarter_of_the_records_and_litert_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Read from the ELF; depthwise, first and last layers have such records, too."""
    monkeypatch.chdir(tmp_path)
    net = FloatNet(1, 9, 8, 3)
    net.convolution("stem", 3, 32, 2)
    net.convolution("wise", 3, 0, depthwise=1)
    net.convolution("point", 1, 40)
    net.dense("scores", 24)
    Path("net.tflite").write_bytes(net.content())
    np.savez("data.npz", x=np.random.default_rng(0).normal(size=(4, *net.tensors["image"].shape[1:])))
    assert mcuq(["build", "net.tflite", "--data", "data.npz", "--board", "mps2-an386", "--kernels", "mcuq",
                 "--optimize", "size", "--scheme", "w4a8+dq", "-o", "out"]) == 0  # fmt: skip
    capfd.readouterr()
    assert mcuq(["sim", "out", "--data", "data.npz", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["mismatched_bytes"] == 0
    with Path("out/net.elf").open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        sizes = {symbol.name: int(symbol["st_size"]) for symbol in symbols.iter_symbols()}
    records = [size for name, size in sizes.items() if name.endswith("_records") and name.startswith("net_")]
    assert records == [HEAD_BYTES + 3 * channels for channels in (32, 32, 40, 24)]
    assert not [name for name in sizes if name.endswith(("_bias", "_multipliers", "_shifts"))]
