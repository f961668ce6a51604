"""Dynamic-range quantization: int8 weights, activations that stay float32. No data are needed."""

from __future__ import annotations

from typing import Any

from mcuq.quantize.flatbuffer import read_model, write_model
from mcuq.quantize.int8 import require_quantizer, run_quantizer
from mcuq.quantize.prepare import prepare_real

OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def real_model(float_tflite: bytes) -> bytes:
    """The file of a float model with known shapes and float32 constants, otherwise as it is."""
    model = read_model(float_tflite)
    prepare_real(model)
    return write_model(model)


def quantize_dynamic(float_tflite: bytes) -> bytes:
    """The file with the weights of ``OPERATORS`` in int8, one scale for each output channel; the same bytes each time.

    Raises ``ToolError`` when litert-quantizer is missing, ``UnsupportedError`` for a model that it refuses.
    """
    require_quantizer()
    return run_quantizer(real_model(float_tflite), _recipe, None)


def _recipe(recipes: Any) -> list[dict[str, Any]]:
    """The quantizer's own, for these operators only."""
    (everything,) = recipes.dynamic_wi8_afp32()
    return [{**everything, "operation": operator} for operator in OPERATORS]
