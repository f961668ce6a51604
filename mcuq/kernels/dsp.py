"""What all kernels for the DSP extension need of a core. No kernel."""

from __future__ import annotations

from mcuq.kernels.base import Target


def needs_dsp(target: Target) -> str | None:
    """Why a kernel for cores with the DSP extension, and no vectors, does not run on the target; None when it does."""
    if not target.core.has_dsp:
        return f"{target.core.name} has no DSP instructions"
    return "made for cores without vectors" if target.core.has_mve else None
