"""A model file trained with quantization from data files: what `mcuq finetune` does, as one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcuq.data import Dataset, load_data
from mcuq.errors import UsageError
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.tflite import read_tflite
from mcuq.model import Progress, input_specs, is_quantized
from mcuq.qat.distill import Epoch, distill
from mcuq.qat.export import export
from mcuq.qat.prepare import prepare
from mcuq.quantize.request import LayerScheme, Request
from mcuq.quantize.scheme import Array
from mcuq.reference import Reference, accuracy, agreement, run_float


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how to train; ``epochs`` and ``minutes`` as ``distill`` takes them."""

    epochs: int | None = None
    minutes: float | None = None
    augment: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Quality:
    """The share of samples classified right, and of those classified as by the float model; None: not to be known."""

    accuracy: float | None
    agreement: float | None


@dataclass(frozen=True, slots=True)
class Finetuned:
    """The int8 file, its layers, and what training brought: the float model, the rounded one ``before``, and ``after``.

    ``measured_on`` says on what.
    """

    tflite: bytes
    layers: tuple[LayerScheme, ...]
    float_accuracy: float | None
    before: Quality
    after: Quality
    measured_on: str
    notes: tuple[str, ...] = ()


def finetune(
    path: Path,
    data: str,
    test_data: str | None,
    request: Request,
    plan: Plan,
    progress: Progress,
    told: Callable[[Epoch], None],
) -> Finetuned:
    """Trains the float model at ``path`` on ``data``, with their labels if any, and measures it on ``test_data``.

    Raises ``UsageError``, ``DataError`` or ``UnsupportedError`` saying what is wrong.
    """
    progress("converting with TensorFlow", 0, 1)
    content = to_float_tflite(path)
    progress("converting with TensorFlow", 1, 1)
    graph = read_tflite(content, path.name)
    if is_quantized(graph):
        raise UsageError(f"{path.name} is quantized already", hint="give the float model that it was made from")
    training = load_data(data, input_specs(graph))
    test = training if test_data is None else load_data(test_data, input_specs(graph))
    prepared = prepare(content, request.scheme, request.layers, data=training, progress=progress)
    rounded = export(prepared)
    labels = training.labels if prepared.classes else None
    distill(
        prepared,
        list(training.inputs),
        labels,
        epochs=plan.epochs,
        minutes=plan.minutes,
        augment=plan.augment,
        seed=plan.seed,
        progress=told,
    )
    trained = export(prepared)
    floats = run_float(content, test.inputs)[0]
    return Finetuned(
        trained,
        tuple(layer.rounded.described for layer in prepared.architecture.layers),
        accuracy(floats, test.labels),
        _quality(rounded, floats, test, lambda done, of: progress("before training, in LiteRT", done, of)),
        _quality(trained, floats, test, lambda done, of: progress("after training, in LiteRT", done, of)),
        f"{test.count} samples {'that it was trained on' if test_data is None else 'of the test data'}",
        tuple(dict.fromkeys((*training.notes, *test.notes))),
    )


def _quality(tflite: bytes, floats: Array, test: Dataset, progress: Callable[[int, int], None]) -> Quality:
    reference = Reference(tflite)
    outputs = reference.outputs[0].dequantize(reference.run_all(test.inputs, progress)[0])
    elements = sum(int(array[0].size) for array in test.inputs)
    return Quality(accuracy(outputs, test.labels), agreement(outputs, floats, input_elements=elements))
