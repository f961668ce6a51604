"""What kernels for the DSP extension need of a core, and of a layer. No kernel."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.kernels.base import Target
from mcuq.ops.activation import quantized_range


def needs_dsp(target: Target) -> str | None:
    """Why a kernel for cores with the DSP extension, and no vectors, does not run on the target; None when it does."""
    if not target.core.has_dsp:
        return f"{target.core.name} has no DSP instructions"
    return "made for cores without vectors" if target.core.has_mve else None


def needs_whole_range(layer: Layer) -> str | None:
    """Why a kernel that clamps by saturating to int8 alone does not run the layer; None when it does."""
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    if (low, high) == (-128, 127):
        return None
    return f"the activation clamps to {low} .. {high}, only -128 .. 127 is free"
