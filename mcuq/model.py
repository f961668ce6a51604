"""A model file made ready to compile: quantized where needed, read, checked, simplified. Nothing is compiled here."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mcuq.core import Core
from mcuq.data import Dataset, InputSpec, load_data, synthetic_data
from mcuq.errors import McuqError, UnsupportedError, UsageError
from mcuq.frontend.blockers import Blocker, float_blockers, left_float, real_layers, refusal, unsupported_operators
from mcuq.frontend.model_file import model_kind
from mcuq.frontend.tflite import bind, find_blockers, read_tflite
from mcuq.ir import DType, Graph, Tensor
from mcuq.ops.floats import HYBRID, form_of
from mcuq.passes import AFTER_SLIDING, BEFORE_SLIDING, run_passes
from mcuq.quantize.request import LayerScheme, Request
from mcuq.quantize.schemes import DYNAMIC
from mcuq.sliding import SlidingModel, step_function

if TYPE_CHECKING:
    from mcuq.mixed.search import Mixed
    from mcuq.quantize.diagnosis import Diagnosis

Progress = Callable[[str, int, int], None]
"""Called with what is being done, steps done, and steps in all."""

Chooser = Callable[[bytes, Dataset, Request, Progress], "Mixed"]
"""Finds a scheme for each layer of a float model, with its calibration data, where a request leaves that open."""

SYNTHETIC_SAMPLES = 32
NAMED = 8
"""Most layers that a note names."""
RECURRENT = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "LOOP")
_QUANTIZED = (DType.INT8, DType.UINT8, DType.INT16)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """A quantized model.

    ``tflite`` is the int8 TFLite file, ``float_tflite`` the float one that it was made from (None when the model came
    quantized). ``graph`` is what is compiled; ``file_graph`` is the file as it stands, whose tensors keep its order.
    ``data`` are the samples that were given, None for synthetic ones. ``schemes`` has the layers whose weights a scheme
    other than the usual one was asked for, ``mixed`` how these were found where they were searched for; ``diagnosis``
    what the calibration data showed, None for synthetic ones.
    ``sliding``: the file is that of a window, ``graph`` the step that was made of it; samples are windows all the same.
    """

    name: str
    tflite: bytes
    float_tflite: bytes | None
    file_graph: Graph
    graph: Graph
    data: Dataset | None
    notes: tuple[str, ...] = ()
    schemes: tuple[LayerScheme, ...] = ()
    diagnosis: Diagnosis | None = None
    mixed: Mixed | None = None
    sliding: SlidingModel | None = None

    def tensor_index(self, name: str) -> int:
        """The index in the TFLite file of one of the graph's tensors."""
        return list(self.file_graph.tensors).index(name)


def model_name(path: Path) -> str:
    """What the model at ``path`` is called: its file's name without the suffix, or its folder's name.

    A link's own name counts, not that of what it leads to.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    return absolute.name if absolute.is_dir() else absolute.stem


def load_model(
    path: Path,
    data: str | None,
    progress: Progress,
    synthetic_samples: int = SYNTHETIC_SAMPLES,
    request: Request | None = None,
    chooser: Chooser | None = None,
    *,
    stream: bool = False,
) -> Model:
    """The model at ``path``, quantized as ``request`` says with the samples that ``data`` names if it is a float model;
    with random ones where it names none. ``chooser`` chooses schemes where the request is for mixed ones. ``stream``:
    its graph is the step of a window that slides.

    Raises ``UsageError``, ``DataError`` or ``UnsupportedError`` saying what is wrong.
    """
    kind = model_kind(path)
    name = model_name(path)
    if kind == "tflite":
        content = path.read_bytes()
    else:
        from mcuq.frontend.keras import to_float_tflite  # noqa: PLC0415 - imports TensorFlow

        progress("converting with TensorFlow", 0, 1)
        content = to_float_tflite(path)
        progress("converting with TensorFlow", 1, 1)
    graph, request = read_tflite(content, path.name), request or Request()
    if not is_quantized(graph) and (request.real or _is_dynamic(graph, data, request)):
        dataset = None if data is None else load_data(data, input_specs(graph))
        made, original = _with_real_activations(content, graph, request)
        return _compiled_view(name, path.name, made, original, dataset, (), request, stream)
    if is_quantized(graph):
        if request.required and not request.plain:
            raise UsageError(
                f"{path.name} is quantized already; --scheme {request.scheme} needs the float model",
                hint="give the model that it was made from, or leave --scheme out",
            )
        dataset = None if data is None else load_data(data, input_specs(graph))
        return _compiled_view(name, path.name, content, None, dataset, (), request, stream)
    return _quantized(name, path.name, content, graph, data, progress, synthetic_samples, request, chooser, stream)


def _with_real_activations(content: bytes, graph: Graph, request: Request) -> tuple[bytes, bytes | None]:
    """The file to compile, and the float one that it was made from, if any."""
    from mcuq.quantize.dynamic import quantize_dynamic, real_model  # noqa: PLC0415 - imports the quantizer

    if request.scheme == DYNAMIC and not is_dynamic_range(graph):
        return quantize_dynamic(content), content
    halves = any(tensor.type.dtype is DType.FLOAT16 for tensor in graph.tensors.values())
    return (real_model(content) if halves else content), None


def _quantized(
    name: str,
    file_name: str,
    content: bytes,
    graph: Graph,
    data: str | None,
    progress: Progress,
    synthetic_samples: int,
    request: Request,
    chooser: Chooser | None,
    stream: bool,
) -> Model:
    from mcuq.quantize.calibrators import DEFAULT  # noqa: PLC0415
    from mcuq.quantize.diagnosis import diagnose  # noqa: PLC0415
    from mcuq.quantize.int8 import quantize  # noqa: PLC0415 - imports the quantizer
    from mcuq.quantize.rewrite import REWRITTEN  # noqa: PLC0415

    specs = input_specs(graph)
    if lacking := tuple(found for found in unsupported_operators(graph) if found.op not in REWRITTEN):
        raise refusal(file_name, _all_blockers(file_name, content, specs) or lacking)
    notes: tuple[str, ...] = ()
    if data is None:
        dataset = None
        calibration = synthetic_data(specs, synthetic_samples)
        request = dataclasses.replace(request, calibration=DEFAULT)
        notes = (
            "NO CALIBRATION DATA: quantized on random numbers, so the accuracy of this build means nothing; "
            "give real samples with --data",
        )
    else:
        dataset = calibration = load_data(data, specs)
        notes = dataset.notes
    mixed = _mixed(content, dataset, request, progress, chooser) if request.mixed else None
    if mixed is not None:
        request, notes = mixed.request, (*notes, *mixed.notes)
    quantized = quantize(content, calibration, request, progress) if mixed is None else mixed.quantized
    if blockers := _blockers(read_tflite(quantized.tflite, file_name)):
        raise refusal(file_name, blockers)
    notes = (*notes, *_exceptions(quantized.layers, request), *recurrent_note(graph, request))
    model = _compiled_view(name, file_name, quantized.tflite, content, dataset, notes, request, stream)
    diagnosis = None
    if dataset is not None:
        layers = {name: name for name in graph.inputs} | {node.outputs[0]: node.name for node in graph.nodes}
        bits = request.activation_bits
        diagnosis = diagnose(quantized.statistics, quantized.chosen, layers, dataset, bits)
    return dataclasses.replace(model, schemes=quantized.layers, diagnosis=diagnosis, mixed=mixed)


def _mixed(
    content: bytes, data: Dataset | None, request: Request, progress: Progress, chooser: Chooser | None
) -> Mixed:
    if chooser is None:
        raise UsageError(
            "the scheme mixed is for `mcuq quantize` and `mcuq build`",
            hint="give what they find as [quantize.layers] in mcuq.toml",
        )
    if data is None:
        raise UsageError("the scheme mixed needs data to judge models by", hint="give samples with --data")
    return chooser(content, data, request, progress)


def _exceptions(layers: tuple[LayerScheme, ...], request: Request) -> tuple[str, ...]:
    """Says which layers did not get the scheme that was asked for all."""
    others = [f"{layer.name} ({layer.scheme})" for layer in layers if layer.scheme != request.scheme]
    return (f"layers with another scheme than {request.scheme}: {', '.join(others)}",) if others else ()


def recurrent_note(graph: Graph, request: Request) -> tuple[str, ...]:
    """Says which recurrent layers of a float model keep eight bits: schemes do not reach their weights."""
    names = [node.name for node in graph.nodes if node.op in RECURRENT]
    if not names or not request.rounds_weights:
        return ()
    return (f"recurrent layers keep weights of eight bits whatever the scheme: {', '.join(names)}",)


def _all_blockers(file_name: str, content: bytes, specs: tuple[InputSpec, ...]) -> tuple[Blocker, ...]:
    """Of a float model with operators that mcuq lacks: these, and the rules that its other layers break as int8.

    Empty when the model cannot be quantized, or not run.
    """
    from mcuq.quantize.int8 import quantize_int8  # noqa: PLC0415 - imports the quantizer

    try:
        return _blockers(read_tflite(quantize_int8(content, synthetic_data(specs, 1)), file_name))
    except McuqError as error:
        log.debug("not quantized to look for more blockers: %s", error)
        return ()


def _blockers(graph: Graph) -> tuple[Blocker, ...]:
    """What is wrong with each layer of a quantized model, in the order of execution."""
    floating = {blocker.layer: blocker for blocker in left_float(graph)}
    broken = {blocker.layer: floating.get(blocker.layer, blocker) for blocker in find_blockers(graph)}
    lacking = {blocker.layer: blocker for blocker in unsupported_operators(graph)}
    by_layer = {**broken, **lacking}
    return tuple(by_layer[node.name] for node in graph.nodes if node.name in by_layer)


def _compiled_view(
    name: str,
    file_name: str,
    content: bytes,
    float_tflite: bytes | None,
    dataset: Dataset | None,
    notes: tuple[str, ...],
    request: Request,
    stream: bool,
) -> Model:
    file_graph = read_tflite(content, file_name)
    bound = bind(file_graph)
    log.debug("before passes:\n%s", bound)
    graph, sliding = compiled(bound, stream=stream)
    log.debug("after passes:\n%s", graph)
    if not graph.nodes:
        raise UnsupportedError(f"{file_name} computes nothing: no layer is left to compile")
    if request.integer_only and (blockers := float_blockers(graph)):
        raise refusal(file_name, blockers)
    if sliding is None and (removed := _removed_channels(bound, graph)):
        notes = (*notes, f"{removed:,} channels that cannot change were computed now and are not on the device")
    return Model(name, content, float_tflite, file_graph, graph, dataset, notes, sliding=sliding)


def compiled(bound: Graph, *, stream: bool) -> tuple[Graph, SlidingModel | None]:
    """What is compiled of a bound graph; where it is to ``stream``, its step. Raises ``NotSlidingError``."""
    if not stream:
        return run_passes(bound), None
    made = step_function(run_passes(bound, BEFORE_SLIDING), bound.name)
    graph = dataclasses.replace(run_passes(made.graph, AFTER_SLIDING), steps=made.graph.steps)
    return graph, dataclasses.replace(made, graph=graph)


def _removed_channels(before: Graph, after: Graph) -> int:
    """How many channels fewer the layers of ``after`` write than in ``before``."""
    left = _channels(after)
    return sum(channels - left[name] for name, channels in _channels(before).items() if name in left)


def _channels(graph: Graph) -> dict[str, int]:
    """By layer: how many channels it writes."""
    return {layer.name: layer.output.shape[-1] for layer in graph.layers() if layer.output.shape}


def float_note(graph: Graph, core: Core | None) -> tuple[str, ...]:
    """Which layers of what is compiled compute or move float32, if any, and how on a ``core`` that is known."""
    names = [layer.name for layer in real_layers(graph)]
    if not names:
        return ()
    how = ""
    if core is not None:
        how = f", with {core.name}'s FPU" if core.fpu is not None else f", in software: {core.name} has no FPU"
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return (f"{len(names)} of {len(graph.nodes)} layers are float32{how}: {shown}",)


def is_dynamic_range(graph: Graph) -> bool:
    """Does a layer multiply real activations by int8 weights?"""
    return any(form_of(layer).endswith(HYBRID) for layer in graph.layers())


def _is_dynamic(graph: Graph, data: str | None, request: Request) -> bool:
    """Is a file with quantized weights to stay as it is? Samples, or a scheme asked for, want it quantized further."""
    return is_dynamic_range(graph) and (request.scheme == DYNAMIC or (data is None and not request.required))


def is_quantized(graph: Graph) -> bool:
    """Does any layer compute in quantized integers, or none in floats? Quantized weights alone (dynamic range) do not
    count."""
    computed = [tensor.type for tensor in graph.tensors.values() if not tensor.constant]
    return any(type_.dtype in _QUANTIZED and type_.quantization is not None for type_ in computed) or not any(
        type_.dtype is DType.FLOAT32 for type_ in computed
    )


def input_specs(graph: Graph) -> tuple[InputSpec, ...]:
    """What data for the model have to look like."""
    return tuple(_input_spec(tensor) for tensor in graph.input_tensors)


def _input_spec(tensor: Tensor) -> InputSpec:
    if not tensor.shape or tensor.shape[0] != 1:
        raise UnsupportedError(f"input {tensor.name!r} has the shape {tensor.shape}; mcuq needs a batch of 1")
    low = high = None
    quantization = tensor.type.quantization
    if quantization is not None and tensor.type.dtype in _QUANTIZED:
        limits = np.iinfo(tensor.type.dtype.value)
        low = (float(limits.min) - quantization.zero_point) * quantization.scale
        high = (float(limits.max) - quantization.zero_point) * quantization.scale
    name = tensor.name.removeprefix("serving_default_").split(":")[0]
    return InputSpec(name, tensor.shape[1:], tensor.type.dtype.value, low, high)
