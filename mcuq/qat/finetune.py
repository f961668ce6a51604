"""A model file trained with quantization from data files: what `mcuq finetune` does, as one function."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq.data import Dataset, check_data_exists, load_data
from mcuq.errors import UsageError
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.tflite import read_tflite
from mcuq.model import Progress, input_specs, is_quantized
from mcuq.qat.distill import BATCH, LEARNING_RATE, Epoch, distill
from mcuq.qat.export import export
from mcuq.qat.prepare import check_trainable, prepared_for
from mcuq.quantize.judge import relative
from mcuq.quantize.request import LayerScheme, Request
from mcuq.quantize.scheme import Array
from mcuq.reference import Reference, accuracy, agreement, run_float

WORSE = (
    "training made the model worse, so it is written as it was rounded: train longer, on more samples, or with a lower "
    "learning rate"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how to train, as ``distill`` takes it."""

    epochs: int | None = None
    minutes: float | None = None
    batch_size: int = BATCH
    learning_rate: float = LEARNING_RATE
    augment: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Quality:
    """The share of samples classified right, and of those classified as by the float model; None: not to be known.

    ``error`` of all outputs: root mean square of the difference to the float model, in parts of standard deviations.
    """

    accuracy: float | None
    agreement: float | None
    error: float

    def is_worse(self, other: Quality) -> bool:
        """By accuracy where there are labels, else by error."""
        if self.accuracy is not None and other.accuracy is not None and self.accuracy != other.accuracy:
            return self.accuracy < other.accuracy
        return self.error > other.error


@dataclass(frozen=True, slots=True)
class Finetuned:
    """The better of two int8 files, its layers, and what training brought: the float model, the rounded one ``before``,
    and ``after``; ``kept`` says whether the file is ``"trained"`` or ``"rounded"``, ``measured_on`` says on what.
    """

    tflite: bytes
    kept: str
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
    check_trainable(request)
    for spec in (data, test_data):
        if spec is not None:
            check_data_exists(spec)
    progress("converting with TensorFlow", 0, 1)
    content = to_float_tflite(path)
    progress("converting with TensorFlow", 1, 1)
    graph = read_tflite(content, path.name)
    if is_quantized(graph):
        raise UsageError(f"{path.name} is quantized already", hint="give the float model that it was made from")
    specs = input_specs(graph)
    training = load_data(data, specs)
    test = training if test_data is None else load_data(test_data, specs)
    prepared = prepared_for(request, content, training, specs, progress)
    rounded = export(prepared)
    labels = training.labels if prepared.classes else None
    options = {field.name: getattr(plan, field.name) for field in dataclasses.fields(plan)}
    distill(prepared, list(training.inputs), labels, progress=told, **options)
    trained = export(prepared)
    floats = run_float(content, test.inputs)
    before, after = (
        _quality(file, floats, test, f"{stage} training, in LiteRT", progress)
        for file, stage in ((rounded, "before"), (trained, "after"))
    )
    worse = after.is_worse(before)
    notes = (*training.notes, *test.notes, *((WORSE,) if worse else ()))
    return Finetuned(
        rounded if worse else trained,
        "rounded" if worse else "trained",
        tuple(layer.rounded.described for layer in prepared.architecture.layers),
        accuracy(floats[0], test.labels),
        before,
        after,
        f"{test.count} samples {'that it was trained on' if test_data is None else 'of the test data'}",
        tuple(dict.fromkeys(notes)),
    )


def _quality(tflite: bytes, floats: Sequence[Array], test: Dataset, stage: str, progress: Progress) -> Quality:
    reference = Reference(tflite)
    found = reference.run_all(test.inputs, lambda done, of: progress(stage, done, of))
    outputs = [info.dequantize(values) for info, values in zip(reference.outputs, found, strict=True)]
    errors = [relative(values, wanted) for values, wanted in zip(outputs, floats, strict=True)]
    elements = sum(int(array[0].size) for array in test.inputs)
    return Quality(
        accuracy(outputs[0], test.labels),
        agreement(outputs[0], floats[0], input_elements=elements),
        math.sqrt(sum(errors) / len(errors)),
    )
