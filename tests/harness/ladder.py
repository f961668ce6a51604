"""The ladder of proof: LiteRT's reference kernels = the integer reference = generated C on the host, in bytes."""

from __future__ import annotations

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mcuq.ir import DType, Graph
from mcuq.ops import operators
from mcuq.ops.base import Case
from mcuq.ops.floats import ulps_between


def random_input(
    shape: tuple[int, ...], dtype: DType, rng: np.random.Generator, least: int | None = None, most: int | None = None
) -> np.ndarray:
    """Random values over the whole range (or from ``least`` to ``most``), with runs of the extremes, where roundings
    and clamps show."""
    if dtype is DType.FLOAT32:
        values = rng.normal(0, 3, shape) * rng.choice(np.array([1.0, 1.0, 30.0, 1e-3, 0.0]), shape)
        return np.clip(values, least, most).astype(np.float32)
    if dtype is DType.BOOL:
        return rng.integers(0, 2, shape).astype(bool)
    limits = np.iinfo(dtype.numpy)
    low, high = limits.min if least is None else least, limits.max if most is None else most
    values = rng.integers(low, high, shape, dtype.numpy, endpoint=True)
    extremes = rng.random(shape) < 0.1
    return np.where(extremes, rng.choice(np.array([low, high], dtype.numpy), shape), values).astype(dtype.numpy)


def random_inputs(case: Case, graph: Graph, rng: np.random.Generator) -> list[np.ndarray]:
    """Inputs of a case's graph, each between the limits that its operand asks for."""
    limits = {f"input_{i}": (operand.least, operand.most) for i, operand in enumerate(case.inputs) if operand}
    return [random_input(t.shape, t.type.dtype, rng, *limits.get(t.name, ())) for t in graph.input_tensors]


def litert_outputs(
    model: bytes, inputs: list[np.ndarray], runs: int = 1, tensors: list[int] | None = None
) -> list[np.ndarray]:
    """What the last of some ``runs`` on the same inputs gives: models with states remember those before.

    ``tensors`` are the indices in the file of those to give, instead of the outputs.
    """
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=tensors is not None,
    )
    interpreter.allocate_tensors()
    for _ in range(runs):
        for details, values in zip(interpreter.get_input_details(), inputs, strict=True):
            interpreter.set_tensor(details["index"], values)
        interpreter.invoke()
    outputs = [details["index"] for details in interpreter.get_output_details()] if tensors is None else tensors
    return [interpreter.get_tensor(index) for index in outputs]


def assert_as_litert(operator: str, got: np.ndarray, want: np.ndarray, inputs: list[np.ndarray]) -> None:
    """Equal values, or for a function of a library values no further apart than the operator says."""
    found = operators()[operator]
    if not found.ulps:
        np.testing.assert_array_equal(got, want)
        assert got.tobytes() == want.tobytes()  # -0 is no 0
    else:
        assert ulps_between(got, want, inputs[0] if found.ulps_of_input else None) <= found.ulps


def runs_of(graph: Graph) -> int:
    """Runs that show what a graph does: states tell in the second."""
    return 2 if graph.states else 1


def reference_outputs(graph: Graph, inputs: list[np.ndarray], runs: int = 1) -> list[np.ndarray]:
    """The whole graph through the operators' integer references, ``runs`` times."""
    values: dict[str, np.ndarray] = {t.name: t.initial for t in graph.states if t.initial is not None}
    for _ in range(runs):
        values.update(zip(graph.inputs, inputs, strict=True))
        _run_layers(graph, values)
    return [values[name] for name in graph.outputs]


def _run_layers(graph: Graph, values: dict[str, np.ndarray]) -> None:
    for layer in graph.layers():
        arrays = [None if t is None else t.data if t.data is not None else values[t.name] for t in layer.inputs]
        outputs = operators()[layer.op].reference(layer, arrays)
        for tensor, array in zip(layer.outputs, outputs, strict=True):
            assert array.shape == tensor.shape and array.dtype == tensor.type.dtype.numpy, (tensor, array.dtype)
            values[tensor.name] = array
