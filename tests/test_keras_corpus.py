"""Keras's layers, activations and functions, and nets of usual architectures: each gives LiteRT's bytes, or is refused
with its name and what comes nearest. Layers that take the same input are converted together; alone in the slow test.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcuq.core import core_named
from mcuq.errors import UnsupportedError
from mcuq.frontend.blockers import BlockedError
from mcuq.ir import DType
from mcuq.kernels.base import Target
from mcuq.model import Model, load_model
from mcuq.ops.base import Case
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.quantize.request import Request
from mcuq.quiet import quiet_stderr
from mcuq.reference import Reference
from tests.harness.keras_corpus import NETS, OPS, REFUSED, UNCHANGED, layers_of, one_layer, op_models, several
from tests.harness.keras_models import save
from tests.harness.ladder import litert_outputs, random_input, reference_outputs, runs_of
from tests.harness.suite import SuiteCase, differences_on_the_host

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
pytest.importorskip("tensorflow", reason="not checked: Keras layers, TensorFlow is not installed")

SEED = 6
QUICK_SHAPES = ((7, 12), (10,))
QUICK_NETS = ("mobilenet_v3", "tcn")


@pytest.fixture
def keras() -> Any:
    with quiet_stderr():
        import keras
    keras.utils.set_random_seed(SEED)  # before each test: weights do not depend on which ran before
    return keras


@pytest.fixture
def layers(keras: Any) -> Mapping[str, Any]:
    return {**layers_of(keras), **op_models(keras)}


def loaded(keras: Any, model: Any, path: Path, scheme: str = "w8a8") -> Model:
    return load_model(save(keras, model, path), None, lambda *_: None, 2, Request(scheme))


def random_inputs(model: Model) -> list[np.ndarray]:
    rng = np.random.default_rng(SEED)
    types = [(tensor.shape, tensor.type.dtype) for tensor in model.graph.input_tensors]
    return [random_input(shape, dtype, rng, *((0, 9) if dtype is DType.INT32 else ())) for shape, dtype in types]


def expected_outputs(model: Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Of the graph that is compiled: the file may convert them to float behind its end."""
    indices = [model.tensor_index(name) for name in model.graph.outputs]
    return litert_outputs(model.tflite, inputs, runs_of(model.graph), indices)


def assert_litert_bytes(model: Model) -> None:
    inputs = random_inputs(model)
    expected = expected_outputs(model, inputs)
    found = reference_outputs(model.graph, inputs, runs_of(model.graph))
    for name, got, want in zip(model.graph.outputs, found, expected, strict=True):
        np.testing.assert_array_equal(got, want, err_msg=name)


def suite_case(name: str, model: Model) -> SuiteCase:
    inputs = random_inputs(model)
    expected = expected_outputs(model, inputs)
    given, wanted = (b"".join(array.tobytes() for array in arrays) for arrays in (inputs, expected))
    program = lower(model.graph, Target(core_named("cortex-m4")), KernelPolicy.MCUQ)
    return SuiteCase(name, Case("keras", (), ()), model.graph, plan(program), ((given, wanted),))


def together(keras: Any, layers: Mapping[str, Any], names: Sequence[str]) -> Any:
    """A model with an output for each of the layers, which take the same input."""
    given = keras.Input(layers[names[0]][0])
    return keras.Model(given, [layers[name][1](given) for name in names])


@pytest.mark.parametrize("shape", QUICK_SHAPES, ids=str)
def test_layers_compile_beside_others_that_take_the_same_input(
    keras: Any, layers: Mapping[str, Any], tmp_path: Path, shape: tuple[int, ...]
) -> None:
    model = together(keras, layers, several(layers)[shape])
    assert_litert_bytes(loaded(keras, model, tmp_path / "together.keras"))


@pytest.mark.parametrize("name", QUICK_NETS)
def test_a_net_gives_litert_bytes(keras: Any, tmp_path: Path, name: str) -> None:
    assert_litert_bytes(loaded(keras, NETS[name](keras), tmp_path / f"{name}.keras"))


def test_what_a_causal_mask_hides_stays_hidden_and_the_scores_keep_their_precision(keras: Any, tmp_path: Path) -> None:
    model = loaded(keras, NETS["causal_transformer"](keras), tmp_path / "causal.keras")
    assert model.float_tflite is not None
    (tensor,), rng = model.graph.input_tensors, np.random.default_rng(SEED)
    first = rng.uniform(0, 1, tensor.shape).astype(np.float32)
    second = first.copy()
    second[:, -1] = rng.uniform(0, 1, second[:, -1].shape)
    exact, approximate = Reference(model.tflite), Reference(model.float_tflite, exact=False)
    found, other = (exact.run([values[0]])[0] for values in (first, second))
    np.testing.assert_array_equal(found[:-1], other[:-1])
    wanted = approximate.run([first[0]])[0]
    assert np.abs(exact.outputs[0].dequantize(found) - wanted).max() < 0.08 * np.ptp(wanted)


def test_a_codec_of_int16_activations_gives_litert_bytes_in_c_too(keras: Any, tmp_path: Path) -> None:
    model = loaded(keras, NETS["seanet"](keras), tmp_path / "seanet.keras", "w8a16")
    assert {layer.output.type.dtype for layer in model.graph.layers()} == {DType.INT16}
    wanted = {"CONV_2D", "TRANSPOSE_CONV", "ADD", "SUB", "LEAKY_RELU", "STRIDED_SLICE"}
    assert wanted <= {node.op for node in model.graph.nodes}
    assert_litert_bytes(model)
    assert differences_on_the_host([suite_case("seanet", model)], tmp_path / "suite") == []


def check_refusals(keras: Any, layers: Mapping[str, Any], names: Sequence[str], folder: Path) -> None:
    with pytest.raises(BlockedError) as caught:
        loaded(keras, together(keras, layers, names), folder / "refused.keras")
    for name in names:
        assert REFUSED[name] in str(caught.value), name


def test_functions_that_do_not_compile_are_told_with_what_comes_nearest(
    keras: Any, layers: Mapping[str, Any], tmp_path: Path
) -> None:
    check_refusals(keras, layers, [name for name in REFUSED if name.startswith("ops_")], tmp_path)


@pytest.mark.slow
def test_layers_that_do_not_compile_are_told_with_what_comes_nearest(
    keras: Any, layers: Mapping[str, Any], tmp_path: Path
) -> None:
    for shape in sorted({layers[name][0] for name in REFUSED}):
        check_refusals(keras, layers, [name for name in REFUSED if layers[name][0] == shape], tmp_path)


def test_a_layer_that_does_nothing_is_no_model(keras: Any, layers: Mapping[str, Any], tmp_path: Path) -> None:
    for name in ("Dropout", "Identity"):
        with pytest.raises(UnsupportedError, match="computes nothing"):
            loaded(keras, one_layer(keras, layers[name]), tmp_path / f"{name}.keras")
        assert name in UNCHANGED


@pytest.mark.slow
def test_the_whole_corpus_gives_litert_bytes_in_c_under_sanitizers(
    keras: Any, layers: Mapping[str, Any], tmp_path: Path
) -> None:
    models = {
        name: one_layer(keras, made) for name, made in layers.items() if name not in REFUSED and name not in UNCHANGED
    }
    models |= {name: build(keras) for name, build in NETS.items()}
    cases = []
    for name, model in models.items():
        found = loaded(keras, model, tmp_path / f"{name}.keras")
        assert_litert_bytes(found)
        cases.append(suite_case(name, found))
    assert len(cases) > len(OPS) + len(NETS)
    assert differences_on_the_host(cases, tmp_path / "suite") == []
