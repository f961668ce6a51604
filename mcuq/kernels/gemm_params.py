"""The struct mcuq_gemm_params, and what layers of the packed-weight convolutions have in common. No kernel."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Struct
from mcuq.kernels.base import Target
from mcuq.kernels.dsp import needs_dsp
from mcuq.kernels.fast_requantize import NOT_PROVEN
from mcuq.kernels.packed_weights import Requantization, convolution_requantization, pack, seeded_constants, unpackable
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

LOOP_STEPS = 16
"""Steps of the loop that layers share: MCUQ_GEMM_UNROLLED."""

MIDDLE_LOOP_STEPS = 24
"""Steps of a loop that layers with the same distance between pixels share."""

LONG_LOOP_STEPS = 32
"""Steps of a loop that takes more flash."""

SEEDED = 3
"""MCUQ_GEMM_SEEDED."""

MOST_STEPS = 64
"""Of exact code: MCUQ_GEMM_ALL_STEPS."""


def weight_rows(layer: Layer) -> Array:
    """(outputs, depth) as int64, in the order of OHWI."""
    weights = layer.input(1).data
    assert weights is not None
    rows: Array = weights.astype(np.int64).reshape(weights.shape[0], -1)
    return rows


@functools.lru_cache(maxsize=1024)
def _requantization(layer: Layer) -> Requantization | None:
    return convolution_requantization(layer, weight_rows(layer))


@functools.lru_cache(maxsize=64)
def _seeded(layer: Layer) -> tuple[Array, Array] | None:
    return None if requantization(layer).twice else seeded_constants(layer, weight_rows(layer))


def packed_stream(layer: Layer, rows: Array, code: GemmCode) -> Array:
    """The stream of ``rows`` (outputs, depth in the kernel's order) with the constants that ``code`` reads."""
    even = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    if code.form != SEEDED:
        return pack(even, requantization(layer).constants, 4)
    found = _seeded(layer)
    assert found is not None, "the code has another form"
    seeds, constants = (values.astype(np.int32) for values in found)
    return np.concatenate([seeds, pack(even, (), 4), constants], axis=1)


def requantization(layer: Layer) -> Requantization:
    found = _requantization(layer)
    assert found is not None, "the layer is refused"
    return found


def refuses_requantization(layer: Layer, target: Target) -> str | None:
    """Why no convolution with the requantization of mcuq_gemm_dsp.h runs ``layer``, or None."""
    a: Conv2D = layer.attributes
    if (reason := needs_dsp(target)) is not None:
        return reason
    if a.groups != 1:
        return f"the kernel has no convolution in {a.groups} groups"
    if _requantization(layer) is None:
        return NOT_PROVEN
    return None


def refuses_packing(layer: Layer, target: Target) -> str | None:
    """Why no packed-weight convolution runs ``layer``, or None."""
    if (reason := needs_dsp(target)) is not None:
        return reason
    return unpackable(weight_rows(layer)) or refuses_requantization(layer, target)


def gemm_params(layer: Layer, pairs: int) -> Struct:
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    return Struct(
        "mcuq_gemm_params",
        "gemm",
        (
            ("pairs", pairs),
            ("channels", layer.output.shape[-1]),
            ("pitch", layer.output.shape[-1]),
            ("twice", "true" if requantization(layer).twice else "false"),
            ("clamped", "false" if (low, high) == (-128, 127) else "true"),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )


@dataclass(frozen=True, slots=True)
class GemmCode:
    """How mcuq_gemm_dsp.h's code for a layer is specialised: ``unrolled`` steps behind the first pair of activations,
    ``exact`` when these are all, and the requantization: 0 affine, 1 twice rounded, 2 either, 3 seeded.
    """

    unrolled: int
    exact: bool
    form: int

    @property
    def name(self) -> str:
        """What sets functions with different code apart."""
        return (
            f"{self.unrolled + 1}_{('affine', 'twice', 'either', 'seeded')[self.form]}"
            if self.exact
            else f"loop_{self.unrolled}"
        )

    @property
    def literals(self) -> str:
        return f"{self.unrolled}, {int(self.exact)}, {self.form}"


def gemm_code(layer: Layer, pairs: int, most_steps: int, loop_steps: int) -> GemmCode:
    """Code for ``layer`` of ``pairs`` activation pairs: exact where ``most_steps`` suffice, else a loop."""
    if pairs <= most_steps + 1:
        form = 1 if requantization(layer).twice else 0 if _seeded(layer) is None else SEEDED
        return GemmCode(pairs - 1, exact=True, form=form)
    return GemmCode(loop_steps, exact=False, form=2)


def unrolled_code(layer: Layer, pairs: int) -> GemmCode:
    """The code that takes the fewest cycles."""
    return gemm_code(layer, pairs, MOST_STEPS, LONG_LOOP_STEPS)


def compact_code(layer: Layer, pairs: int) -> GemmCode:
    """The code of a function for one distance between pixels: exact where that takes less flash than the loop."""
    return gemm_code(layer, pairs, LOOP_STEPS, MIDDLE_LOOP_STEPS)


def gemm_cycles(layer: Layer, pairs: int, code: GemmCode, pixels: int) -> int:
    """Cycles of a Cortex-M4 for the products and the outputs of ``pixels`` pixels, computed in pairs of them."""
    outputs = 84 if requantization(layer).twice else 51 if code.form == SEEDED else 54
    rounds = -(-(pairs - 1) // code.unrolled) if code.unrolled else 0
    loop = 0 if code.exact else 12 + 7 * max(1, rounds)
    channels = layer.output.shape[-1]
    each = 18 + staged_cycles(layer) + -(-channels // 4) * (15 * pairs + outputs + loop)
    return (pixels + 1) // 2 * each


def staged_cycles(layer: Layer) -> int:
    """For a pair of pixels whose outputs, or some of them, go through a small buffer."""
    channels = layer.output.shape[-1]
    clamped = quantized_range(layer.attributes.activation, layer.output.type) != (-128, 127)
    return 120 * (-(-channels // 4) if clamped else channels % 4 != 0)
