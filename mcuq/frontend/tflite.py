"""TFLite files into graphs. Files are untrusted: anything malformed ends in one ``UnsupportedError``.

The TFLite runtime is not needed here, only the schema that it ships. Execution plans other than the file's order,
subgraphs that do more than give variables their first values, sparse tensors and external buffers are refused.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.errors import UnsupportedError
from mcuq.frontend.blockers import BlockedError, Blocker, refusal, unsupported
from mcuq.frontend.layer_names import layer_name
from mcuq.frontend.loops import LOOP, WHILE, LoopError, as_loop, subgraphs_of
from mcuq.frontend.narrow_integers import BITS, packed_bytes, unpacked
from mcuq.frontend.option_tables import options_table
from mcuq.frontend.static_shapes import with_static_shapes
from mcuq.frontend.variables import ASSIGN, HANDLE, ONCE, UNREAD, Variable, VariableError, initial_values, with_states
from mcuq.ir import DType, Graph, Layer, Node, Quantization, Tensor, TensorType
from mcuq.ir.loop import Loop
from mcuq.ir.verify import verify
from mcuq.ops import operators
from mcuq.ops.floats import FLOAT32, form_of, tflite_name

MAX_RANK = 8
MAX_TENSOR_BYTES = 1 << 28
MAX_ACTIVATIONS = 1 << 25
"""Most elements of all tensors that are computed: a few bytes in a file can ask for any number, and analyses keep
numbers for each. The largest networks for photographs have 22 million."""
MAX_COUNT = 20_000
"""Most tensors or operators that are read: a small crafted file can name the same table any number of times."""
SCHEMA_VERSION = 3
log = logging.getLogger(__name__)
_ZERO_POINTS = {
    DType.INT8: range(-128, 128),
    DType.UINT8: range(256),
    DType.INT16: range(-(1 << 15), 1 << 15),
    DType.INT32: range(-(1 << 31), 1 << 31),
}
_MALFORMED = (struct.error, IndexError, ValueError, TypeError, OverflowError, UnicodeDecodeError, AttributeError)


class _RefusedError(Exception):
    """The file breaks a rule of the format, or uses a part of it that mcuq does not read."""


def read_tflite(content: bytes, name: str) -> Graph:
    """The graph of a TFLite file, attributes still the file's raw options (``bind`` gives them their meaning).

    Raises ``UnsupportedError`` for anything that is not a sound TFLite file with one subgraph.
    """
    if len(content) < 8 or content[4:8] != b"TFL3":
        raise UnsupportedError(
            f"{name} is not a TFLite file: it lacks the identifier TFL3",
            hint="give a .tflite file made by the TFLite or LiteRT converter",
        )
    try:
        graph = _read(content, name)
        verify(graph)
    except _RefusedError as found:
        raise _refused(content, name, found) from found
    except _MALFORMED as error:
        raise UnsupportedError(
            f"{name} is damaged: it has the identifier of a TFLite file, but its contents do not hold together",
            details=(f"{type(error).__name__}: {error}",),
            hint="convert or download the model again",
        ) from error
    return graph


def _refused(content: bytes, name: str, found: _RefusedError) -> UnsupportedError:
    """What to tell of a file that cannot be read: the operators that mcuq lacks, if any, are the reason."""
    try:
        blockers = tuple(_scan(content))
    except (*_MALFORMED, _RefusedError):
        blockers = ()
    return refusal(name, blockers) if blockers else UnsupportedError(f"{name}: {found}")


def _scan(content: bytes) -> Iterator[Blocker]:
    """The operators of the first subgraph that mcuq does not have, without reading its tensors' types and values."""
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    model = schema.Model.GetRootAs(content, 0)
    subgraph = model.Subgraphs(0)
    _check_count(subgraph.OperatorsLength(), content, "operators")
    _check_count(model.OperatorCodesLength(), content, "operator codes")
    codes = _operator_codes(model, schema)
    for index in range(subgraph.OperatorsLength()):
        table = subgraph.Operators(index)
        op = codes[table.OpcodeIndex()]
        if op in (HANDLE, ONCE):
            continue
        outputs = [_text(subgraph.Tensors(i).Name(), "a tensor's name") for i in _indices(table, "Outputs")]
        blocker = unsupported(layer_name(op, outputs, ()) or f"{op.lower()}_{index}", op)
        if blocker is not None:
            yield blocker


def _read(content: bytes, name: str) -> Graph:
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    model = schema.Model.GetRootAs(content, 0)
    if model.Version() != SCHEMA_VERSION:
        raise _RefusedError(f"the file has schema version {model.Version()}, mcuq reads version {SCHEMA_VERSION}")
    if model.Subgraphs(0).OperatorsLength() == 0:
        raise _RefusedError("the model computes nothing: it has no operators")
    _check_count(model.OperatorCodesLength(), content, "operator codes")
    codes = _operator_codes(model, schema)
    subgraph = model.Subgraphs(0)
    tensors, nodes = _subgraph(model, subgraph, content, codes, schema)
    called = {int(node.attributes.get("init_subgraph_index", 0)) for node in nodes if node.op == ONCE}
    looping = {index for node in nodes for index in _subgraphs_of(node)}
    subgraphs = called | looping
    if len(subgraphs) != model.SubgraphsLength() - 1 or not all(0 < i < model.SubgraphsLength() for i in subgraphs):
        raise _RefusedError(f"{model.SubgraphsLength()} subgraphs (control flow); mcuq compiles models with one")
    nodes = tuple(_with_loops(nodes, tensors, model, content, codes))
    try:
        initial: dict[Variable, Tensor] = {}
        for index in sorted(called):
            once = _subgraph(model, model.Subgraphs(index), content, codes, schema)
            initial.update(initial_values(once[1], {tensor.name: tensor for tensor in once[0]}))
        nodes, tensors = with_states(nodes, tensors, initial)
    except VariableError as error:
        raise _RefusedError(str(error)) from error
    computed = sum(tensor.type.elements for tensor in tensors if not tensor.constant)
    if computed > MAX_ACTIVATIONS:
        raise _RefusedError(f"tensors of {computed:,} elements in all are computed, more than {MAX_ACTIVATIONS:,}")
    inputs = [_at(tensors, i).name for i in _indices(subgraph, "Inputs", content)]
    outputs = [_at(tensors, i).name for i in _indices(subgraph, "Outputs", content)]
    if not outputs or not inputs:
        raise _RefusedError("the model has no inputs or no outputs")
    if len(set(inputs)) != len(inputs):
        raise _RefusedError("an input is listed twice")
    for tensor in tensors:
        if tensor.constant and tensor.name in inputs:
            raise _RefusedError(f"the input {tensor.name!r} is a constant")
        if tensor.state and tensor.name in (*inputs, *outputs):
            raise _RefusedError(f"the input or output {tensor.name!r} is a variable")
    return Graph(
        name, {tensor.name: tensor for tensor in tensors}, tuple(_unique_names(nodes)), tuple(inputs), tuple(outputs)
    )


def _subgraphs_of(node: Node) -> tuple[int, ...]:
    try:
        return subgraphs_of(node) if node.op == WHILE else ()
    except LoopError:
        return ()


def _with_loops(
    nodes: Sequence[Node], tensors: Sequence[Tensor], model: Any, content: bytes, codes: Sequence[str]
) -> Iterator[Node]:
    """``nodes`` with LOOP for each WHILE that is one; others stay, and are refused by name."""
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    def graph(index: int) -> Graph:
        view = model.Subgraphs(index)
        found, inner = _subgraph(model, view, content, codes, schema)
        inputs, outputs = (
            tuple(_at(found, i).name for i in _indices(view, field, content)) for field in ("Inputs", "Outputs")
        )
        return Graph(f"subgraph {index}", {t.name: t for t in found}, tuple(_unique_names(inner)), inputs, outputs)

    by_name = {tensor.name: tensor for tensor in tensors}
    main = model.Subgraphs(0)
    read = {_at(tensors, i).name for i in _indices(main, "Outputs", content)}
    read |= {name for node in nodes for name in node.inputs if name is not None}
    for node in nodes:
        try:
            if node.op == WHILE:
                condition, body = map(graph, subgraphs_of(node))
                given = [by_name[name] for name in node.inputs if name is not None]
                node = as_loop(node, given, frozenset(read), condition, body)  # noqa: PLW2901
        except (LoopError, _RefusedError) as error:
            log.debug("%s stays a WHILE: %s", node.name, error)
        yield node


def _subgraph(
    model: Any, subgraph: Any, content: bytes, codes: Sequence[str], schema: Any
) -> tuple[tuple[Tensor, ...], tuple[Node, ...]]:
    """Tensors and operators in the order of the file."""
    _check_count(subgraph.TensorsLength(), content, "tensors")
    _check_count(subgraph.OperatorsLength(), content, "operators")
    dtypes = {getattr(schema.TensorType, dtype.name): dtype for dtype in DType}
    narrow = {getattr(schema.TensorType, name): bits for name, bits in BITS.items() if hasattr(schema.TensorType, name)}
    tensors: list[Tensor] = []
    taken: set[str] = set()
    for index in range(subgraph.TensorsLength()):
        table = subgraph.Tensors(index)
        if table.Type() == schema.TensorType.RESOURCE:
            tensor = Tensor(_text(table.Name(), "a tensor's name") or f"tensor_{index}", UNREAD)
        else:
            tensor = _tensor(model, table, dtypes, narrow, len(content), index)
        if tensor.name in taken:
            tensor = dataclasses.replace(tensor, name=f"{tensor.name}#{index}")
        taken.add(tensor.name)
        tensors.append(tensor)
    nodes = [_node(subgraph.Operators(i), i, tensors, codes, schema) for i in range(subgraph.OperatorsLength())]
    return tuple(tensors), tuple(nodes)


def _text(content: bytes | None, what: str) -> str:
    """A name out of the file: it ends up in messages and in comments of generated code."""
    text = (content or b"").decode("utf-8")
    if not text.isprintable():
        raise _RefusedError(f"{what} holds characters that cannot be printed: {text!r:.80}")
    return text


def _check_count(count: int, content: bytes, what: str) -> None:
    if not 0 < count <= min(len(content) // 4, MAX_COUNT):
        raise _RefusedError(f"{count} {what} in a file of {len(content)} bytes")


def _indices(table: Any, field: str, content: bytes | None = None) -> list[int]:
    count = getattr(table, f"{field}Length")()
    if count > (64 if content is None else len(content) // 4):
        raise _RefusedError(f"an operator with {count} {field.lower()}")
    return [int(getattr(table, field)(i)) for i in range(count)]


def _at(tensors: Sequence[Tensor], index: int) -> Tensor:
    if not 0 <= index < len(tensors):
        raise _RefusedError(f"tensor {index} is referred to, the file has {len(tensors)}")
    return tensors[index]


def _tensor(
    model: Any, table: Any, dtypes: Mapping[int, DType], narrow: Mapping[int, int], file_bytes: int, index: int
) -> Tensor:
    """Tensor ``index`` of the file; ``narrow`` has the bits of types that are read as int8."""
    name = _text(table.Name(), "a tensor's name") or f"tensor_{index}"
    if table.ShapeLength() > MAX_RANK:
        raise _RefusedError(f"tensor {name!r} has {table.ShapeLength()} dimensions")
    shape = tuple(int(table.Shape(i)) for i in range(table.ShapeLength()))
    if table.Type() not in dtypes and table.Type() not in narrow:
        raise _RefusedError(f"tensor {name!r} has element type number {table.Type()}, which mcuq does not read")
    dtype, bits = dtypes.get(table.Type(), DType.INT8), narrow.get(table.Type())
    type_ = TensorType(shape, dtype, _quantization(table.Quantization(), shape, dtype, name))
    # An empty int32 vector is the shape of a scalar; an LSTM keeps scales in empty vectors, which no operator reads.
    if any(size < 0 or (size == 0 and type_.dtype is not DType.INT32 and shape != (0,)) for size in shape):
        raise _RefusedError(f"tensor {name!r} has the shape {shape}; every dimension must be known and positive")
    if type_.bytes > MAX_TENSOR_BYTES or any(size > MAX_TENSOR_BYTES for size in shape):
        raise _RefusedError(f"tensor {name!r} has the shape {shape}: more than {MAX_TENSOR_BYTES:,} bytes")
    if table.Sparsity() is not None:
        raise _RefusedError(f"tensor {name!r} is sparse")
    values = _values(model, table, type_, name, file_bytes, bits)
    if bits is not None and values is None:
        raise _RefusedError(f"tensor {name!r} is computed in {bits} bits, which only constants may have")
    if values is None and type_.quantization is not None and type_.quantization.per_channel:
        raise _RefusedError(f"tensor {name!r} has a scale for each channel, which only constants may")
    if not table.IsVariable():
        return Tensor(name, type_, values)
    if values is not None:
        raise _RefusedError(f"tensor {name!r} is a variable with values")
    zero = type_.zero_point if type_.dtype is DType.INT8 and type_.quantization is not None else 0
    return Tensor(name, type_, initial=np.broadcast_to(np.array(zero, type_.dtype.numpy), shape))


def _quantization(table: Any, shape: tuple[int, ...], dtype: DType, name: str) -> Quantization | None:
    if table is None or table.ScaleLength() == 0:
        return None
    count = table.ScaleLength()
    axis = int(table.QuantizedDimension())
    if count != 1 and not (0 <= axis < len(shape) and shape[axis] == count):
        raise _RefusedError(f"tensor {name!r} has {count} scales along dimension {axis} of {shape}")
    if table.ZeroPointLength() not in (0, 1, count):
        raise _RefusedError(f"tensor {name!r} has {count} scales and {table.ZeroPointLength()} zero points")
    scales = tuple(float(scale) for scale in np.atleast_1d(table.ScaleAsNumpy()))
    if not all(np.isfinite(scale) and scale > 0 for scale in scales):
        raise _RefusedError(f"tensor {name!r} has a scale that is not a positive number")
    zeros = tuple(int(zero) for zero in np.atleast_1d(table.ZeroPointAsNumpy())) if table.ZeroPointLength() else (0,)
    if len(zeros) == 1:
        zeros = zeros * count
    if dtype in _ZERO_POINTS and any(zero not in _ZERO_POINTS[dtype] for zero in zeros):
        raise _RefusedError(f"tensor {name!r} has a zero point that {dtype.value} cannot hold")
    return Quantization(scales, zeros, axis)


def _values(
    model: Any, table: Any, type_: TensorType, name: str, file_bytes: int, bits: int | None
) -> np.ndarray[Any, Any] | None:
    if not 0 <= table.Buffer() < max(model.BuffersLength(), 1) or model.BuffersLength() == 0:
        raise _RefusedError(f"tensor {name!r} refers to buffer {table.Buffer()}, the file has {model.BuffersLength()}")
    buffer = model.Buffers(table.Buffer())
    if buffer.Offset() > 1 or buffer.Size() > 1:
        raise _RefusedError(f"tensor {name!r} keeps its values outside the file's tables")
    length = buffer.DataLength()
    if length == 0:
        return np.empty(type_.shape, type_.dtype.numpy) if type_.elements == 0 else None
    if length > file_bytes or length != (type_.bytes if bits is None else packed_bytes(type_.elements, bits)):
        raise _RefusedError(f"tensor {name!r} is {type_} but its buffer has {length} bytes")
    if bits is not None:
        return unpacked(np.asarray(buffer.DataAsNumpy()), bits, type_.elements).reshape(type_.shape)
    if type_.dtype is DType.BOOL and np.asarray(buffer.DataAsNumpy()).max() > 1:
        raise _RefusedError(f"tensor {name!r} is bool but holds bytes other than 0 and 1")
    # A view of the file, read-only as the file is: many tensors may share one buffer.
    values: np.ndarray[Any, Any] = np.asarray(buffer.DataAsNumpy()).view(type_.dtype.numpy).reshape(type_.shape)
    return values


def _operator_codes(model: Any, schema: Any) -> list[str]:
    names = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
    codes = []
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        known = names.get(builtin, f"operator number {builtin}")
        if known == "CUSTOM":
            known = "CUSTOM " + (_text(code.CustomCode(), "a custom operator's name") or "?")
        codes.append(known)
    return codes


def _node(table: Any, index: int, tensors: Sequence[Tensor], codes: Sequence[str], schema: Any) -> Node:
    if not 0 <= table.OpcodeIndex() < len(codes):
        raise _RefusedError(f"operator {index} has the code {table.OpcodeIndex()}, the file has {len(codes)}")
    op = codes[table.OpcodeIndex()]
    inputs = [None if i == -1 else _at(tensors, i) for i in _indices(table, "Inputs")]
    outputs = [_at(tensors, i) for i in _indices(table, "Outputs")]
    for tensor in (*inputs, *outputs):
        if tensor is not None and tensor.shape == (0,) and tensor.type.dtype is not DType.INT32:
            raise _RefusedError(f"tensor {tensor.name!r} has the shape (0,); every dimension must be positive")
    if not outputs and op not in (ASSIGN, ONCE):
        raise _RefusedError(f"operator {index} ({op}) has no output")
    constants = [tensor.name for tensor in inputs if tensor is not None and tensor.constant]
    states = [tensor for tensor in inputs if tensor is not None and tensor.state]  # changed where they are
    name = layer_name(op, [tensor.name for tensor in outputs], constants) or f"{op.lower()}_{index}"
    options = _options(table, op, schema)
    if table.IntermediatesLength():
        options = {**options, "intermediates": tuple(_at(tensors, i).type for i in _indices(table, "Intermediates"))}
    return Node(
        name,
        op,
        options,
        tuple(None if tensor is None else tensor.name for tensor in inputs),
        tuple(tensor.name for tensor in (*outputs, *states)),
    )


def _options(table: Any, op: str, schema: Any) -> Mapping[str, Any]:
    """The builtin options of an operator by snake-case field name; empty when the file leaves them out, or has those of
    another operator, which LiteRT does not look at."""
    names = {value: key for key, value in vars(schema.BuiltinOptions).items() if not key.startswith("_")}
    name = names.get(table.BuiltinOptionsType())
    options = table.BuiltinOptions()
    if options is None or name is None or name == "NONE":
        return {}
    if hasattr(schema.BuiltinOptions, options_table(op)) and name != options_table(op):
        return {}
    view = getattr(schema, name)()
    view.Init(options.Bytes, options.Pos)
    unpacked = getattr(schema, f"{name}T").InitFromObj(view)
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower(): value for key, value in vars(unpacked).items()}


def _unique_names(nodes: Sequence[Node]) -> Iterator[Node]:
    """Layer names made unique: the second ``add`` becomes ``add:2`` and so on."""
    seen: dict[str, int] = {}
    for node in nodes:
        count = seen[node.name] = seen.get(node.name, 0) + 1
        name = node.name if count == 1 else f"{node.name}:{count}"
        yield Node(name, node.op, node.attributes, node.inputs, node.outputs)


def bind(graph: Graph) -> Graph:
    """``graph`` with each node's raw options made the operator's attributes and every rule checked.

    Raises ``UnsupportedError`` with all blockers at once, by layer name.
    """
    graph = with_static_shapes(graph)
    nodes: list[Node] = []
    blockers: list[Blocker] = []
    for node in graph.nodes:
        bound = _bind(graph.layer(node))
        if isinstance(bound, Blocker):
            blockers.append(bound)
        else:
            nodes.append(Node(node.name, bound.op, bound.attributes, node.inputs, node.outputs))
    if blockers:
        raise refusal(graph.name, blockers)
    return Graph(graph.name, graph.tensors, tuple(nodes), graph.inputs, graph.outputs)


def find_blockers(graph: Graph) -> tuple[Blocker, ...]:
    """What ``bind`` would refuse, in the order of execution."""
    bound = (_bind(layer) for layer in with_static_shapes(graph).layers())
    return tuple(found for found in bound if isinstance(found, Blocker))


def _bind(layer: Layer) -> Layer | Blocker:
    """The layer with its attributes, or what keeps mcuq from compiling it."""
    if (blocker := unsupported(layer.name, layer.op)) is not None:
        return blocker
    operator = operators().get(form_of(layer)) or operators().get(layer.op)
    if operator is None:
        types = ", ".join(sorted({t.type.dtype.value for t in layer.inputs if t is not None}))
        return Blocker(layer.name, layer.op, f"operator not supported for {types}", f"mcuq has it for {FLOAT32} alone")
    layer = dataclasses.replace(layer, op=operator.name)
    try:
        attributes = operator.attributes(_bound_options(layer), layer)
        bound = dataclasses.replace(layer, attributes=attributes)
        broken = operator.broken(bound)
    except BlockedError as error:
        (inner, *_) = error.blockers
        return Blocker(layer.name, layer.op, f"{inner.op} {inner.layer} in it: {inner.reason}", inner.instead)
    except (ValueError, IndexError, ZeroDivisionError, OverflowError) as error:
        return Blocker(layer.name, tflite_name(layer.op), f"options or shapes that make no sense ({error})")
    if broken is None:
        return bound
    return Blocker(layer.name, tflite_name(layer.op), broken.found, f"mcuq needs: {broken.rule}")


def _bound_options(layer: Layer) -> Any:
    """A layer's raw options; the body of a loop is bound. Raises ``BlockedError`` for what it cannot hold."""
    if layer.op != LOOP:
        return layer.attributes
    loop: Loop = layer.attributes["loop"]
    return {"loop": dataclasses.replace(loop, body=bind(loop.body))}
