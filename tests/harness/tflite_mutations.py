"""Damaged and altered TFLite files, for fuzzing: each follows from a number. Nothing is run here.

A mutation changes bytes of a file (flipped, cut off, words replaced by sizes and offsets), or its unpacked tables:
shapes, types, quantization, buffers, which tensors an operator takes, its options, its code.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.ops import operators
from tests.harness.loop_nets import loop_net
from tests.harness.net_builder import NetBuilder
from tests.harness.tflite_writer import write_case
from tests.test_states import counter

STRUCTURED_SHARE = 0.75
LOOP_EVERY = 16
SIZES = (-1, 0, 1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 64, 300, 4096, 1 << 16, (1 << 31) - 1, -(1 << 31))
NUMBERS = (-(1 << 31), -129, -128, -2, -1, 0, 1, 2, 3, 4, 6, 8, 63, 127, 128, 255, (1 << 31) - 1)
FLOATS = (0.0, -1.0, 1.0, 0.5, 2.0, 1e-3, 1 / 256, 1e-45, 1e-12, 1e12, 3e38, float("inf"), float("nan"))
FACTORS = (0.5, 0.999, 1.001, 2.0, 10.0, 0.1)


@dataclass(frozen=True)
class Mutant:
    """A mutated file, and which seed it was made of."""

    number: int
    seed: str
    content: bytes


@functools.cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """(name, file): each case of each operator, nets of several layers, and one with a variable; loops are apart."""
    found = [
        (f"{name}-{case.name}", write_case(name, case))
        for name, operator in operators().items()
        for case in operator.cases
    ]
    nets = [(f"net-{number}", _net(number)) for number in range(20)]
    return (*found, *nets, *[("counter", counter())] * 5)


@functools.cache
def loops() -> tuple[tuple[str, bytes], ...]:
    """(name, file): recurrent layers."""
    return tuple((f"loop-{number}", loop_net(number)) for number in range(12))


def _net(seed: int) -> bytes:
    net = NetBuilder(seed)
    x = y = net.activation((1, 5, 6, 3), -3)
    y = net.conv(net.pad(y, 1, 1), 4, 3, dead=0.3 * (seed % 2))
    y = net.add(y, net.depthwise(y))
    y = net.concatenate(y, net.same(y, "TANH", 0, 1 / 128)) if seed % 3 == 0 else net.pool(y, "MAX_POOL_2D", 2)
    return net.tflite(x, net.dense(net.mean(y), 3))


def mutant(number: int) -> Mutant:
    """The mutation of this number; the same at every run."""
    rng = np.random.default_rng(number)
    name, content = seeds()[int(rng.integers(len(seeds())))]
    if number % LOOP_EVERY == LOOP_EVERY - 1:
        name, content = loops()[number // LOOP_EVERY % len(loops())]
    if rng.random() >= STRUCTURED_SHARE:
        return Mutant(number, name, _bytes_changed(content, rng))
    for _ in range(20):
        try:
            return Mutant(number, name, _tables_changed(content, rng))
        except (struct.error, TypeError, ValueError, AttributeError, OverflowError, IndexError, AssertionError):
            continue  # what the format itself cannot hold
        except flatbuffers.builder.BuilderSizeError:
            continue
    return Mutant(number, name, _bytes_changed(content, rng))


def _bytes_changed(content: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    kind = rng.integers(4)
    if kind == 0:
        return content[: int(rng.integers(len(content)))]
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(8, len(content)))
        if kind == 1:
            damaged[at] = rng.integers(256)
        elif kind == 2:
            damaged[at] ^= 1 << int(rng.integers(8))
        else:
            at &= ~3
            word = int(rng.choice([*NUMBERS, len(content), len(content) - at - 4, *rng.integers(0, len(content), 4)]))
            damaged[at : at + 4] = (word & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes(damaged)


def _tables_changed(content: bytes, rng: np.random.Generator) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        CHANGES[int(rng.integers(len(CHANGES)))](model, rng)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _any(values: Any, rng: np.random.Generator) -> Any:
    return values[int(rng.integers(len(values)))]


def _subgraph(model: Any, rng: np.random.Generator) -> Any:
    return _any(model.subgraphs, rng) if rng.random() < 0.2 else model.subgraphs[0]


def _tensor(model: Any, rng: np.random.Generator) -> Any:
    return _any(_subgraph(model, rng).tensors, rng)


def _operator(model: Any, rng: np.random.Generator) -> Any:
    return _any(_subgraph(model, rng).operators, rng)


def _listed(values: Any) -> list[Any]:
    return [] if values is None else [value.item() if hasattr(value, "item") else value for value in values]


def shape(model: Any, rng: np.random.Generator) -> None:
    """One size, the rank, or the order of the sizes of a tensor."""
    tensor = _tensor(model, rng)
    sizes = _listed(tensor.shape)
    kind = rng.integers(5)
    if kind == 0:
        sizes.insert(int(rng.integers(len(sizes) + 1)), int(_any(SIZES[2:10], rng)))
    elif kind == 1:
        sizes.pop(int(rng.integers(len(sizes))))
    elif kind == 2:
        sizes = [int(size) for size in rng.permutation(sizes)]
    else:
        sizes[int(rng.integers(len(sizes)))] = int(_any(SIZES, rng))
    tensor.shape = sizes


def whole_shape(model: Any, rng: np.random.Generator) -> None:
    """The same change of one size of all tensors of that size."""
    subgraph = model.subgraphs[0]
    sizes = sorted({size for tensor in subgraph.tensors for size in _listed(tensor.shape)})
    old, new = int(_any(sizes, rng)), int(_any(SIZES[2:13], rng))
    for tensor in subgraph.tensors:
        tensor.shape = [new if size == old else size for size in _listed(tensor.shape)]
        data = model.buffers[tensor.buffer].data
        if data is not None and tensor.buffer:
            elements = max(1, int(np.prod(tensor.shape, dtype=np.int64)))
            width = {schema.TensorType.INT32: 4, schema.TensorType.INT64: 8, schema.TensorType.INT16: 2}
            wanted = min(elements * width.get(tensor.type, 1), 1 << 16)
            model.buffers[tensor.buffer].data = np.resize(np.asarray(data), wanted)


def element_type(model: Any, rng: np.random.Generator) -> None:
    _tensor(model, rng).type = int(rng.integers(20))


def all_types(model: Any, rng: np.random.Generator) -> None:
    """Every tensor of one type made another: int8 to int16 and the like."""
    tensors = model.subgraphs[0].tensors
    old, new = _any(tensors, rng).type, int(_any((0, 2, 3, 4, 6, 7, 9), rng))
    for tensor in tensors:
        if tensor.type == old and not tensor.buffer:
            tensor.type = new


def quantization(model: Any, rng: np.random.Generator) -> None:
    tensor = _tensor(model, rng)
    if tensor.quantization is None or rng.random() < 0.05:
        tensor.quantization = None if tensor.quantization is not None else schema.QuantizationParametersT()
        return
    q = tensor.quantization
    scales, zeros = _listed(q.scale), _listed(q.zeroPoint)
    kind = rng.integers(7)
    if kind <= 1:
        at = int(rng.integers(len(scales)))
        scales[at] = scales[at] * float(_any(FACTORS, rng)) if kind else float(_any(FLOATS, rng))
    elif kind <= 3:
        zeros[int(rng.integers(len(zeros)))] = int(_any(NUMBERS, rng))
    elif kind == 4:
        q.quantizedDimension = int(_any(NUMBERS, rng))
    elif kind == 5:
        count = int(_any((0, 1, 2, *_listed(tensor.shape)), rng))
        scales, zeros = ([_any(values, rng) for _ in range(min(count, 64))] for values in (scales, zeros))
    else:
        scales, zeros = scales[:1], zeros[:1]
    q.scale, q.zeroPoint = np.array(scales, np.float32), np.array(zeros, np.int64)


def buffer(model: Any, rng: np.random.Generator) -> None:
    """Which buffer a tensor has; what a buffer holds."""
    kind = rng.integers(5)
    tensor = _tensor(model, rng)
    if kind == 0:
        tensor.buffer = int(_any((0, 1, len(model.buffers) - 1, len(model.buffers), (1 << 31)), rng))
    elif kind == 1:
        model.buffers.append(schema.BufferT())
        elements = int(np.prod(_listed(tensor.shape), dtype=np.int64))
        model.buffers[-1].data = rng.integers(0, 256, max(0, min(elements * 4, 4096))).astype(np.uint8)
        tensor.buffer = len(model.buffers) - 1
    else:
        found = _any([one for one in model.buffers if one.data is not None], rng)
        data = np.array(found.data, np.uint8)
        if kind == 2:
            words = data[: len(data) // 4 * 4].view(np.int32)
            words[int(rng.integers(len(words)))] = int(_any(NUMBERS, rng))
        elif kind == 3:
            data[int(rng.integers(len(data)))] = rng.integers(256)
        else:
            data = np.resize(data, int(rng.integers(0, 2 * len(data) + 1)))
        found.data = data


def variable(model: Any, rng: np.random.Generator) -> None:
    tensor = _tensor(model, rng)
    tensor.isVariable = not tensor.isVariable


def operands(model: Any, rng: np.random.Generator) -> None:
    """Which tensors an operator reads or writes."""
    operator = _operator(model, rng)
    field = str(_any(("inputs", "inputs", "outputs"), rng))
    indices = _listed(getattr(operator, field))
    count = len(model.subgraphs[0].tensors)
    other = int(_any((-1, 0, 1, count - 1, count, int(rng.integers(count)), -2, 1 << 30), rng))
    kind = rng.integers(4)
    if kind == 0:
        indices.append(other)
    elif kind == 1:
        indices.pop(int(rng.integers(len(indices))))
    elif kind == 2:
        indices = [int(index) for index in rng.permutation(indices)]
    else:
        indices[int(rng.integers(len(indices)))] = other
    setattr(operator, field, indices)


def options(model: Any, rng: np.random.Generator) -> None:
    """A field of an operator's options, their type, or that they are there."""
    operator = _operator(model, rng)
    if operator.builtinOptions is None or rng.random() < 0.1:
        operator.builtinOptions, operator.builtinOptionsType = None, int(rng.integers(120))
        return
    fields = sorted(vars(operator.builtinOptions))
    name = str(_any(fields, rng))
    value = getattr(operator.builtinOptions, name)
    if isinstance(value, bool):
        value = not value
    elif isinstance(value, float):
        value = float(_any(FLOATS, rng))
    elif isinstance(value, int):
        value = int(_any((*range(6), *NUMBERS), rng))
    else:
        value = [int(_any(SIZES, rng)) for _ in range(int(rng.integers(5)))]
    setattr(operator.builtinOptions, name, value)


def code(model: Any, rng: np.random.Generator) -> None:
    """Another operator in an operator's place, or another version of it."""
    found = _any(model.operatorCodes, rng)
    if rng.random() < 0.3:
        found.version = int(_any((-1, 0, 1, 2, 3, 5, 100), rng))
        return
    names = [name for name in operators() if hasattr(schema.BuiltinOperator, name)]
    builtin = getattr(schema.BuiltinOperator, str(_any(names, rng)))
    found.builtinCode, found.deprecatedBuiltinCode = builtin, min(builtin, 127)


def edges(model: Any, rng: np.random.Generator) -> None:
    """What a model's inputs and outputs are."""
    subgraph = model.subgraphs[0]
    field = str(_any(("inputs", "outputs"), rng))
    indices = _listed(getattr(subgraph, field))
    other = int(_any((-1, len(subgraph.tensors), int(rng.integers(len(subgraph.tensors)))), rng))
    kind = rng.integers(3)
    if kind == 0:
        indices.append(other)
    elif kind == 1:
        indices.pop(int(rng.integers(len(indices))))
    else:
        indices[int(rng.integers(len(indices)))] = other
    setattr(subgraph, field, indices)


def order(model: Any, rng: np.random.Generator) -> None:
    """Operators doubled, left out or in another order; subgraphs doubled."""
    subgraph = model.subgraphs[0]
    kind = rng.integers(4)
    if kind == 0:
        subgraph.operators.append(_any(subgraph.operators, rng))
    elif kind == 1:
        subgraph.operators.pop(int(rng.integers(len(subgraph.operators))))
    elif kind == 2:
        subgraph.operators = [_any(subgraph.operators, rng) for _ in subgraph.operators]
    else:
        model.subgraphs.append(_any(model.subgraphs, rng))


CHANGES: tuple[Callable[[Any, np.random.Generator], None], ...] = (
    *(shape, shape, whole_shape, whole_shape, element_type, all_types, quantization, quantization, quantization),
    *(buffer, buffer, variable, operands, operands, options, options, options, code, code, edges, order),
)
