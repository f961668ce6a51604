"""Rules that several operators share. A rule returns what was found wrong, or None. No operator."""

from __future__ import annotations

from mcuq.ir import DType, Layer, Tensor
from mcuq.ops.activation import REAL_RANGE, is_clamp, unrepresentable
from mcuq.ops.base import Constraint

INT8 = (DType.INT8,)
BYTE = (DType.INT8, DType.UINT8)


def _quantized(tensor: Tensor, role: str, dtypes: tuple[DType, ...]) -> str | None:
    if tensor.type.dtype not in dtypes:
        return f"{role} is {tensor.type.dtype.value}, {' or '.join(dtype.value for dtype in dtypes)} is needed"
    quantization = tensor.type.quantization
    if quantization is None or quantization.per_channel:
        return f"{role} is not quantized with one scale"
    return None


def quantized_activations(
    inputs: tuple[int, ...], dtypes: tuple[DType, ...] = INT8, output_dtypes: tuple[DType, ...] | None = None
) -> Constraint:
    """The inputs of the given indices and all outputs have one scale each and one of ``dtypes``."""

    def rule(layer: Layer) -> str | None:
        for index in inputs:
            tensor = layer.optional_input(index)
            if tensor is None:
                return f"input {index} is missing"
            if (found := _quantized(tensor, f"input {index}", dtypes)) is not None:
                return found
        for tensor in layer.outputs:
            if (found := _quantized(tensor, "the output", output_dtypes or dtypes)) is not None:
                return found
        return None

    rule.__doc__ = f"inputs {inputs} and the output are {'/'.join(d.value for d in dtypes)} with one scale each"
    return rule


def element_types(inputs: tuple[int, ...], dtypes: tuple[DType, ...], output_dtypes: tuple[DType, ...]) -> Constraint:
    """The inputs of the given indices have one of ``dtypes``, all of them the same; the outputs one of theirs."""

    def rule(layer: Layer) -> str | None:
        first = layer.input(inputs[0]).type.dtype
        for index in inputs:
            found = layer.input(index).type.dtype
            if found not in dtypes:
                return f"input {index} is {found.value}, {' or '.join(dtype.value for dtype in dtypes)} is needed"
            if found is not first:
                return f"input {index} is {found.value}, input {inputs[0]} {first.value}"
        for tensor in layer.outputs:
            found = tensor.type.dtype
            if found not in output_dtypes:
                return f"the output is {found.value}, {' or '.join(d.value for d in output_dtypes)} is needed"
        return None

    given, made = ("/".join(dtype.value for dtype in found) for found in (dtypes, output_dtypes))
    rule.__doc__ = f"inputs {inputs} are {given}, all the same; the output is {made}"
    return rule


def fused_activation_is_a_clamp(layer: Layer) -> str | None:
    """the fused activation is NONE, RELU, RELU_N1_TO_1 or RELU6"""
    activation = layer.attributes.activation
    return None if is_clamp(activation) else f"fused activation {activation.name} is not a clamp"


def clamp_fits_int32(layer: Layer) -> str | None:
    """the fused activation's ends are less than 2**31 steps of the output"""
    return unrepresentable(REAL_RANGE[layer.attributes.activation], layer.output.type)


def constant_input(index: int, role: str) -> Constraint:
    """Input ``index`` is a constant."""

    def rule(layer: Layer) -> str | None:
        tensor = layer.optional_input(index)
        return None if tensor is not None and tensor.constant else f"{role} (input {index}) must be constant"

    rule.__doc__ = f"{role} is constant"
    return rule


def rank(index: int, ranks: tuple[int, ...], role: str) -> Constraint:
    """Input ``index`` has one of the given ranks."""

    def rule(layer: Layer) -> str | None:
        found = len(layer.input(index).shape)
        wanted = " or ".join(map(str, ranks))
        return None if found in ranks else f"{role} has {found} dimensions, {wanted} are needed"

    rule.__doc__ = f"{role} has {ranks} dimensions"
    return rule


def int8_or_int16_activations(layer: Layer) -> str | None:
    """input and output are both int8, or both int16 with zero point 0, with one scale each"""
    x, y = layer.input(0).type, layer.output.type
    if (found := quantized_activations((0,), (DType.INT8, DType.INT16))(layer)) is not None:
        return found
    if x.dtype is not y.dtype:
        return f"the input is {x.dtype.value}, the output {y.dtype.value}"
    return (
        "an int16 tensor has a zero point other than 0" if is_wide(layer) and (x.zero_point or y.zero_point) else None
    )


def is_wide(layer: Layer) -> bool:
    """Are the activations int16?"""
    return layer.input(0).type.dtype is DType.INT16
