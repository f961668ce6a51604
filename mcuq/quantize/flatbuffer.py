"""A TFLite model as a tree of Python objects that can be changed: reading, writing, and a few questions about it.

The tree is the object API that LiteRT's own schema generates. Nothing about quantization is decided here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from mcuq.errors import UnsupportedError

_BUILTINS = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}


def read_tree(content: bytes) -> Any:
    """The ``ModelT`` tree of ``content``, large constants outside the tables drawn in.

    Raises ``UnsupportedError`` for a damaged file.
    """
    try:
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        len(model.subgraphs[0].operators)
    except Exception as error:  # a damaged flatbuffer ends in any error that Python has
        raise UnsupportedError(
            "the float model is not a sound TFLite file", details=(f"{type(error).__name__}: {error}",)
        ) from error
    return model


def read_model(content: bytes) -> Any:
    """``read_tree`` of a model with one subgraph. Raises ``UnsupportedError`` for more (control flow)."""
    model = read_tree(content)
    if (count := len(model.subgraphs)) != 1:
        raise UnsupportedError(
            f"the float model has {count} subgraphs (control flow or several functions); mcuq quantizes models with one"
        )
    return model


def write_model(model: Any) -> bytes:
    """The file of a ``ModelT`` tree, all constants inside its tables."""
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def operator_name(model: Any, operator: Any) -> str:
    """The operator's name in TFLite's schema, such as ``CONV_2D``."""
    code = model.operatorCodes[operator.opcodeIndex]
    return str(_BUILTINS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "UNKNOWN"))


def tensor_name(tensor: Any) -> str:
    """The tensor's name as text; the schema has bytes, and none for a tensor without a name."""
    name = tensor.name or b""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def constant(model: Any, tensor: Any, dtype: type[np.generic]) -> npt.NDArray[Any] | None:
    """The values of a constant tensor read as ``dtype`` in its shape; None for a tensor that is computed."""
    data = model.buffers[tensor.buffer].data if tensor.buffer else None
    if data is None or len(data) == 0:
        return None
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    return np.frombuffer(bytes(data), dtype).reshape(shape)


def add_buffer(model: Any, values: npt.NDArray[Any]) -> int:
    """Adds a buffer with ``values`` and returns its index."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_constant(model: Any, name: str, values: npt.NDArray[Any]) -> int:
    """Adds a constant tensor (float32 or int32) and returns its index."""
    tensor = schema.TensorT()
    tensor.name = name.encode()
    tensor.shape = [int(size) for size in values.shape]
    tensor.type = schema.TensorType.FLOAT32 if values.dtype == np.float32 else schema.TensorType.INT32
    tensor.buffer = add_buffer(model, values)
    tensor.hasRank = True
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def operator_code(model: Any, name: str) -> int:
    """The index of a code, new in ``model``, for operators of kind ``name``."""
    builtin = getattr(schema.BuiltinOperator, name)
    code = schema.OperatorCodeT()
    code.builtinCode = builtin
    code.deprecatedBuiltinCode = min(builtin, 127)
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def use_operator(model: Any, operator: Any, name: str, options_type: int, options: Any) -> None:
    """Makes ``operator`` one of kind ``name`` with the builtin ``options``."""
    operator.opcodeIndex = operator_code(model, name)
    operator.builtinOptionsType = options_type
    operator.builtinOptions = options
