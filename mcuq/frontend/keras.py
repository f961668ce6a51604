"""Keras models and SavedModels into float TFLite files, with the batch fixed to one and Keras's layer names kept.

TensorFlow does the conversion (it folds batch normalization and fuses activations); it is imported when a function
here is called. Quantization is not done here.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq.errors import McuqError, ToolError, UnsupportedError
from mcuq.frontend.detours import without_detours
from mcuq.frontend.keras_load import INSTALL, first_line, load_keras
from mcuq.frontend.model_file import KerasFile, inspect_keras_file, model_kind
from mcuq.frontend.recurrent import Lstm, stand_in, with_recurrent
from mcuq.frontend.tensor_names import name_by_layers
from mcuq.quantize.cells import Cell
from mcuq.quiet import quiet_stderr


@dataclass(frozen=True, slots=True)
class _Source:
    """A model as one Python function of tensors, with what its inputs and outputs are called."""

    function: Callable[..., Sequence[Any]]
    inputs: tuple[tuple[str, tuple[int, ...], Any], ...]  # name, shape with batch 1, TensorFlow dtype
    outputs: tuple[str, ...]
    scopes: Mapping[str, str]  # graph name scope → layer path; filled while the function is traced
    recurrent: tuple[Lstm | Cell, ...] = ()


def to_float_tflite(path: Path) -> bytes:
    """The float32 TFLite file of the Keras file or SavedModel folder at ``path``: batch 1, all shapes known.

    Tensors are named after Keras layers. Raises ``UsageError`` (no such file), ``ToolError`` (TensorFlow missing)
    and ``UnsupportedError`` (not a model, damaged, holds code or custom classes, unknown dimensions, not convertible).
    """
    kind = model_kind(path)
    if kind == "tflite":
        return path.read_bytes()
    file = inspect_keras_file(path) if kind == "keras" else None
    with quiet_stderr(), _quiet_python():
        tensorflow = import_tensorflow()
        source = _keras_source(file) if file is not None else _saved_model_source(path, tensorflow)
        return _convert(source, path, tensorflow)


@contextmanager
def _quiet_python() -> Iterator[None]:
    """TensorFlow, absl and Keras log through Python too; warnings about their own internals help nobody here."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl", "h5py")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def import_tensorflow() -> Any:
    """TensorFlow, imported quietly and set up so that folding constants gives the same bits each time."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        import tensorflow  # noqa: PLC0415
    except ImportError as error:
        raise ToolError(
            "TensorFlow is needed to convert Keras models and SavedModels, and cannot be imported",
            details=(f"{error}",),
            hint=f"{INSTALL}, or convert the model to .tflite elsewhere",
        ) from error
    return tensorflow


def _keras_source(file: KerasFile) -> _Source:
    model = load_keras(file)
    _refuse_float_indices(model, file.path)
    inputs = _named_inputs(model, file.path)
    structure = _input_structure(model)
    scopes: dict[str, str] = {}
    recurrent = stand_in(model)
    _record_scopes(model, scopes)

    def call(*tensors: Any) -> list[Any]:
        if isinstance(structure, Mapping):
            arguments: Any = dict(zip(structure, tensors, strict=True))
        else:
            arguments = list(tensors) if isinstance(structure, list | tuple) else tensors[0]
        return _flat(model(arguments, training=False))

    return _Source(call, inputs, tuple(getattr(model, "output_names", ())), scopes, recurrent)


def _refuse_float_indices(model: Any, path: Path) -> None:
    """Keras casts what an Embedding is given to int32: a float Input, its default, would then be quantized first."""
    for layer in getattr(model, "layers", ()):
        _refuse_float_indices(layer, path)
        if type(layer).__name__ != "Embedding":
            continue
        try:
            dtype = str(layer.input.dtype)
        except (AttributeError, ValueError):  # it is called several times, or never
            continue
        if "float" in dtype:
            raise UnsupportedError(
                f"{path.name}: the Embedding {layer.name!r} is given {dtype}; indices are integers",
                hint='make the model\'s input with Input(shape, dtype="int32")',
            )


def _named_inputs(model: Any, path: Path) -> tuple[tuple[str, tuple[int, ...], Any], ...]:
    tensors = getattr(model, "inputs", None)
    if not tensors:
        raise UnsupportedError(
            f"{path.name} does not say what shape its input has",
            hint="build the model with an Input(shape=…) first, or export it as a SavedModel",
        )
    structure = _input_structure(model)
    if isinstance(structure, Mapping):
        named = list(structure.items())
    else:
        named = [(tensor.name.split(":")[0], tensor) for tensor in tensors]
    import tensorflow  # noqa: PLC0415

    return tuple(
        (name, _fixed_shape(name, tensor.shape, path), tensorflow.as_dtype(tensor.dtype)) for name, tensor in named
    )


def _input_structure(model: Any) -> Any:
    """The inputs as the model wants them: one tensor, a list, or a dictionary. A Sequential of Keras 3 has no say."""
    tensors = model.inputs
    return getattr(model, "input", tensors[0] if len(tensors) == 1 else tensors)


def _fixed_shape(name: str, shape: Any, path: Path) -> tuple[int, ...]:
    """``shape`` with the batch set to one. Every other dimension must be known."""
    dimensions = None if shape is None or getattr(shape, "rank", 0) is None else tuple(shape)
    if not dimensions or any(size is None for size in dimensions[1:]):
        found = "unknown" if dimensions is None else str(dimensions)
        unknown = ", ".join(str(i) for i, size in enumerate(dimensions or ()) if i and size is None)
        raise UnsupportedError(
            f"{path.name}: input {name!r} has the shape {found}"
            + (f"; dimension {unknown} must be known" if unknown else "; a batch and known dimensions are needed"),
            hint="firmware has fixed buffers: build the model with an Input of the size that the device will see",
        )
    return (1, *(int(size) for size in dimensions[1:]))


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [tensor for item in value.values() for tensor in _flat(item)]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _flat(item)]
    return [value]


def _record_scopes(model: Any, scopes: dict[str, str]) -> None:
    """Makes each layer write down the name scope it is traced in: Keras 3 calls layer ``conv`` ``conv_1`` there."""
    import tensorflow  # noqa: PLC0415

    def record(layer: Any, layer_path: str) -> None:
        call = layer.call

        def recorded(*arguments: Any, **keywords: Any) -> Any:
            scopes.setdefault(tensorflow.get_current_name_scope(), layer_path)
            return call(*arguments, **keywords)

        layer.call = recorded

    def visit(parent: Any, prefix: str) -> None:
        for layer in getattr(parent, "layers", ()):
            layer_path = f"{prefix}{layer.name}"
            visit(layer, f"{layer_path}/")
            record(layer, layer_path)

    if type(model).__module__.startswith("keras"):  # tf_keras keeps layer names as they are
        visit(model, "")
        record(model, "")
    else:
        scopes[model.name] = ""


def _saved_model_source(path: Path, tensorflow: Any) -> _Source:
    try:
        loaded = tensorflow.saved_model.load(str(path))
    except Exception as error:
        raise UnsupportedError(
            f"{path.name} cannot be loaded as a SavedModel",
            details=(first_line(error),),
            hint="a SavedModel folder holds saved_model.pb and variables/; save or copy it again",
        ) from error
    signatures = dict(loaded.signatures)
    if not signatures:
        raise UnsupportedError(
            f"{path.name} is a SavedModel without a signature, so its inputs are not known",
            hint="use Keras's model.export(folder), or tf.saved_model.save(…, signatures=…)",
        )
    if "serving_default" not in signatures and len(signatures) > 1:
        raise UnsupportedError(
            f"{path.name} has several signatures and none is serving_default: {', '.join(sorted(signatures))}"
        )
    signature = signatures.get("serving_default") or next(iter(signatures.values()))
    specs = signature.structured_input_signature[1]
    inputs = tuple((name, _fixed_shape(name, spec.shape, path), spec.dtype) for name, spec in specs.items())
    if not inputs:
        raise UnsupportedError(f"{path.name}: the signature has no inputs")
    names = [name for name, _, _ in inputs]
    outputs = tuple(sorted(signature.structured_outputs))

    def call(*tensors: Any) -> list[Any]:
        results = signature(**dict(zip(names, tensors, strict=True)))
        return [results[name] for name in outputs]

    # The loaded object owns the variables; the function alone would not keep them alive.
    call.owner = loaded  # type: ignore[attr-defined]
    return _Source(call, inputs, outputs, {})


def _convert(source: _Source, path: Path, tensorflow: Any) -> bytes:
    # The one function of TensorFlow's converter that freezes a function without writing a SavedModel to disk, which
    # would sort the inputs by name and put a folder's name into the file.
    from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
        convert_variables_to_constants_v2,
    )

    specs = [tensorflow.TensorSpec(shape, dtype, name=_graph_name(name)) for name, shape, dtype in source.inputs]
    try:
        traced = tensorflow.function(source.function, autograph=False).get_concrete_function(*specs)
        frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
        model = without_detours(with_recurrent(_tflite(frozen, tensorflow), source.recurrent))
    except McuqError:
        raise
    except Exception as error:
        raise _not_convertible(path, error) from error
    order = [operation.name for operation in traced.graph.get_operations()]
    inputs = [name for name, _, _ in source.inputs]
    return name_by_layers(model, source.scopes, order, inputs, _output_names(traced, source.outputs))


def _tflite(frozen: Any, tensorflow: Any) -> bytes:
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([frozen])
    try:
        return bytes(converter.convert())
    except Exception as error:
        if "ERROR_NEEDS_FLEX_OPS" not in str(error):
            raise
    # Operations that only TensorFlow has: as custom operators they are told with their layers, and all others.
    converter.target_spec.supported_ops = [
        tensorflow.lite.OpsSet.TFLITE_BUILTINS,
        tensorflow.lite.OpsSet.SELECT_TF_OPS,
    ]
    return bytes(converter.convert())


def _graph_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name) or "input"


def _output_names(traced: Any, names: Sequence[str]) -> list[str]:
    """The operation behind each output, past the Identity that wraps it; ``names`` where that is a called function."""
    found = []
    for index, tensor in enumerate(traced.outputs):
        operation = tensor.op
        while operation.type == "Identity" and operation.inputs:
            operation = operation.inputs[0].op
        named = "PartitionedCall" in operation.type and index < len(names)
        found.append(names[index] if named else str(operation.name))
    return found


def _not_convertible(path: Path, error: Exception) -> UnsupportedError:
    return UnsupportedError(
        f"{path.name} cannot be converted to TFLite", details=(f"{type(error).__name__}: {first_line(error)}",)
    )
