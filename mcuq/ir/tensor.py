"""Tensors: element type, shape, quantization and, for constants, values."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


class DType(enum.Enum):
    """Element types, by their numpy name."""

    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT16 = "float16"
    """Only weights of float models: the quantizer makes them float32."""
    FLOAT32 = "float32"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[np.generic]:
        return np.dtype(self.value)

    @property
    def bytes(self) -> int:
        return self.numpy.itemsize

    @property
    def c_type(self) -> str:
        """The C type of one element."""
        return {"float32": "float", "bool": "bool"}.get(self.value, f"{self.value}_t")


@dataclass(frozen=True, slots=True)
class Quantization:
    """``real = scale · (q - zero_point)``; one scale for the tensor, or one for each index along ``axis``."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The scale of a tensor quantized as a whole."""
        if len(self.scales) != 1:
            raise ValueError(f"one scale asked for, {len(self.scales)} found")
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        return self.zero_points[0]

    @property
    def per_channel(self) -> bool:
        return len(self.scales) > 1


@dataclass(frozen=True, slots=True)
class TensorType:
    """What a tensor is, without its name and values. Activations are NHWC, convolution weights OHWI."""

    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * self.dtype.bytes

    @property
    def scale(self) -> float:
        return self._quantization.scale

    @property
    def zero_point(self) -> int:
        return self._quantization.zero_point

    @property
    def _quantization(self) -> Quantization:
        if self.quantization is None:
            raise ValueError("the tensor is not quantized")
        return self.quantization

    def __str__(self) -> str:
        return f"{self.dtype.value}[{'x'.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A named tensor. ``data`` is set for constants only: an array of the type's dtype and shape, read-only.

    ``initial`` is set for states only: what the tensor holds before the first inference. A state keeps its value from
    one inference to the next; a node that changes it has it among its outputs.
    """

    name: str
    type: TensorType
    data: npt.NDArray[np.generic] | None = None
    initial: npt.NDArray[np.generic] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def constant(self) -> bool:
        return self.data is not None

    @property
    def state(self) -> bool:
        return self.initial is not None

    @property
    def in_arena(self) -> bool:
        """Is it computed anew at each inference, in memory that others use before and after?"""
        return not self.constant and not self.state
