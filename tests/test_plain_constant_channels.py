"""Constant channels that stay become plain, so that they keep no layer from a quicker kernel."""

from __future__ import annotations

import dataclasses

import numpy as np

from mcuq.core import core_named
from mcuq.ir import Graph, Tensor
from mcuq.kernels.base import Target
from mcuq.kernels.mcuq_conv_2d_columns import refuses
from mcuq.passes import run_passes
from mcuq.passes.plain_constant_channels import plain_constant_channels
from tests.harness.ladder import litert_outputs, random_input, reference_outputs
from tests.harness.net_builder import NONE, NetBuilder


def net_with_a_stubborn_channel() -> tuple[bytes, Graph]:
    """Channel 2 of the first layer is constant, of a tiny scale and a bias near the limit of int32; padding shows."""
    net = NetBuilder(1)
    x = net.activation((1, 5, 5, 8), -3)
    y = net.conv(x, 6, 1)
    weights, bias = (net.tensors[str(name)] for name in net.nodes[0].inputs[1:])
    scales = list(weights.type.quantization.scales)
    scales[2] = float(np.float32(2e-9))
    net.tensors[weights.name] = tensor_with_scales(weights, tuple(scales))
    values = bias.data.copy()
    values[2] = 2**30
    bias_scales = tuple(float(np.float32(0.05 * scale)) for scale in scales)
    net.tensors[bias.name] = tensor_with_scales(Tensor(bias.name, bias.type, values), bias_scales)
    out = net.conv(net.depthwise(y, activation=NONE, zero=0), 3, 1)
    return net.tflite(x, out), net.graph(x, out)


def tensor_with_scales(tensor: Tensor, scales: tuple[float, ...]) -> Tensor:
    quantization = dataclasses.replace(tensor.type.quantization, scales=scales)
    return Tensor(tensor.name, dataclasses.replace(tensor.type, quantization=quantization), tensor.data)


def test_a_stubborn_constant_no_longer_keeps_the_layer_from_the_dsp_kernel() -> None:
    model, graph = net_with_a_stubborn_channel()
    target = Target(core_named("cortex-m4"))
    assert "no affine form" in str(refuses(next(graph.layers()), target))
    plain = run_passes(graph)
    first = next(plain.layers())
    assert first.output.shape[-1] == 6
    assert not first.input(1).data[2].any() and abs(int(first.input(2).data[2])) < 2**16
    assert refuses(first, target) is None
    inputs = [random_input((1, 5, 5, 8), graph.input_tensors[0].type.dtype, np.random.default_rng(0))]
    np.testing.assert_array_equal(reference_outputs(plain, inputs)[0], litert_outputs(model, inputs)[0])


def test_channels_that_change_stay_as_they_are() -> None:
    net = NetBuilder(1)
    x = net.activation((1, 5, 5, 8), -3)
    graph = net.graph(x, net.conv(net.depthwise(net.conv(x, 6, 1)), 3, 1))
    assert plain_constant_channels(graph).nodes == graph.nodes
