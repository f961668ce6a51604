"""Cross-layer equalization, and weights with one scale a layer."""

from __future__ import annotations

import numpy as np
import pytest

from mcuq.data import Dataset
from mcuq.frontend.tflite import read_tflite
from mcuq.quantize import int8, quantize
from mcuq.quantize.equalize import equalize
from mcuq.quantize.flatbuffer import read_model, write_model
from mcuq.quantize.judge import Judge
from mcuq.quantize.request import Request
from mcuq.reference import run_float
from tests.harness.float_net import FloatNet

pytest.importorskip("litert_quantizer", reason="not checked: quantization, litert-quantizer is not installed")


@pytest.fixture(scope="module")
def uneven() -> bytes:
    """Separable convolutions whose channels differ by three orders of magnitude, as folded batch norm leaves them."""
    net = FloatNet(1, 8, 8, 3)
    net.convolution("stem", 3, 12)
    net.convolution("wise", 3, 0, depthwise=1)
    net.convolution("point", 1, 16)
    net.convolution("last", 1, 8, 2)
    net.dense("scores", 5)
    scale = (10.0 ** net.rng.uniform(-1.5, 1.5, 12)).astype(np.float32)
    for name, factor in (("stem/w", scale.reshape(12, 1, 1, 1)), ("stem/b", scale), ("wise/w", 1 / scale)):
        values = net.tensors[name].data
        assert values is not None
        values *= factor
    return net.content()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(48, 8, 8, 3)).astype(np.float32)


def test_equalizing_changes_weights_and_no_output(uneven: bytes, images: np.ndarray) -> None:
    model = read_model(uneven)
    assert equalize(model, ()) == 3  # stem to wise to point to last; a reshape lies before the scores
    found, wanted = (run_float(content, [images[:4]])[0] for content in (write_model(model), uneven))
    assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()
    stem = read_tflite(write_model(model), "equalized").tensors["stem/w"].data
    assert stem is not None
    reach = np.abs(stem.reshape(12, -1)).max(axis=1)
    assert reach.max() < 30 * reach.min()
    assert equalize(read_model(uneven), ("stem", "wise", "point")) == 0


def test_one_scale_a_layer_suits_equalized_weights(
    uneven: bytes, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration, judge = Dataset((images[:24],), None, "made"), Judge(uneven, [images[24:]])
    made = quantize(uneven, calibration, Request("w8a8+pt")).tflite
    for node in (graph := read_tflite(made, "made")).nodes:
        if node.op in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
            scales = graph.tensors[str(node.inputs[1])].type.quantization
            assert scales is not None
            assert len(np.unique(scales.scales)) == 1
    monkeypatch.setattr(int8, "equalize", lambda *_: 0)
    plain = quantize(uneven, calibration, Request("w8a8+pt")).tflite
    usual = quantize(uneven, calibration, Request()).tflite
    errors = [judge.error(content) for content in (made, plain, usual)]
    assert errors[0] < 0.2 * errors[1]
    assert errors[0] < 4 * errors[2]
