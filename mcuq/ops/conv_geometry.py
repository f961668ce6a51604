"""Window geometry that convolutions and poolings share: TFLite's SAME and VALID padding. No operator."""

from __future__ import annotations

from dataclasses import dataclass

SAME = 0
VALID = 1


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis of a window operator: sizes in elements, ``pad_before`` elements of padding before the input."""

    input: int
    output: int
    window: int
    stride: int
    dilation: int
    pad_before: int

    @property
    def pad_after(self) -> int:
        """Padding behind the input that the last window reaches into; never negative."""
        reach = (self.output - 1) * self.stride + (self.window - 1) * self.dilation + 1
        return max(0, reach - self.pad_before - self.input)


def axis(input_size: int, window: int, stride: int, dilation: int, padding: int) -> Axis:
    """The geometry that TFLite computes (``ComputeOutSize``, ``ComputePadding``); output may be <= 0 when invalid.

    Raises ``ValueError`` for a padding that is neither.
    """
    if padding not in (SAME, VALID):
        raise ValueError(f"padding number {padding}")
    effective = (window - 1) * dilation + 1
    output = -(-input_size // stride) if padding == SAME else (input_size - effective + stride) // stride
    pad_total = max(0, (output - 1) * stride + effective - input_size)
    return Axis(input_size, output, window, stride, dilation, pad_total // 2)
