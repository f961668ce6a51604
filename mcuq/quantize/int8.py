"""Static quantization by Google's ``litert-quantizer``: int8 weights per channel, int8 or int16 activations per tensor.

Activation ranges are what a calibrator makes of the data (``choose_ranges``), and biases are corrected for the rounding
of the weights. TensorFlow is not needed. Weights may be restricted to the values of a scheme first
(``request``, ``rounding``).
"""

from __future__ import annotations

import copy
import dataclasses
import importlib.util
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.data import Dataset
from mcuq.errors import DataError, ToolError, UnsupportedError, UsageError
from mcuq.quantize.bias_correction import correct_biases
from mcuq.quantize.bias_range import float_biases, widen_scales
from mcuq.quantize.calibrate import Statistics, calibrate
from mcuq.quantize.calibrators import DEFAULT
from mcuq.quantize.choose_ranges import Chosen, Ranges, choose_ranges
from mcuq.quantize.equalize import equalize
from mcuq.quantize.flatbuffer import operator_name, read_model, read_tree, tensor_name, write_model
from mcuq.quantize.judge import Judge
from mcuq.quantize.loops import cut_loops, join_loops, only_loops
from mcuq.quantize.low_rank import add_branches
from mcuq.quantize.lstm import quantize_lstm
from mcuq.quantize.masks import bound_masks
from mcuq.quantize.prepare import Prepared, prepare
from mcuq.quantize.request import LayerScheme, Request, assigned
from mcuq.quantize.rounding import Rounded, round_model, set_rounded
from mcuq.quantize.roundings import rounding_named
from mcuq.quantize.scheme import Array
from mcuq.quantize.stand_ins import restore, use_stand_ins
from mcuq.quantize.weighted_layer import weighted_layers
from mcuq.quiet import quiet_stderr

Progress = Callable[[int, int], None]
StagedProgress = Callable[[str, int, int], None]


def quantize_int8(float_tflite: bytes, calibration: Dataset, progress: Progress | None = None) -> bytes:
    """What ``quantize`` makes of a model without a request; ``progress`` is called with (samples done, all)."""
    told = None if progress is None else lambda _stage, done, of: progress(done, of)
    return quantize(float_tflite, calibration, Request(), told).tflite


@dataclass(frozen=True, slots=True)
class Quantized:
    """A quantized TFLite file, what became of its layers with weights (no layers where nothing was asked for them), and
    what the calibration data showed and led to, by tensor.
    """

    tflite: bytes
    layers: tuple[LayerScheme, ...] = ()
    statistics: Mapping[str, Statistics] = field(default_factory=dict, compare=False)
    chosen: Chosen = field(default_factory=lambda: Chosen({}, {}))


def quantize(
    float_tflite: bytes, calibration: Dataset, request: Request, progress: StagedProgress | None = None
) -> Quantized:
    """The int8 TFLite file of a float32 one: int8 inputs and outputs, int32 biases, the same bytes each time.

    ``calibration`` holds real values, as the float model takes them; ``progress`` is called with what is being done,
    steps done and steps in all. Weights take the values that ``request`` allows. Operators that the quantizer does not
    know stay float (``operators_left_float`` names them). Raises ``ToolError`` when litert-quantizer is missing,
    ``UnsupportedError`` for a model that it refuses, ``DataError`` for data with other inputs than the model's,
    ``UsageError`` for a request that does not fit the model's layers.
    """
    if request.two_valued:
        raise UsageError("activations of two values (+a1) need training", hint="mcuq finetune trains")
    found, bits = fit(float_tflite, calibration, request, progress), request.activation_bits
    layers = tuple(layer.described for layer in found.rounded.values())
    made = write_model(assemble(found.model, found.ranges, found.rounded, bits))
    return Quantized(made, layers, found.statistics, found.chosen)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A float ``ModelT`` tree with its weights rounded and its biases corrected, and all that its integers need.

    ``rounded`` by name of a layer's output, ``statistics`` and the ranges ``chosen`` by name of an activation.
    """

    model: Any
    rounded: Mapping[str, Rounded]
    statistics: Mapping[str, Statistics]
    chosen: Chosen

    @property
    def ranges(self) -> Ranges:
        return self.chosen.ranges


def fit(
    float_tflite: bytes,
    calibration: Dataset,
    request: Request,
    progress: StagedProgress | None = None,
    *,
    every: bool = False,
) -> Fitted:
    """What ``quantize`` puts together. Layers whose weights are simply int8 with a scale for each channel are not
    rounded here when all are such, unless ``every`` layer is to be.
    """
    require_quantizer()
    prepared = prepare(_read(float_tflite))
    samples = _samples(prepared.model, calibration)
    told: StagedProgress = progress or (lambda _stage, _done, _of: None)
    judge, forms = Judge(float_tflite, samples), [prepared]
    if request.per_tensor:
        equalized = copy.deepcopy(prepared)
        if equalize(equalized.model, prepared.ceilings):
            forms.append(equalized)
    found = [_fitted(form, samples, request, judge, told, every) for form in forms]
    return found[0] if len(found) == 1 else min(found, key=lambda one: judge.error(_tried(one, one.ranges, 8)))


def _fitted(
    prepared: Prepared, samples: Sequence[Array], request: Request, judge: Judge, told: StagedProgress, every: bool
) -> Fitted:
    model, bits = prepared.model, request.activation_bits
    rounded: Mapping[str, Rounded] = {}
    if every or request.rounds_weights:
        layers = weighted_layers(model)
        schemes = assigned(layers, request)
        rounding = rounding_named(request.rounding, layers)
        rounded = round_model(
            model, layers, schemes, samples, rounding, lambda done, of: told("rounding weights", done, of)
        )
        rounded = add_branches(model, rounded)
    statistics = calibrate(write_model(model), samples, lambda done, of: told("calibrating", done, of))
    if bound_masks(model, statistics):
        statistics = calibrate(write_model(model), samples, lambda done, of: told("calibrating", done, of))
    correct_biases(model, statistics, rounded)
    found = Fitted(model, rounded, statistics, Chosen({}, {}))
    chosen = choose_ranges(
        statistics,
        prepared.ceilings,
        request.calibration if bits == 8 else DEFAULT,  # of 65,535 steps, cutting off saves none that count
        (1 << bits) - 1,
        lambda ranges: judge.error(_tried(found, ranges, bits)),
        lambda done, of: told("choosing ranges", done, of),
    )
    return dataclasses.replace(found, chosen=chosen)


def _tried(found: Fitted, ranges: Ranges, bits: int) -> bytes:
    return write_model(assemble(copy.deepcopy(found.model), ranges, found.rounded, bits))


def assemble(model: Any, ranges: Ranges, rounded: Mapping[str, Rounded], bits: int = 8) -> Any:
    """The tree in integers of a float one, which is changed: weights as they were ``rounded``, activations of so many
    ``bits`` in ``ranges``.
    """
    outputs, loops = len(model.subgraphs[0].outputs), cut_loops(model)
    biases = float_biases(model)
    replaced = use_stand_ins(model)
    quantized = read_model(_quantize(write_model(model), ranges, bits))
    restore(quantized, replaced)
    set_rounded(quantized, rounded, biases)
    if bits == 8:  # biases of 16 bits have 64, and need no room made for them
        widen_scales(quantized, biases)
    _quantize_unread(quantized)
    quantize_lstm(quantized)
    _drop_unused(quantized)
    join_loops(quantized, loops, outputs)
    return quantized


def _read(float_tflite: bytes) -> Any:
    """The tree of a model with loops of recurrent layers and no other control flow."""
    model = read_tree(float_tflite)
    return model if only_loops(model) else read_model(float_tflite)


def require_quantizer() -> None:
    """Before the calibration, which takes its time."""
    if importlib.util.find_spec("litert_quantizer") is None:
        raise ToolError(
            "litert-quantizer is needed to quantize a float model and is not installed",
            hint="pip install 'mcuq[quantize]', or give mcuq an int8 .tflite",
        )


def operators_left_float(model: bytes) -> tuple[tuple[str, str], ...]:
    """(operator, name of its first output) of all operators that compute in float32, conversions left out."""
    tree = read_tree(model)
    tensors = tree.subgraphs[0].tensors
    left = []
    for operator in tree.subgraphs[0].operators:
        name = operator_name(tree, operator)
        used = [tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
        if name not in {"QUANTIZE", "DEQUANTIZE", "CAST"} and any(t.type == schema.TensorType.FLOAT32 for t in used):
            left.append((name, tensor_name(tensors[operator.outputs[0]])))
    return tuple(left)


def _samples(model: Any, calibration: Dataset) -> list[np.ndarray[Any, Any]]:
    """One float32 array (n, ...) for each input of the model, in the model's order."""
    subgraph = model.subgraphs[0]
    wanted = [tuple(int(size) for size in subgraph.tensors[index].shape[1:]) for index in subgraph.inputs]
    found = [array.shape[1:] for array in calibration.inputs]
    if wanted != found or calibration.count == 0:
        raise DataError(
            f"calibration data do not fit the model: it takes {_shapes(wanted)}, "
            f"{calibration.source} has {calibration.count} samples of {_shapes(found)}"
        )
    return [np.asarray(array) for array in calibration.inputs]


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) for shape in shapes)


def _quantize(float_tflite: bytes, ranges: Ranges, bits: int) -> bytes:
    records = {name: {"min": np.array([low]), "max": np.array([high])} for name, (low, high) in ranges.items()}
    recipe = "static_wi8_ai8" if bits == 8 else "static_wi8_ai16"
    return run_quantizer(float_tflite, lambda recipes: getattr(recipes, recipe)(), records)


def run_quantizer(float_tflite: bytes, recipe_of: Callable[[Any], Any], records: Mapping[str, Any] | None) -> bytes:
    """The TFLite file that litert-quantizer makes by a recipe, which ``recipe_of`` takes from its module of recipes.

    Raises ``ToolError`` when it is missing, ``UnsupportedError`` for a model that it refuses.
    """
    try:
        from litert_quantizer import quantizer, recipe  # noqa: PLC0415
    except ImportError as error:
        raise ToolError(
            "litert-quantizer is needed to quantize a float model and cannot be imported",
            details=(f"{error}",),
            hint="pip install --force-reinstall 'mcuq[quantize]', or give mcuq an int8 .tflite",
        ) from error
    logging.getLogger("absl").setLevel(logging.ERROR)
    with quiet_stderr(), warnings.catch_warnings():  # its check of the records starts an interpreter, which talks
        warnings.simplefilter("ignore")
        try:
            work = quantizer.Quantizer(float_tflite, recipe_of(recipe))
            result = work.quantize(records, enable_progress_bar=False, enable_progress_report=False)
        except Exception as error:  # the quantizer raises bare ValueError, RuntimeError and KeyError
            raise UnsupportedError(
                "litert-quantizer refuses the model", details=(f"{type(error).__name__}: {str(error)[:300]}",)
            ) from error
    return bytes(result.quantized_model)


def _quantize_unread(model: Any) -> None:
    """The quantizer leaves outputs that nothing reads in float, though SPLIT gives all of them its input's type."""
    subgraph = model.subgraphs[0]
    read = {int(index) for op in subgraph.operators for index in op.inputs} | {int(index) for index in subgraph.outputs}
    for operator in subgraph.operators:
        if operator_name(model, operator) not in ("SPLIT", "SPLIT_V", "UNPACK"):
            continue
        tensors = [subgraph.tensors[index] for index in operator.outputs]
        like = next((t for t in tensors if t.type == schema.TensorType.INT8), None)
        for index, tensor in zip(operator.outputs, tensors, strict=True):
            if like is not None and int(index) not in read:
                tensor.type, tensor.quantization = like.type, like.quantization


def _drop_unused(model: Any) -> None:
    """Leaves out what no operator uses any more (replaced biases, operator codes), and the buffers only they had."""
    subgraph = model.subgraphs[0]
    used = {int(index) for op in subgraph.operators for index in _tensors_of(op) if index >= 0}
    used |= {int(index) for index in (*subgraph.inputs, *subgraph.outputs)}
    place = {old: new for new, old in enumerate(sorted(used))}
    for operator in subgraph.operators:
        operator.inputs = [place.get(int(index), -1) for index in operator.inputs]
        operator.outputs = [place[int(index)] for index in operator.outputs]
        if operator.intermediates is not None:
            operator.intermediates = [place[int(index)] for index in operator.intermediates]
    subgraph.inputs = [place[int(index)] for index in subgraph.inputs]
    subgraph.outputs = [place[int(index)] for index in subgraph.outputs]
    for signature in model.signatureDefs or []:
        for item in (*signature.inputs, *signature.outputs):
            item.tensorIndex = place[item.tensorIndex]
    subgraph.tensors = [subgraph.tensors[index] for index in sorted(used)]
    codes = sorted({operator.opcodeIndex for operator in subgraph.operators})
    for operator in subgraph.operators:
        operator.opcodeIndex = codes.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in codes]
    _drop_unused_buffers(model)


def _tensors_of(operator: Any) -> tuple[Any, ...]:
    kept = () if operator.intermediates is None else operator.intermediates
    return (*operator.inputs, *operator.outputs, *kept)


def _drop_unused_buffers(model: Any) -> None:
    """Buffer 0 stays: the schema keeps it empty for tensors without values. So do the buffers of metadata."""
    tensors, metadata = model.subgraphs[0].tensors, model.metadata or []
    used = sorted({0} | {tensor.buffer for tensor in tensors} | {item.buffer for item in metadata})
    place = {old: new for new, old in enumerate(used)}
    for holder in (*tensors, *metadata):
        holder.buffer = place[holder.buffer]
    model.buffers = [model.buffers[index] for index in used]
    model.metadataBuffer = None
