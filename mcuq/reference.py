"""LiteRT as the referee: runs a TFLite model on the host, and the figures that compare one run with another.

``Reference`` uses LiteRT's reference kernels, whose bytes the firmware has to equal. The faster float run is for
accuracy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.errors import DataError, UnsupportedError
from mcuq.litert import LiteRT

Array = npt.NDArray[Any]
WHOLE = (np.int32, np.int64)
"""What ARG_MAX gives."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a model. ``shape`` includes the batch; ``scale`` is 0.0 for a tensor not quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    def quantize(self, values: Array) -> Array:
        """Real ``values`` in this tensor's type; values of that type already are taken as they are.

        Rounds half away from zero and saturates, as LiteRT's QUANTIZE does.
        """
        if values.dtype == self.dtype or self.scale == 0.0:
            return values.astype(self.dtype)
        steps = values.astype(np.float32) / np.float32(self.scale)
        # Not floor(x + 0.5): the sum rounds up for the float32 just below a half.
        whole = np.trunc(steps)
        rounded = whole + np.where(np.abs(steps - whole) >= 0.5, np.sign(steps), 0)
        limits = np.iinfo(self.dtype)
        return np.asarray(np.clip(rounded.astype(np.float64) + self.zero_point, limits.min, limits.max), self.dtype)

    def dequantize(self, values: Array) -> Array:
        """The real values (float32) that ``values`` stand for; whole numbers without quantization stay as they are."""
        if self.scale == 0.0 and values.dtype in WHOLE:
            return values
        if self.scale == 0.0 or values.dtype != self.dtype:
            return values.astype(np.float32)
        return np.asarray((values.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale))


class Reference:
    """A TFLite model in LiteRT, one sample at a time, in a process of its own.

    ``exact`` uses the reference kernels (BUILTIN_REF); otherwise the optimized ones without a delegate.
    ``all_tensors`` keeps intermediate tensors, for ``tensors``. Every method raises ``UnsupportedError`` when LiteRT
    refuses the model, dies on it or hangs.
    """

    def __init__(self, model: bytes, *, exact: bool = True, all_tensors: bool = False) -> None:
        self._litert = LiteRT(model, exact=exact, all_tensors=all_tensors)
        described = self._litert.description
        self.inputs = tuple(_info(detail) for detail in described["inputs"])
        for info in self.inputs:
            if info.shape[:1] != (1,):
                raise UnsupportedError(f"input {info.name!r} has the shape {info.shape}; mcuq needs a batch of 1")
        self.outputs = tuple(_info(detail) for detail in described["outputs"])
        self._kept = tuple((str(name), int(index)) for name, index in described["computed"])

    def run(self, sample: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs, without batch, in the model's own type, for one ``sample``: an array without batch per input.

        Real values are quantized for a quantized input. Raises ``DataError`` for other shapes than the model's.
        """
        if len(sample) != len(self.inputs):
            raise DataError(f"the model has {len(self.inputs)} inputs, the sample has {len(sample)}")
        for info, values in zip(self.inputs, sample, strict=True):
            if (1, *values.shape) != info.shape:
                raise DataError(f"input {info.name!r} takes the shape {info.shape[1:]}, the sample has {values.shape}")
        quantized = [info.quantize(values[np.newaxis]) for info, values in zip(self.inputs, sample, strict=True)]
        return tuple(values[0] if values.shape[:1] == (1,) else values for values in self._litert.run(quantized))

    def tensors(self, sample: Sequence[Array]) -> Mapping[str, Array]:
        """Inputs and all computed tensors by name, batch included, for one sample. Needs ``all_tensors``."""
        if not self._kept:
            raise ValueError("made without all_tensors")
        self.run(sample)
        values = self._litert.tensors([index for _, index in self._kept])
        return {name: array for (name, _), array in zip(self._kept, values, strict=True)}

    @property
    def computed(self) -> frozenset[int]:
        """The indices in the file of the inputs and of all computed tensors; empty without ``all_tensors``."""
        return frozenset(index for _, index in self._kept)

    def tensors_at(self, indices: Sequence[int]) -> tuple[Array, ...]:
        """The tensors of these ``indices`` in the file, batch included, as the last run left them.

        Needs ``all_tensors``.
        """
        return tuple(self._litert.tensors(indices))

    def run_all(self, inputs: Sequence[Array], progress: Progress | None = None) -> tuple[Array, ...]:
        """The outputs, each (n, ...), for ``inputs``, each (n, ...); ``progress`` is called with (done, n)."""
        count = len(inputs[0])
        rows = []
        for index in range(count):
            rows.append(self.run([array[index] for array in inputs]))
            if progress is not None:
                progress(index + 1, count)
        return tuple(np.stack([row[i] for row in rows]) for i in range(len(self.outputs)))


def _info(detail: Mapping[str, Any]) -> TensorInfo:
    shape = tuple(int(size) for size in detail["shape"])
    return TensorInfo(detail["name"], shape, np.dtype(detail["dtype"]), detail["scale"], detail["zero_point"])


def run_reference(model: bytes, inputs: Sequence[Array], progress: Progress | None = None) -> tuple[Array, ...]:
    """The outputs in the model's own type, (n, ...) each: the bytes that the firmware has to equal."""
    return Reference(model).run_all(inputs, progress)


def run_float(model: bytes, inputs: Sequence[Array], progress: Progress | None = None) -> tuple[Array, ...]:
    """The outputs as real values, (n, ...) each, by LiteRT's optimized kernels: for accuracy only."""
    reference = Reference(model, exact=False)
    outputs = reference.run_all(inputs, progress)
    return tuple(info.dequantize(values) for info, values in zip(reference.outputs, outputs, strict=True))


def predicted_classes(values: Array) -> npt.NDArray[np.int64] | None:
    """The class of each sample from real-valued outputs (n, ...), or None when they do not name classes.

    Several values: the largest, the first of equals. One value in 0..1 (a sigmoid): 1 above 0.5. One whole number: it.
    """
    sizes = [size for size in values.shape[1:] if size != 1]
    if len(sizes) > 1 or len(values) == 0:
        return None
    rows = values.reshape(len(values), -1)
    if values.dtype in WHOLE:
        return None if sizes else np.asarray(rows[:, 0], np.int64)
    if rows.shape[1] > 1:
        return np.asarray(rows.argmax(axis=1), np.int64)
    if rows.min() < 0.0 or rows.max() > 1.0:
        return None
    return np.asarray(rows[:, 0] > 0.5, np.int64)


def class_count(values: Array, labels: npt.NDArray[np.int64]) -> int:
    """How many classes there are, from outputs (n, ...) that name them: as many as scores, two for a sigmoid; of whole
    numbers as many as occur."""
    if values.dtype in WHOLE:
        return 1 + max(int(values.max()), int(labels.max()))
    return max(2, int(np.prod(values.shape[1:])))


def accuracy(values: Array, labels: npt.NDArray[np.int64] | None) -> float | None:
    """The share of labelled samples classified right, from dequantized outputs (n, ...); negative: not labelled.

    None without labels, and when the labels cannot be classes of these outputs.
    """
    predicted = predicted_classes(values)
    if predicted is None or labels is None:
        return None
    known = labels >= 0
    if not known.any() or labels.max() >= class_count(values, labels):
        return None
    return float((predicted[known] == labels[known]).mean())


def agreement(first: Array, second: Array, *, input_elements: int | None = None) -> float | None:
    """The share of samples that two runs put into the same class, from real-valued outputs (n, ...).

    None when the outputs do not name classes: as many as ``input_elements`` are a reconstruction (an autoencoder).
    """
    one, other = predicted_classes(first), predicted_classes(second)
    outputs = int(np.prod(first.shape[1:]))
    if one is None or other is None or (outputs > 1 and outputs == input_elements):
        return None
    return float((one == other).mean())
