"""Fused activations: the range of quantized values that TFLite's ``fused_activation_function`` leaves. No operator."""

from __future__ import annotations

import enum

import numpy as np

from mcuq.ir import TensorType


class Activation(enum.IntEnum):
    """The TFLite schema's ActivationFunctionType."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5


RealRange = tuple[float | None, float | None]
"""A clamp's ends; None where it has none."""

REAL_RANGE: dict[Activation, RealRange] = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


def round_half_away(value: float) -> int:
    """C's ``round``: half away from zero."""
    return int(np.trunc(value + np.copysign(0.5, value)))


def quantized_range(activation: Activation, output: TensorType) -> tuple[int, int]:
    """The least and greatest quantized value of ``output`` after ``activation`` (CalculateActivationRangeQuantized)."""
    return quantized_clamp(REAL_RANGE[activation], output)


def quantized_clamp(ends: RealRange, output: TensorType) -> tuple[int, int]:
    """The least and greatest quantized value of ``output`` that a clamp leaves."""
    limits = np.iinfo(output.dtype.value)
    low, high = ends
    scale = np.float32(output.scale)
    least, greatest = int(limits.min), int(limits.max)
    if low is not None:
        least = max(least, output.zero_point + round_half_away(float(np.float32(low) / scale)))
    if high is not None:
        greatest = min(greatest, output.zero_point + round_half_away(float(np.float32(high) / scale)))
    return least, greatest


def is_clamp(activation: Activation) -> bool:
    """Is the activation a clamp, the only kind that int8 operators fuse?"""
    return activation in REAL_RANGE


def unrepresentable(ends: RealRange, output: TensorType) -> str | None:
    """What is wrong with a clamp whose ends LiteRT cannot convert to int32 steps of ``output``; None when it can."""
    greatest = max((abs(end) for end in ends if end is not None), default=0.0)
    return None if greatest < 2**31 * output.scale else f"{greatest:g} is past int32 in steps of {output.scale:g}"
