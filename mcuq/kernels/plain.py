"""What mcuq's kernels for cores without the DSP extension have in common. No kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Struct
from mcuq.kernels.base import Target
from mcuq.kernels.fast_requantize import fit, twice_rounded, wrapped
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array


def needs_no_dsp(target: Target) -> str | None:
    """Why a kernel for cores without the DSP extension does not run on the target; None when it does."""
    return "made for cores without DSP instructions" if target.core.has_dsp else None


@dataclass(frozen=True, slots=True, eq=False)
class PlainRequantize:
    """Constants of mcuq_triple_store.h's two forms, for accumulators that lack ``bias``.

    ``constants`` are int32 values (outputs,): bias and multiplier; twice rounded also rounding and shift.
    """

    twice: bool
    left_shift: int
    right_shift: int
    constants: tuple[Array, ...]

    def struct(self, layer: Layer) -> Struct:
        """``mcuq_triple_requantize``."""
        low, high = quantized_range(layer.attributes.activation, layer.output.type)
        return Struct(
            "mcuq_triple_requantize",
            "requantize",
            (
                ("left_shift", self.left_shift),
                ("right_shift", self.right_shift),
                ("twice", "true" if self.twice else "false"),
                ("clamped", "false" if (low, high) == (-128, 127) else "true"),
                ("activation_min", low),
                ("activation_max", high),
            ),
        )


def requantize_constants(
    multipliers: Array,
    shifts: Array,
    low: Array,
    high: Array,
    bias: Array,
    zero_point: int,
    limits: tuple[int, int],
) -> PlainRequantize | None:
    """The affine form where it is proven for accumulators ``low`` .. ``high``, else LiteRT's two roundings; or None."""
    affine = fit(multipliers, shifts, low, high, zero_point, *limits)
    if affine is not None:
        constants = (affine.with_bias(bias), affine.multipliers)
        return PlainRequantize(False, affine.left_shift, affine.right_shift, constants)
    twice = twice_rounded(multipliers, shifts, low, high, zero_point)
    if twice is None:
        return None
    doubled = wrapped(2 * bias.astype(np.int64))
    return PlainRequantize(True, 1, 0, (doubled, twice.multipliers, twice.roundings, twice.shifts))
