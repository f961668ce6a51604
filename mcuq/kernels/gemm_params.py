"""The struct mcuq_gemm_params, and what layers of the packed-weight convolutions have in common. No kernel."""

from __future__ import annotations

import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Struct
from mcuq.kernels.base import Target
from mcuq.kernels.packed_weights import Requantization, convolution_requantization, unpackable
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

NO_DSP = "the core has no DSP instructions"


def weight_rows(layer: Layer) -> Array:
    """(outputs, depth) as int64, in the order of OHWI."""
    weights = layer.input(1).data
    assert weights is not None
    rows: Array = weights.astype(np.int64).reshape(weights.shape[0], -1)
    return rows


@functools.lru_cache(maxsize=64)
def _requantization(layer: Layer) -> Requantization | None:
    return convolution_requantization(layer, weight_rows(layer))


def requantization(layer: Layer) -> Requantization:
    found = _requantization(layer)
    assert found is not None, "the layer is refused"
    return found


def refuses_packing(layer: Layer, target: Target) -> str | None:
    """Why no packed-weight convolution runs ``layer``, or None."""
    a: Conv2D = layer.attributes
    if not target.core.has_dsp:
        return NO_DSP
    if a.groups != 1:
        return f"the kernel has no convolution in {a.groups} groups"
    if (reason := unpackable(weight_rows(layer))) is not None:
        return reason
    if _requantization(layer) is None:
        return "a factor of 0.5 or more is rounded once, and no affine form is exact"
    return None


def gemm_params(layer: Layer, pairs: int) -> Struct:
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    return Struct(
        "mcuq_gemm_params",
        "gemm",
        (
            ("pairs", pairs),
            ("channels", layer.output.shape[-1]),
            ("twice", "true" if requantization(layer).twice else "false"),
            ("clamped", "false" if (low, high) == (-128, 127) else "true"),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
