"""A float model made trainable with quantization: calibrated, rounded as without training, and fake-quantized."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.data import Dataset, InputSpec, load_data
from mcuq.errors import UnsupportedError, UsageError
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.tflite import read_tflite
from mcuq.model import input_specs, is_quantized
from mcuq.qat.network import Architecture, FakeQuantized, Layer, Range
from mcuq.qat.one_bit import has_two_values, two_valued
from mcuq.qat.operators import FIXED_SCALE, SAME_SCALE
from mcuq.qat.program import WITHOUT, Program, read_program
from mcuq.qat.samples import arrays_for
from mcuq.quantize import prepare as float_form
from mcuq.quantize.bias_range import CHANNEL_AXIS
from mcuq.quantize.calibrators import DEFAULT as DEFAULT_CALIBRATION
from mcuq.quantize.flatbuffer import constant, read_model, read_tree, tensor_name, write_model
from mcuq.quantize.int8 import Fitted, assemble, fit
from mcuq.quantize.request import Request
from mcuq.quantize.roundings import DEFAULT as DEFAULT_ROUNDING
from mcuq.quantize.scheme import Array
from mcuq.quantize.schemes import OF_MODELS, scheme_named, schemes

Progress = Callable[[str, int, int], None]


def prepare(
    model: Any,
    scheme: str = "w8a8",
    layers: Mapping[str, str] | None = None,
    *,
    data: Any,
    calibration: str = DEFAULT_CALIBRATION,
    rounding: str = DEFAULT_ROUNDING,
    progress: Progress | None = None,
) -> FakeQuantized:
    """A trainable Keras model that computes what the int8 file of ``model`` would.

    ``model`` is a Keras model (3, or tf_keras), a path to a Keras file, SavedModel or float .tflite, or the bytes of
    one. ``scheme`` is what weights may be, ``layers`` other schemes by name or pattern of a layer; depthwise layers and
    small ones at the ends stay at eight bits, as in `mcuq quantize`. ``data`` (a few hundred samples: an array
    (n, ...) of real values as the float model takes them, a list of such arrays for several inputs, a ``Dataset``, or
    what `--data` takes) give ranges and the weights to begin with, by the ``calibration`` and ``rounding`` of these
    names; no labels are needed.
    ``progress`` is called with what is being done, steps done and steps in all.

    Raises ``UnsupportedError`` for a model that cannot be trained, ``UsageError`` for names that do not exist and for a
    model that is quantized already, ``DataError`` for data that do not fit, ``ToolError`` without litert-quantizer.
    """
    request = Request(scheme, layers or {}, calibration, rounding)
    check_trainable(request)
    content = float_tflite(model)
    graph = read_tflite(content, "the model")
    if is_quantized(graph):
        raise UsageError("the model is quantized already", hint="give the float model that it was made from")
    specs = input_specs(graph)
    return prepared_for(request, content, data if isinstance(data, Dataset) else _dataset(data, specs), specs, progress)


def prepared_for(
    request: Request, content: bytes, data: Dataset, inputs: tuple[InputSpec, ...], progress: Progress | None
) -> FakeQuantized:
    """``prepare`` for a request that can be trained, and the ``content`` of a float .tflite with ``inputs``."""
    tree = read_tree(content)
    if len(tree.subgraphs) != 1:
        raise UnsupportedError(
            "the model has a loop, as of a GRU or SimpleRNN layer, which cannot be trained with quantization",
            hint=WITHOUT,
        )
    form = float_form.prepare(tree)
    teacher = read_program(form.model).clipped(form.ceilings)
    if not any(step.op in CHANNEL_AXIS for step in teacher.steps):
        raise UnsupportedError("no layer of the model has weights to train")
    return FakeQuantized(_architecture(teacher, inputs, fit(content, data, request, progress, every=True)))


def check_trainable(request: Request) -> None:
    """Raises ``UsageError`` for schemes that only rounding without training knows."""
    trainable = [name for name, scheme in schemes().items() if scheme.is_plain]
    for name in (request.scheme, *request.layers.values()):
        if name in OF_MODELS or request.mixed or not scheme_named(name).is_plain:
            raise UsageError(
                f"{name} is not trained: scales are of channels, activations of eight bits, and there are no branches",
                hint=f"schemes to train are {', '.join(trainable)}",
            )


def float_tflite(model: Any) -> bytes:
    """The float TFLite file of what ``prepare`` takes.

    Raises ``UsageError`` for what is no model, and as ``mcuq.frontend.keras.to_float_tflite`` does.
    """
    if isinstance(model, bytes):
        return model
    if isinstance(model, str | Path):
        return to_float_tflite(Path(model))
    if not hasattr(model, "save"):
        raise UsageError(f"a {type(model).__name__} is no model", hint="give a Keras model or the path of a file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{model.name}.keras"
        model.save(path)
        return to_float_tflite(path)


def _dataset(data: Any, specs: Sequence[InputSpec]) -> Dataset:
    if isinstance(data, str | Path):
        return load_data(str(data), specs)
    return Dataset(arrays_for(specs, data), None, "the samples")


def _architecture(teacher: Program, inputs: tuple[InputSpec, ...], found: Fitted) -> Architecture:
    """``found`` is put together once, to see which scales and zero points the int8 file has."""
    tflite = write_model(found.model)
    program = read_program(found.model)
    model = assemble(read_model(tflite), found.ranges, found.rounded)
    tensors = {tensor_name(tensor): tensor for tensor in model.subgraphs[0].tensors}
    activations = {index: _parameters(tensors, program, index) for index in _activations(program)}
    layers = tuple(
        Layer(step, rounded, program.constants[step.inputs[2]], 64 * activations[step.output][0])
        for step in program.steps
        if (rounded := found.rounded.get(program.names[step.output])) is not None
    )
    own = {index for layer in layers for index in layer.step.inputs[1:]}
    others = {index for step in program.steps for index in step.inputs} & set(program.constants) - own
    fixed = {step.output for step in program.steps if step.op in FIXED_SCALE}
    return Architecture(
        teacher,
        program,
        tflite,
        layers,
        tuple(
            two_valued(known, found.statistics[program.names[known.tensors[0]]].histogram)
            if has_two_values(known, program, layers)
            else known
            for known in _ranges(program, activations, fixed | set(program.inputs))
        ),
        {index: _real(model, tensors.get(program.names[index]), program.constants[index]) for index in sorted(others)},
        frozenset(fixed & set(program.outputs)),
        inputs,
    )


def _activations(program: Program) -> tuple[int, ...]:
    return (*program.inputs, *(step.output for step in program.steps))


def _parameters(tensors: Mapping[str, Any], program: Program, index: int) -> tuple[float, int]:
    """Scale and zero point of an activation in the int8 file."""
    tensor = tensors.get(program.names[index])
    if tensor is None or tensor.type != schema.TensorType.INT8:
        raise UnsupportedError(
            f"{program.names[index]!r} is not int8 in the quantized model, which cannot be trained",
            hint="mcuq check says more about the model",
        )
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def _ranges(program: Program, activations: Mapping[int, tuple[float, int]], fixed: set[int]) -> tuple[Range, ...]:
    """One for all activations that operators tie to one scale; not trained where one of them is ``fixed``."""
    first = {index: index for index in activations}  # the tensor that stands for those of one range
    for step in program.steps:
        for source in step.inputs if step.op in SAME_SCALE else ():
            if source in activations and activations[source] == activations[step.output]:
                first = {index: first[source] if of == first[step.output] else of for index, of in first.items()}
    return tuple(
        Range(tied, *activations[tied[0]], trained=not fixed & set(tied))
        for of in sorted(set(first.values()))
        if (tied := tuple(index for index in activations if first[index] == of))
    )


def _real(model: Any, tensor: Any, values: Array) -> Array:
    """The real values of a constant ``tensor`` of the int8 file; ``values`` themselves where it is not quantized."""
    quantized = tensor is not None and tensor.type == schema.TensorType.INT8 and tensor.shape is not None
    whole = constant(model, tensor, np.int8) if quantized else None
    if whole is None or whole.shape != values.shape:
        return values
    known = tensor.quantization
    scales = np.asarray(known.scale, np.float32)
    axes = tuple(-1 if axis == known.quantizedDimension else 1 for axis in range(whole.ndim))
    scale = scales.reshape(axes) if scales.size > 1 else scales[0]
    return np.asarray((whole.astype(np.float32) - np.float32(known.zeroPoint[0])) * scale)
