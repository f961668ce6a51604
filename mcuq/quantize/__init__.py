"""Float TFLite models into int8 TFLite models. Accuracy is judged elsewhere (``mcuq.reference``)."""

from mcuq.quantize.int8 import Quantized, operators_left_float, quantize, quantize_int8

__all__ = ["Quantized", "operators_left_float", "quantize", "quantize_int8"]
