"""Calibration: how values are counted, what each calibrator makes of them, and models made with their ranges."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuq.cli import run
from mcuq.data import Dataset
from mcuq.errors import UsageError
from mcuq.frontend.tflite import read_tflite
from mcuq.ir import DType
from mcuq.quantize import quantize
from mcuq.quantize.calibrate import Running, Statistics
from mcuq.quantize.calibrators import AUTO, CALIBRATORS, KEPT
from mcuq.quantize.choose_ranges import choose_ranges
from mcuq.quantize.diagnosis import Diagnosis, diagnose
from mcuq.quantize.histogram import Histogram
from mcuq.quantize.judge import Judge
from mcuq.quantize.request import Request
from tests.harness.float_net import FloatNet

pytest.importorskip("litert_quantizer", reason="not checked: quantization, litert-quantizer is not installed")


def statistics(values: np.ndarray) -> Statistics:
    histogram = Histogram()
    for part in np.array_split(values, 7):
        histogram.add(part)
    ends = np.array([values.min()]), np.array([values.max()])
    return Statistics(*ends, *ends, np.array([values.mean()]), histogram)


def heavy_tailed(*, positive: bool) -> np.ndarray:
    values = np.random.default_rng(8).standard_t(3, 200_000)
    return np.asarray(np.maximum(values, 0.0) if positive else values, np.float32)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60), st.data())
def test_a_histogram_counts_every_value_once_and_near_its_place(values: list[float], data: st.DataObject) -> None:
    array = np.array(values, np.float32)
    histogram = Histogram()
    for value in array:
        histogram.add(value)
    assert histogram.counts.sum() == len(values)
    assert histogram.limit >= np.abs(array).max()
    found = np.repeat(histogram.centres, histogram.counts)
    assert np.abs(np.sort(found) - np.sort(array)).max() <= histogram.step
    low, high = sorted((data.draw(st.sampled_from(values)), data.draw(st.sampled_from(values))))
    near = [(array < low - k * histogram.step).mean() + (array > high + k * histogram.step).mean() for k in (-1, 1)]
    assert near[1] - 1e-9 <= histogram.outside(low, high) <= near[0] + 1e-9


def rounding_error(values: np.ndarray, low: float, high: float, steps: int) -> float:
    scale = (high - low) / steps
    zero = np.rint(-low / scale)
    integers = np.clip(np.rint(values / scale) + zero, 0, steps)
    return float((((integers - zero) * scale - values) ** 2).mean())


@pytest.mark.parametrize("steps", [15, 255])
@pytest.mark.parametrize("positive", [True, False])
def test_calibrators_cut_off_what_they_say(positive: bool, steps: int) -> None:
    values = heavy_tailed(positive=positive)
    known = statistics(values)
    ranges = {name: calibrator.limits(known, steps) for name, calibrator in CALIBRATORS.items()}
    assert ranges["minmax"] == (float(values.min()), float(values.max()))
    for low, high in ranges.values():
        assert known.low <= low <= 0.0 <= high <= known.high
        assert not positive or low == 0.0
    tails = 1 - KEPT if not positive else (1 - KEPT) / 2
    assert known.histogram.outside(*ranges["percentile"]) == pytest.approx(tails, rel=0.3)
    errors = {name: rounding_error(values, *limits, steps) for name, limits in ranges.items()}
    assert errors["mse"] <= 1.02 * min(errors.values())
    assert errors["mse"] < (0.96 if steps == 255 else 0.25) * errors["minmax"]
    assert ranges["kl"][1] < ranges["minmax"][1]
    low, high = ranges["mse"]
    for share in (0.5, 2.0):
        assert errors["mse"] < rounding_error(values, low * share, high * share, steps)


@pytest.mark.parametrize("values", [[0.0, 0.0], [0.0, 3.0], [-2.0, -2.0], [5.0], [-1e-30, 1e-30]])
def test_calibrators_take_values_that_hardly_differ(values: list[float]) -> None:
    known = statistics(np.array(values, np.float32))
    for name, calibrator in CALIBRATORS.items():
        low, high = calibrator.limits(known, 255)
        assert low <= high, name
        assert np.isfinite([low, high]).all(), name


# Models.


@pytest.fixture(scope="module")
def net() -> bytes:
    made = FloatNet(1, 9, 9, 3)
    made.convolution("stem", 3, 8)
    made.convolution("wide", 3, 12)
    made.convolution("point", 1, 16, 2, relu=False)
    made.dense("scores", 6)
    return made.content()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Of which few, and only single pixels, are far brighter than the others."""
    rng = np.random.default_rng(3)
    made = rng.normal(size=(96, 9, 9, 3)).astype(np.float32)
    made[::6, 4, 4] *= 8
    return made


def test_auto_is_at_least_as_good_as_the_best_calibrator_on_other_data(net: bytes, images: np.ndarray) -> None:
    calibration, judge = Dataset((images[:48],), None, "made"), Judge(net, [images[48:]])
    made = {name: quantize(net, calibration, Request(calibration=name)) for name in (*CALIBRATORS, AUTO)}
    errors = {name: judge.error(model.tflite) for name, model in made.items()}
    assert max(errors.values()) > 1.1 * min(errors.values())
    assert errors[AUTO] <= 1.05 * min(errors.values())
    assert made[AUTO] == quantize(net, calibration, Request(calibration=AUTO))
    assert set(made["kl"].chosen.calibrators.values()) == {"kl"}
    assert set(made[AUTO].chosen.calibrators.values()) <= set(CALIBRATORS)


def test_int16_activations_come_nearer_to_the_float_model(net: bytes, images: np.ndarray) -> None:
    tame = images[np.arange(len(images)) % 6 != 0]
    calibration, judge = Dataset((tame[:24],), None, "made"), Judge(net, [tame[24:]])
    wide = quantize(net, calibration, Request("w8a16")).tflite
    tensors = read_tflite(wide, "wide").tensors.values()
    assert {t.type.dtype for t in tensors if not t.constant} == {DType.INT16}
    assert judge.error(wide) < 0.6 * judge.error(quantize(net, calibration, Request()).tflite)
    with pytest.raises(UsageError, match="activations have other widths"):
        Request("w8a16", {"stem": "w4a8"})


def test_the_command_line_takes_calibrators_and_firmware_of_int16_equals_litert(
    net: bytes, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.tflite").write_bytes(net)
    np.savez("data.npz", x=images[:8])
    assert run(["quantize", "net.tflite", "--data", "data.npz", "--calibration", "msa"]) == 2
    assert "no calibrator 'msa'" in capfd.readouterr().err
    assert run(["quantize", "net.tflite", "--data", "data.npz", "--calibration", "mse", "--json"]) == 0
    assert set(json.loads(capfd.readouterr().out)["calibrators"].values()) == {"mse"}
    build = ["build", "net.tflite", "--data", "data.npz", "--board", "mps2-an386", "--scheme", "w8a16", "-o", "out"]
    assert run(build) == 0
    capfd.readouterr()
    assert run(["sim", "out", "--data", "data.npz", "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["mismatched_bytes"], report["samples"]) == (0, 8)


# The doctor.


def diagnosed(values: np.ndarray, *, labels: np.ndarray | None = None) -> tuple[Diagnosis, str]:
    """Of a model that does nothing to its inputs ``values`` (n, ..., channels)."""
    running = Running(values.shape[-1])
    for sample in values:
        running.add(sample[np.newaxis])
    known = {"x": running.done()}
    chosen = choose_ranges(known, {}, "mse", 255, lambda _: 0.0, lambda *_: None)
    found = diagnose(known, chosen, {"x": "the input"}, Dataset((values,), labels, "made"), 8)
    return found, "\n".join(found.findings)


def test_the_doctor_finds_nothing_wrong_with_many_even_samples() -> None:
    rng = np.random.default_rng(1)
    found, text = diagnosed(rng.uniform(-1, 1, (200, 6, 4)).astype(np.float32), labels=np.arange(200) % 5)
    assert "more samples would change little" in text
    assert len(found.findings) == 1
    (only,) = found.activations
    assert (only.dead, only.outliers, only.channels) == ((), (), 4)
    assert only.sqnr_db == pytest.approx(10 * np.log10((1 / 3) / ((2 / 255) ** 2 / 12)), abs=0.5)


def test_the_doctor_names_dead_and_outlier_channels() -> None:
    values = np.random.default_rng(1).normal(size=(64, 6, 9)).astype(np.float32)
    values[..., 3] = 0.5
    values[..., 7] *= 30
    found, text = diagnosed(values)
    assert (found.activations[0].dead, found.activations[0].outliers) == ((3,), (7,))
    assert "1 of 9 channels never change (3)" in text
    assert "channel 7 reaches" in text


def test_the_doctor_counts_repeats_flat_samples_and_missing_classes() -> None:
    values = np.random.default_rng(1).normal(size=(20, 5, 2)).astype(np.float32)
    values[4] = values[9]
    values[11] = 0.25
    _, text = diagnosed(values, labels=np.array([0, 1, 3, -1] * 5))
    assert "20 samples are few" in text
    assert "1 of 20 samples repeat others" in text
    assert "1 of 20 samples hold one value throughout" in text
    assert "no sample of class 2" in text


def test_growth_is_the_mean_over_all_halves() -> None:
    rng = np.random.default_rng(2)
    values = np.abs(rng.standard_t(2, (8, 1, 1))).astype(np.float32)
    halves = [max(values[list(half), 0, 0]) for half in itertools.combinations(range(8), 4)]
    found, text = diagnosed(values)
    assert found.activations[0].growth == pytest.approx(values.max() / np.mean(halves) - 1, rel=1e-5)
    assert "more samples would widen them further" in text


def test_calibrate_prints_ranges_and_findings(
    net: bytes, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.tflite").write_bytes(net)
    np.savez("data.npz", x=images[:8])
    assert run(["calibrate", "net.tflite"]) == 2
    assert "no data given" in capfd.readouterr().err
    assert run(["calibrate", "net.tflite", "--data", "data.npz", "--scheme", "w8"]) == 2
    assert "the scheme w8 is none of a calibrated model" in capfd.readouterr().err
    assert run(["calibrate", "net.tflite", "--data", "data.npz", "--calibration", "kl", "--json"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert [row["layer"] for row in printed["activations"]] == ["image", "stem", "wide", "point", "flat", "scores"]
    assert {row["calibrator"] for row in printed["activations"]} == {"kl"}
    assert "8 samples are few" in printed["findings"][0]
    assert run(["calibrate", "net.tflite", "--data", "data.npz"]) == 0
    out = capfd.readouterr().out
    assert "stem" in out and "8 samples are few" in out
