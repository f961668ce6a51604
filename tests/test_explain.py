"""LiteRT's default beside its reference kernels: where they differ, and by which rounding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcuq.data import Dataset
from mcuq.explain import explain
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.model import load_model
from mcuq.ops import operators
from mcuq.rounding import ROUNDINGS, SUMS, roundings_that_give
from mcuq.verification import LayerExplained
from tests.harness.ladder import litert_outputs, random_input
from tests.harness.net_builder import NetBuilder
from tests.harness.tflite_writer import write_case

TWICE, ONCE, FLOAT = ROUNDINGS


def silent(_stage: str, _done: int, _of: int) -> None:
    """Progress that nobody looks at."""


@pytest.mark.parametrize(("op", "rounding"), [(SUMS[0], TWICE), (SUMS[1], TWICE), (SUMS[2], ONCE)])
def test_the_reference_s_bytes_are_those_of_its_rounding(op: str, rounding: str) -> None:
    told_apart = 0
    for case in operators()[op].cases:
        model = write_case(op, case)
        graph = bind(read_tflite(model, case.name))
        (layer,) = graph.layers()
        if layer.input(1).data is None or any(t.type.dtype.value != "int8" for t in (layer.input(0), layer.input(1))):
            continue
        rng = np.random.default_rng(1)
        inputs = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
        (wanted,) = litert_outputs(model, inputs)
        found = roundings_that_give(wanted, layer, inputs[0])
        assert rounding in found, (case.name, found)
        told_apart += found == (rounding,)
        changed = wanted.copy()
        changed.reshape(-1)[0] ^= 0x55
        assert rounding not in roundings_that_give(changed, layer, inputs[0])
    assert told_apart or rounding == ONCE


def test_layers_that_round_otherwise_are_told_from_those_that_pass_it_on(tmp_path: Path) -> None:
    net = NetBuilder(3)
    x = net.activation((1, 24, 24, 8), -3)
    y = net.conv(x, 16, 3)
    y = net.depthwise(y)
    y = net.add(y, net.conv(y, 16, 1))
    y = net.dense(net.flatten(net.pool(y)), 4)
    (tmp_path / "net.tflite").write_bytes(net.tflite(x, y))
    model = load_model(tmp_path / "net.tflite", None, silent)
    rng = np.random.default_rng(5)
    samples = rng.integers(-128, 128, (2, 24, 24, 8)).astype(np.int8)
    found = explain(model, Dataset((samples,), None, "random"), silent)
    assert (found.samples, found.elements, found.kept_alike) == (2, 8, True)
    assert [layer.op for layer in found.layers] == [layer.op for layer in model.file_graph.layers()]
    assert all(layer.differing >= 0 and layer.own <= layer.elements for layer in found.layers)
    sums = [layer for layer in found.layers if "CONV" in layer.op]
    assert all(layer.reference_rounds == (TWICE,) for layer in sums), sums
    assert all(set(layer.default_rounds) <= {ONCE, FLOAT} and layer.default_rounds for layer in sums), sums
    assert all(layer.own > 0 and layer.own_largest == 1 for layer in sums), "random sums round both ways"
    (add,) = (layer for layer in found.layers if layer.op == "ADD")
    assert add.differing and (add.why == "computes alike; what it reads differs") == (add.own == 0)
    assert sums[0].differing == sums[0].own, "the first layer reads the same"


def layer(**changes: object) -> LayerExplained:
    values = {"differing": 3, "largest": 1.0, "own": 2, "own_largest": 1.0, "reference_rounds": (TWICE,),
              "default_rounds": (FLOAT, ONCE)}  # fmt: skip
    return LayerExplained("a", "CONV_2D", 10, **{**values, **changes})  # type: ignore[arg-type]


def test_what_does_not_show_is_not_explained() -> None:
    assert layer().why == "rounds once in float32 or once in fixed point; the reference twice in fixed point"
    assert layer(differing=0, own=0).why == ""
    assert layer(own=0).why == "computes alike; what it reads differs"
    unknown = "not explained: no rounding that was tried gives these bytes"
    assert layer(default_rounds=()).why == layer(reference_rounds=()).why == unknown
    assert layer(default_rounds=(TWICE,)).why == unknown
