"""Models that remember: variables with a handle, states between inferences, and the policy between samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from mcuq.codegen.model import generate
from mcuq.core import core_named
from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import Graph
from mcuq.kernels.base import Target
from mcuq.ops import operators
from mcuq.passes import run_passes
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.reference import Reference
from tests.harness.ladder import litert_outputs, reference_outputs
from tests.harness.suite import SuiteCase, differences_on_the_host
from tests.harness.tflite_writer import write_case

BYTES = schema.TensorType.INT8
FIRST = np.array([3, -4, 5, 6], np.int8)


def counter(*, initialised: bool = True, assigned: bool = True) -> bytes:
    """``total = total + x`` over a variable that begins as ``FIRST``; the answer is the new total."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = FIRST.view(np.uint8)
    codes = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "ADD")
    model.operatorCodes = []
    for name in codes:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        model.operatorCodes.append(code)

    def tensor(name: str, kind: int = BYTES, buffer: int = 0) -> Any:
        made = schema.TensorT()
        made.name, made.type, made.buffer = name, kind, buffer
        made.shape = [1, 4] if kind == BYTES else []
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [0.1], [0]
        return made

    def operator(code: str, inputs: list[int], outputs: list[int], options: Any = None) -> Any:
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = codes.index(code), inputs, outputs
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        return made

    def handle(output: int) -> Any:
        options = schema.VarHandleOptionsT()
        options.container, options.sharedName = "", "total"
        return operator("VAR_HANDLE", [], [output], options)

    def graph(tensors: list[Any], operators: list[Any], inputs: list[int], outputs: list[int]) -> Any:
        made = schema.SubGraphT()
        made.tensors, made.operators, made.inputs, made.outputs = tensors, operators, inputs, outputs
        return made

    once = schema.CallOnceOptionsT()
    once.initSubgraphIndex = 1
    main = [handle(1), operator("READ_VARIABLE", [1], [2]), operator("ADD", [0, 2], [3], schema.AddOptionsT())]
    if initialised:
        main.insert(0, operator("CALL_ONCE", [], [], once))
    if assigned:
        main.append(operator("ASSIGN_VARIABLE", [1, 3], []))
    resource = schema.TensorType.RESOURCE
    model.subgraphs = [
        graph([tensor("x"), tensor("handle", resource), tensor("before"), tensor("after")], main, [0], [3]),
        graph(
            [tensor("h", resource), tensor("v", buffer=1)], [handle(0), operator("ASSIGN_VARIABLE", [0, 1], [])], [], []
        ),
    ][: 2 if initialised else 1]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def graph_of(model: bytes) -> Graph:
    return run_passes(bind(read_tflite(model, "counter")))


def test_a_variable_is_a_state_with_the_value_it_is_first_given() -> None:
    (state,) = graph_of(counter()).states
    assert state.initial is not None and state.initial.tolist() == [FIRST.tolist()]


def test_what_is_assigned_in_one_inference_is_read_in_the_next(tmp_path: Path) -> None:
    model, x = counter(), np.array([[1, 2, -3, 4]], np.int8)
    graph = graph_of(model)
    for runs in (1, 2, 3):
        (want,) = litert_outputs(model, [x], runs)
        assert want.tolist() == [(FIRST + runs * x[0]).tolist()]
        (found,) = reference_outputs(graph, [x], runs)
        np.testing.assert_array_equal(found, want)
    program = lower(graph, Target(core_named("cortex-m4")), KernelPolicy.MCUQ)
    rounds = ((x.tobytes(), litert_outputs(model, [x], 2)[0].tobytes()),) * 2
    case = SuiteCase("ADD", operators()["ADD"].cases[0], graph, plan(program), rounds)
    assert differences_on_the_host([case], tmp_path) == []


def test_a_variable_that_nothing_assigns_is_a_constant() -> None:
    graph = graph_of(counter(assigned=False))
    assert graph.states == () and [node.op for node in graph.nodes] == ["ADD"]


def test_a_variable_without_a_first_value_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="variable 'total' has no first value"):
        graph_of(counter(initialised=False))


def test_the_header_tells_of_the_reset() -> None:
    files = c_files(graph_of(counter()))
    assert "void counter_reset(void);" in files["counter.h"] and "remembers 4 bytes" in files["counter.h"]
    assert "memcpy(counter_state.s_" in files["counter.c"] and "_initial_" in files["counter_weights.c"]


def c_files(graph: Graph) -> Mapping[str, str]:
    return generate(plan(lower(graph, Target(core_named("cortex-m4")), KernelPolicy.MCUQ)), "counter", "a test")


@pytest.mark.parametrize("model", [counter(), write_case("SVDF", operators()["SVDF"].cases[0])], ids=["handle", "SVDF"])
def test_every_sample_stands_alone(model: bytes) -> None:
    reference = Reference(model, all_tensors=True)
    x = np.full(reference.inputs[0].shape[1:], 9, np.int8)
    first = reference.run([x])
    np.testing.assert_array_equal(reference.run([x]), first)
    np.testing.assert_array_equal(litert_outputs(model, [x[np.newaxis]])[0][0], first[0])
