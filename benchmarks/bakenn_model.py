"""The same quantized networks through the package bakenn: its import of the file as it stands, then its own IR.

bakenn 1.0 reads PyTorch programs, a part of TFLite, and its own graphs (``bakenn.ir``), and no Keras.
``importer_refusal`` is what its importer says of a file (it needs the package tflite too). ``bakenn_graph`` writes the
file's layers, bytes and scales in its IR, so that what bakenn compiles is the same network, held to the same bytes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.foreign import ForeignCode
from mcuq.ir import Graph, Layer, Tensor
from mcuq.ops.activation import quantized_range


class DoesNotConvertError(Exception):
    """bakenn refuses the network; the message is its own."""


def importer_refusal(path: Path, folder: Path) -> str | None:
    """Why bakenn's TFLite importer does not take the file; None: it does."""
    import bakenn

    try:
        bakenn.compile_tflite(str(path), folder, name=path.stem)
    except (bakenn.BakeNNError, ValueError) as error:
        return str(error)
    return None


def bakenn_graph(graph: Graph) -> Any:
    """``graph`` in bakenn's IR. Raises ``DoesNotConvertError`` for a layer that it has no form for."""
    from bakenn.ir import QuantizedGraph

    made = _Made()
    try:
        made.activation(graph.input_tensors[0])
        for layer in graph.layers():
            made.layer(layer)
        return QuantizedGraph(
            name=graph.name.partition(".")[0],
            values=made.values,
            constants=made.constants,
            ops=tuple(made.ops),
            inputs=(made.names[graph.inputs[0]],),
            outputs=(made.names[graph.outputs[0]],),
        )
    except ValueError as error:
        raise DoesNotConvertError(str(error)) from error


class _Made:
    """bakenn's values, constants and operators, as they come to be. Names are plain, as they end up in C."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.ops: list[Any] = []
        self.names: dict[str, str] = {}

    def activation(self, tensor: Tensor) -> str:
        from bakenn.ir import DType, Layout, PerTensorQParams, TensorType

        layouts = {2: Layout.NC, 4: Layout.NHWC}
        if tensor.type.dtype.value != "int8" or len(tensor.shape) not in layouts:
            raise DoesNotConvertError(f"a tensor {tensor.type}")
        name = self.names.setdefault(tensor.name, f"t{len(self.names)}")
        quantization = PerTensorQParams(tensor.type.scale, tensor.type.zero_point)
        self.values[name] = TensorType(tensor.shape, DType.INT8, layouts[len(tensor.shape)], quantization)
        return name

    def layer(self, layer: Layer) -> None:
        name = f"op{len(self.ops)}"
        source = self.names[layer.input(0).name]
        makers = {
            "CONV_2D": self._conv,
            "DEPTHWISE_CONV_2D": self._depthwise,
            "FULLY_CONNECTED": self._linear,
            "AVERAGE_POOL_2D": self._average,
            "ADD": self._add,
            "MEAN": self._mean,
            "SOFTMAX": self._softmax,
        }
        if layer.op not in makers:
            raise DoesNotConvertError(f"no form for {layer.op} was tried")
        if layer.op == "FULLY_CONNECTED" and len(layer.input(0).shape) == 4:
            source = self._flat(layer.input(0), source)
        self.ops.append(makers[layer.op](layer, name, source, self.activation(layer.output)))

    def _flat(self, tensor: Tensor, source: str) -> str:
        from bakenn.ir import FlattenOp, Layout, TensorType

        name = f"{source}_flat"
        old = self.values[source]
        self.values[name] = TensorType((1, tensor.type.elements), old.dtype, Layout.NC, old.qparams)
        self.ops.append(FlattenOp(f"op{len(self.ops)}_flat", source, name))
        return name

    def _weights(self, layer: Layer, values: np.ndarray, layout: str, axis: int) -> tuple[str, str]:
        """Weights and bias of a layer, in bakenn's layout, as constants."""
        from bakenn.ir import DType, Layout, PerAxisQParams, TensorType

        channels = values.shape[axis]
        scales = layer.input(1).type.quantization.scales  # type: ignore[union-attr]
        scales = scales * channels if len(scales) == 1 else scales
        weight, bias = f"w{len(self.ops)}", f"b{len(self.ops)}"
        self.values[weight] = TensorType(
            values.shape, DType.INT8, Layout[layout], PerAxisQParams(scales, (0,) * channels, axis)
        )
        self.constants[weight] = np.ascontiguousarray(values)
        both = tuple(float(np.float32(np.float32(layer.input(0).type.scale) * np.float32(s))) for s in scales)
        self.values[bias] = TensorType((channels,), DType.INT32, Layout.C, PerAxisQParams(both, (0,) * channels, 0))
        given = layer.optional_input(2)
        data = np.zeros(channels, np.int32) if given is None or given.data is None else np.asarray(given.data)
        self.constants[bias] = np.ascontiguousarray(data, dtype=np.int32)
        return weight, bias

    def _conv(self, layer: Layer, name: str, source: str, goal: str) -> Any:
        from bakenn.ir import Conv2DOp

        weight, bias = self._weights(layer, np.asarray(layer.input(1).data), "OHWI", 0)
        return Conv2DOp(name, source, weight, bias, goal, groups=layer.attributes.groups, **_windowed(layer))

    def _depthwise(self, layer: Layer, name: str, source: str, goal: str) -> Any:
        from bakenn.ir import DepthwiseConv2DOp

        weight, bias = self._weights(layer, np.asarray(layer.input(1).data)[0], "HWO", 2)
        multiplier = layer.attributes.multiplier
        return DepthwiseConv2DOp(
            name, source, weight, bias, goal, depth_multiplier=multiplier, **_windowed(layer)
        )  # fmt: skip

    def _linear(self, layer: Layer, name: str, source: str, goal: str) -> Any:
        from bakenn.ir import LinearOp

        weight, bias = self._weights(layer, np.asarray(layer.input(1).data), "OI", 0)
        return LinearOp(name, source, weight, bias, goal, **_clamp(layer))

    def _average(self, layer: Layer, name: str, source: str, goal: str) -> Any:
        from bakenn.ir import AveragePool2DOp
        from bakenn.ir.ops.pool import AVERAGE_POOL_PROFILE_TFLITE_RAW_V1

        options = {key: value for key, value in _windowed(layer).items() if key != "dilation"}
        kernel = (layer.attributes.height.window, layer.attributes.width.window)
        profile = AVERAGE_POOL_PROFILE_TFLITE_RAW_V1  # the one that rounds as LiteRT does
        return AveragePool2DOp(name, source, goal, kernel=kernel, arithmetic_profile=profile, **options)

    def _add(self, layer: Layer, name: str, source: str, goal: str) -> Any:
        from bakenn.ir import AddOp

        return AddOp(name, source, self.names[layer.input(1).name], goal, **_clamp(layer))

    def _mean(self, layer: Layer, name: str, source: str, goal: str) -> Any:
        from bakenn.ir import ReduceMeanOp

        return ReduceMeanOp(name, source, goal, axes=layer.attributes.axes, keepdims=layer.attributes.keep_dims)

    def _softmax(self, layer: Layer, name: str, source: str, goal: str) -> Any:
        from bakenn.ir import SoftmaxOp

        return SoftmaxOp(name, source, goal, beta=layer.attributes.beta)


def _clamp(layer: Layer) -> dict[str, int]:
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    return {"activation_min": low, "activation_max": high}


def _windowed(layer: Layer) -> dict[str, Any]:
    height, width = layer.attributes.height, layer.attributes.width
    return {
        "stride": (height.stride, width.stride),
        "dilation": (height.dilation, width.dilation),
        "padding": (height.pad_before, _pad_after(height), width.pad_before, _pad_after(width)),
        **_clamp(layer),
    }


def _pad_after(axis: Any) -> int:
    return max(
        0, (axis.output - 1) * axis.stride + (axis.window - 1) * axis.dilation + 1 - axis.input - axis.pad_before
    )


def bakenn_code(graph: Graph, folder: Path, name: str) -> ForeignCode:
    """C for a Cortex-M4 with bakenn's CMSIS-NN overlay. ``DoesNotConvertError``: bakenn refuses the graph."""
    import bakenn

    options = bakenn.CBackendOptions(
        kernel_policy=bakenn.KernelPolicy.STATIC_PRIORITY, enable_cmsis_nn=True, target=bakenn.CORTEX_M4
    )
    try:
        made = bakenn.compile(bakenn_graph(graph), folder, model_name=name, backend_options=options)
    except (bakenn.BakeNNError, ValueError) as error:
        raise DoesNotConvertError(str(error)) from error
    listed = made.artifacts.build_fragment.read_text(encoding="utf-8")
    paths = [Path(text) for text in re.findall(r'"\$\{CMAKE_CURRENT_LIST_DIR\}/([^"]+)"', listed)]
    definitions = re.search(r"set\(BAKENN_MODEL_COMPILE_DEFINITIONS\s+([^)]*)\)", listed)
    macro = re.sub(r"\W", "_", name).upper()
    return ForeignCode(
        sources=tuple(folder / path for path in paths if path.suffix == ".c"),
        includes=tuple(folder / path for path in paths if path.suffix != ".c"),
        flags=tuple(f"-D{word}" for word in (definitions[1].split() if definitions else ())),
        prologue=(
            f'#include "{made.artifacts.header.name}"\nstatic uint8_t arena[BKNN_{macro}_ARENA_SIZE + 1U] MCUQ_ARENA;\n'
        ),
        infer=f"bknn_{name}_infer(arena, input, output)",
        arena_bytes=made.memory_report.arena_bytes,
    )
