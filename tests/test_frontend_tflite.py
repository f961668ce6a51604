"""TFLite files are untrusted: reading one ends in a graph or in one UnsupportedError, whatever its bytes are."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import MAX_COUNT, bind, read_tflite
from mcuq.ir import DType, Graph
from mcuq.ops import operators
from mcuq.passes import run_passes
from tests.harness.ladder import litert_outputs, random_input, random_inputs, reference_outputs
from tests.harness.tflite_writer import write_case

SMALL = ("ADD", "CONCATENATION", "CONV_2D", "PAD", "RESHAPE", "SOFTMAX")


def model_of(operator: str, index: int = 0) -> bytes:
    return write_case(operator, operators()[operator].cases[index])


def edited(content: bytes, change: Callable[[Any], None]) -> bytes:
    """The file with ``change`` made to its unpacked tables."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def compiled(content: bytes) -> Graph:
    return run_passes(bind(read_tflite(content, "model.tflite")))


def accepted(content: bytes) -> bool:
    """Reading ends in a graph or an UnsupportedError with its parts, soon; anything else fails the test."""
    start = time.perf_counter()
    try:
        compiled(content)
        good = True
    except UnsupportedError as error:
        assert error.message and error.exit_code == 3
        good = False
    assert time.perf_counter() - start < 5
    return good


def refusal(content: bytes) -> str:
    with pytest.raises(UnsupportedError) as caught:
        compiled(content)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0\0\0\0TFL", b"this is no model\n" * 100, b"PK\3\4" + bytes(500)])
def test_other_files_renamed_are_refused(content: bytes) -> None:
    message = refusal(content)
    assert message.startswith("model.tflite is not a TFLite file")
    assert "Hint: give a .tflite file" in message


@pytest.mark.parametrize("operator", SMALL)
def test_a_file_cut_anywhere_is_refused(operator: str) -> None:
    content = model_of(operator)
    for length in range(len(content)):
        try:
            compiled(content[:length])
        except UnsupportedError:
            continue
        # What was cut off can only be padding behind the last table.
        assert not any(content[length:]), length


@pytest.mark.parametrize("operator", SMALL)
def test_damaged_bytes_end_in_a_graph_or_an_error(operator: str) -> None:
    content = model_of(operator)
    rng = np.random.default_rng(sum(operator.encode()))
    accepted_count = 0
    for _ in range(600):
        damaged = bytearray(content)
        for position in rng.integers(8, len(content), rng.integers(1, 4)):
            damaged[position] = rng.integers(256)
        accepted_count += accepted(bytes(damaged))
    assert 0 < accepted_count < 600, "the damage is meant to be partly harmless"


def words_replaced(content: bytes) -> Iterator[bytes]:
    for position in range(0, len(content) - 3, 4):
        for value in (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(content), len(content) - position - 4):
            yield content[:position] + value.to_bytes(4, "little") + content[position + 4 :]


@pytest.mark.parametrize("operator", SMALL)
def test_offsets_out_of_range_end_in_a_graph_or_an_error(operator: str) -> None:
    for damaged in words_replaced(model_of(operator, index=-1)[:2000]):
        accepted(damaged)


def test_a_root_offset_out_of_range_is_damage() -> None:
    content = model_of("ADD")
    message = refusal((0x7FFFFFF0).to_bytes(4, "little") + content[4:])
    assert "is damaged" in message and "Hint: convert or download the model again" in message


def test_several_subgraphs_are_refused() -> None:
    assert "2 subgraphs (control flow)" in refusal(
        edited(model_of("ADD"), lambda m: m.subgraphs.append(m.subgraphs[0]))
    )


def test_unknown_operators_are_named() -> None:
    def builtin(number: int) -> Callable[[Any], None]:
        def change(model: Any) -> None:
            model.operatorCodes[0].builtinCode = number
            model.operatorCodes[0].deprecatedBuiltinCode = min(number, 127)

        return change

    def custom(model: Any) -> None:
        builtin(schema.BuiltinOperator.CUSTOM)(model)
        model.operatorCodes[0].customCode = "FlexErf"

    content = model_of("RELU")
    assert "operator number 9999: operator not supported" in refusal(edited(content, builtin(9999)))
    assert "CUSTOM FlexErf: operator not supported" in refusal(edited(content, custom))
    assert "WHILE: operator not supported" in refusal(edited(content, builtin(schema.BuiltinOperator.WHILE)))


def test_all_blockers_are_listed_at_once() -> None:
    def change(model: Any) -> None:
        """RELU, then an unknown operator, then a softmax into a scale that it cannot have."""
        graph = model.subgraphs[0]
        for builtin in (schema.BuiltinOperator.LSTM, schema.BuiltinOperator.SOFTMAX):
            code = schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = builtin
            model.operatorCodes.append(code)
            tensor = schema.TensorT()
            tensor.name, tensor.shape = f"model/layer_{builtin}/Softmax", graph.tensors[-1].shape
            tensor.type, tensor.quantization = graph.tensors[-1].type, graph.tensors[-1].quantization
            graph.tensors.append(tensor)
            node = schema.OperatorT()
            node.opcodeIndex = len(model.operatorCodes) - 1
            node.inputs, node.outputs = [len(graph.tensors) - 2], [len(graph.tensors) - 1]
            graph.operators.append(node)

    message = refusal(edited(model_of("RELU"), change))
    lines = message.splitlines()
    assert lines[0] == "model.tflite holds 2 layers that mcuq does not compile"
    assert "LSTM: operator not supported; it is a loop; Keras's LSTM, GRU" in lines[1]
    assert "SOFTMAX: the output has scale" in lines[2]
    assert len(lines) == 4 and lines[3].startswith("Hint: ")


def tensor_change(index: int, **fields: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[index]
        for name, value in fields.items():
            target = tensor.quantization if hasattr(tensor.quantization, name) else tensor
            setattr(target, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (tensor_change(0, shape=[-1, 4]), "every dimension must be known and positive"),
        (tensor_change(0, shape=[1] * 9), "has 9 dimensions"),
        (tensor_change(0, shape=[1 << 30, 1 << 30]), "more than 268,435,456 bytes"),
        (tensor_change(0, type=schema.TensorType.STRING), "element type number 5"),
        (tensor_change(0, buffer=77), "refers to buffer 77"),
        (tensor_change(0, isVariable=True), "is a variable"),
        (tensor_change(0, name="two\nlines"), "characters that cannot be printed"),
        (tensor_change(0, scale=[0.1, 0.2]), "2 scales along dimension 0"),
        (tensor_change(0, scale=[float("nan")]), "a scale that is not a positive number"),
        (tensor_change(0, scale=[-1.0]), "a scale that is not a positive number"),
        (tensor_change(0, zeroPoint=[128]), "a zero point that int8 cannot hold"),
        (tensor_change(0, zeroPoint=[1, 2]), "1 scales and 2 zero points"),
    ],
)
def test_senseless_tensors_are_refused(change: Callable[[Any], None], message: str) -> None:
    assert message in refusal(edited(model_of("ADD"), change))


def graph_change(**fields: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        for name, value in fields.items():
            setattr(model.subgraphs[0], name, value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (graph_change(inputs=[]), "no inputs or no outputs"),
        (graph_change(outputs=[]), "no inputs or no outputs"),
        (graph_change(inputs=[0, 0]), "an input is listed twice"),
        (graph_change(inputs=[0]), "reads 'input_1' before it is written"),
        (graph_change(inputs=[0, 1, 2]), "writes 'output_0', which has a value already"),
        (graph_change(outputs=[99]), "tensor 99 is referred to, the file has 3"),
        (graph_change(operators=[]), "computes nothing"),
        (lambda m: setattr(m, "version", 4), "schema version 4"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 3), "has the code 3, the file has 1"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [0, 55]), "tensor 55 is referred to"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [0, -1]), "input 1"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "outputs", []), "has no output"),
    ],
)
def test_senseless_graphs_are_refused(change: Callable[[Any], None], message: str) -> None:
    assert message in refusal(edited(model_of("ADD"), change))


def test_a_constant_is_no_input() -> None:
    case = next(case for case in operators()["ADD"].cases if case.name == "constant_channels")
    content = edited(write_case("ADD", case), graph_change(inputs=[0, 1]))
    assert "the input 'input_1' is a constant" in refusal(content)


def test_a_buffer_of_the_wrong_size_is_refused() -> None:
    case = next(case for case in operators()["ADD"].cases if case.name == "constant_channels")
    content = edited(write_case("ADD", case), lambda m: setattr(m.buffers[1], "data", np.zeros(4, np.uint8)))
    assert "is int8[5] but its buffer has 4 bytes" in refusal(content)


def test_a_bool_that_is_neither_true_nor_false_is_refused() -> None:
    case = next(case for case in operators()["LOGICAL_OR"].cases if case.name == "constant_channels")
    content = edited(write_case("LOGICAL_OR", case), lambda m: setattr(m.buffers[1], "data", m.buffers[1].data * 2))
    assert "is bool but holds bytes other than 0 and 1" in refusal(content)


def test_a_table_named_very_often_is_refused_at_once() -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors += [model.subgraphs[0].tensors[0]] * MAX_COUNT

    assert f"{MAX_COUNT + 3} tensors in a file" in refusal(edited(model_of("ADD"), change))


def test_more_values_than_any_network_computes_are_refused() -> None:
    side = [1 << 13, 1 << 13]
    found = edited(model_of("RELU"), lambda m: [setattr(t, "shape", side) for t in m.subgraphs[0].tensors] and None)
    assert "tensors of 134,217,728 elements in all are computed, more than 33,554,432" in refusal(found)


def test_outputs_that_litert_would_shape_otherwise_are_refused() -> None:
    def another_option(field: str, value: int) -> Callable[[Any], None]:
        return lambda model: setattr(model.subgraphs[0].operators[0].builtinOptions, field, value)

    cases = {case.name: case for case in operators()["FULLY_CONNECTED"].cases}
    rows, kept = (write_case("FULLY_CONNECTED", cases[name]) for name in ("rank_3_in_rows", "rank_3_keeps_dims"))
    assert "the output is (6, 5), not (2, 3, 5)" in refusal(edited(rows, another_option("keepNumDims", True)))
    assert "the output is (2, 3, 5), not (6, 5)" in refusal(edited(kept, another_option("keepNumDims", False)))
    longer = edited(model_of("ARG_MAX"), another_option("outputType", schema.TensorType.INT64))
    assert "the output is int32, int64 is asked for" in refusal(longer)


def test_tensors_of_one_name_are_told_apart() -> None:
    graph = compiled(edited(model_of("ADD"), tensor_change(1, name="input_0")))
    assert graph.inputs == ("input_0", "input_0#1")


def test_constants_are_read_only_views_with_the_files_values() -> None:
    graph = compiled(model_of("PAD"))
    paddings = graph.tensors["input_1"]
    assert paddings.type.dtype is DType.INT32
    np.testing.assert_array_equal(paddings.data, [[0, 0], [1, 1], [1, 1], [0, 0]])
    with pytest.raises(ValueError, match="read-only"):
        paddings.data[0, 0] = 1


def with_packed_weights(content: bytes, bits: int) -> bytes:
    """The file with its weights in that many bits, several in a byte, the first in the lowest."""

    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[1]
        values = np.asarray(model.buffers[tensor.buffer].data, np.uint8) & ((1 << bits) - 1)
        groups = np.concatenate([values, np.zeros(-len(values) % (8 // bits), np.uint8)]).reshape(-1, 8 // bits)
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        model.buffers[tensor.buffer].data = np.bitwise_or.reduce(groups << shifts, axis=1).astype(np.uint8)
        tensor.type = schema.TensorType.INT4 if bits == 4 else schema.TensorType.INT2

    return edited(content, change)


@pytest.mark.parametrize(
    ("operator", "name", "bits"),
    [
        ("CONV_2D", "int4_odd", 4),
        ("DEPTHWISE_CONV_2D", "3x3_same", 4),
        ("FULLY_CONNECTED", "int4_one_by_one", 4),
        ("FULLY_CONNECTED", "int4", 4),
        ("FULLY_CONNECTED", "int2", 2),
    ],
)
def test_weights_packed_in_four_or_two_bits_are_read_as_litert_reads_them(operator: str, name: str, bits: int) -> None:
    case = next(case for case in operators()[operator].cases if case.name.startswith(name))
    values = dataclasses.replace(case.inputs[1], data=f"{-(1 << bits - 1)} .. {(1 << bits - 1) - 1}")  # type: ignore[type-var]
    usual = write_case(operator, dataclasses.replace(case, inputs=(case.inputs[0], values, *case.inputs[2:])))
    packed = with_packed_weights(usual, bits)
    graph = compiled(packed)
    np.testing.assert_array_equal(*(next(compiled(one).layers()).input(1).data for one in (packed, usual)))
    rng = np.random.default_rng(bits)
    inputs = [random_input(tensor.shape, tensor.type.dtype, rng) for tensor in graph.input_tensors]
    np.testing.assert_array_equal(
        *(found[0] for found in (reference_outputs(graph, inputs), litert_outputs(packed, inputs)))
    )


def test_only_constants_may_have_four_bits() -> None:
    assert "is computed in 4 bits" in refusal(edited(model_of("ADD"), tensor_change(0, type=schema.TensorType.INT4)))


def test_every_version_of_an_operator_that_litert_takes_gives_its_bytes() -> None:
    """Converters write the least version that has what a layer uses, and those of some years wrote others."""
    taken = 0
    for name, operator in operators().items():
        if not operator.cases or not hasattr(schema.BuiltinOperator, name):
            continue
        content = write_case(name, operator.cases[0])
        read = read_tflite(content, "case")
        graph, rng = bind(read), np.random.default_rng(1)
        inputs = random_inputs(operator.cases[0], graph, rng)
        expected = reference_outputs(graph, inputs)
        for version in (1, 2, 3, 5):
            written = edited(content, lambda model, number=version: setattr(model.operatorCodes[0], "version", number))
            assert str(read_tflite(written, "case")) == str(read)
            try:
                found = litert_outputs(written, inputs)
            except ValueError:  # no such version
                continue
            taken += 1
            for got, want in zip(expected, found, strict=True):
                np.testing.assert_array_equal(got, want, err_msg=f"{name} {version}")
    assert taken > 150


def test_options_of_another_operator_count_as_missing() -> None:
    def change(model: Any) -> None:
        options = schema.DivOptionsT()
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        model.subgraphs[0].operators[0].builtinOptions = options
        model.subgraphs[0].operators[0].builtinOptionsType = schema.BuiltinOptions.DivOptions

    content = edited(model_of("ADD"), change)
    graph, rng = compiled(content), np.random.default_rng(3)
    inputs = [random_input(tensor.shape, tensor.type.dtype, rng) for tensor in graph.input_tensors]
    np.testing.assert_array_equal(reference_outputs(graph, inputs)[0], litert_outputs(content, inputs)[0])


def test_missing_options_mean_the_schemas_defaults() -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].operators[0].builtinOptions = None
        model.subgraphs[0].operators[0].builtinOptionsType = 0

    (layer,) = compiled(edited(model_of("ADD"), change)).layers()
    assert layer.attributes.activation == 0
