"""Float TFLite models into int8 TFLite models. Accuracy is judged elsewhere (``mcuq.reference``)."""

from mcuq.quantize.int8 import operators_left_float, quantize_int8

__all__ = ["operators_left_float", "quantize_int8"]
