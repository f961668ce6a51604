"""What keeps mcuq from compiling a model, told all at once by Keras layer, with what to use instead. Judges nothing."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mcuq.errors import UnsupportedError
from mcuq.frontend.static_shapes import with_static_shapes
from mcuq.ir import DType, Graph, Layer
from mcuq.ops import operators
from mcuq.ops.floats import HYBRID, form_of, named, tflite_name

_ACTIVATIONS = "use the activation relu, relu6, leaky_relu, hard_swish, gelu, sigmoid or tanh"
_RECURRENT = (
    "it is a loop; Keras's LSTM, GRU and SimpleRNN compile with tanh and sigmoid, without mask, initial state and "
    "return_state, and others that are short with unroll=True"
)
_CUSTOM = "TFLite has no such operator; use layers that convert without it"
_ELSEWHERE = "give an int8 .tflite, as TensorFlow's own converter makes"
_ADVICE = {
    "ELU": _ACTIVATIONS,
    **dict.fromkeys(
        (
            *("WHILE", "LSTM", "RNN", "BIDIRECTIONAL_SEQUENCE_LSTM"),
            *("UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN"),
        ),
        _RECURRENT,
    ),
    **dict.fromkeys(("CEIL", "ROUND"), "compute it before or after the model"),
    **dict.fromkeys(("RFFT2D", "REAL", "IMAG", "COMPLEX_ABS"), "compute spectrograms before the model"),
    **dict.fromkeys(("BUCKETIZE", "UNIQUE"), "compute it before the model"),
    "TOPK_V2": "give the scores out and pick the best after the model, or use argmax",
    "CONV_3D": "use Conv2D or Conv1D",
    **dict.fromkeys(("CUSTOM FlexMaxPool3D", "CUSTOM FlexAvgPool3D"), "use pooling in two dimensions"),
    "CUSTOM FlexResizeBicubic": 'use interpolation="bilinear" or "nearest"',
    "IF": "models must run the same layers for every input",
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """One operator that mcuq does not compile: the layer it belongs to, its TFLite name, why, and what it does compile
    that comes nearest (None where nothing does)."""

    layer: str
    op: str
    reason: str
    instead: str | None = None


class BlockedError(UnsupportedError):
    """A model holds layers that mcuq does not compile: ``blockers`` has each once, in the order of execution."""

    def __init__(self, message: str, blockers: tuple[Blocker, ...], details: tuple[str, ...]) -> None:
        super().__init__(message, details=details, hint="`mcuq ops` lists the operators and their rules")
        self.blockers = blockers


def unsupported(layer: str, op: str) -> Blocker | None:
    """The blocker that operator ``op`` is when mcuq has no such operator, else None."""
    forms = (operators().get(name) for name in (op, named(op), named(op, HYBRID)))
    if any(form is not None and form.in_files for form in forms):
        return None
    return Blocker(layer, op, "operator not supported", _ADVICE.get(op, _CUSTOM if op.startswith("CUSTOM ") else None))


def advice() -> dict[str, str]:
    """What to use instead of each operator that mcuq lacks, where anything comes near it."""
    return dict(sorted(_ADVICE.items()))


def unsupported_operators(graph: Graph) -> tuple[Blocker, ...]:
    """All operators in ``graph`` that mcuq does not have, whatever their types."""
    found = (unsupported(node.name, node.op) for node in with_static_shapes(graph).nodes)
    return tuple(blocker for blocker in found if blocker is not None)


def left_float(graph: Graph) -> tuple[Blocker, ...]:
    """The layers that are float32 after quantization though their operator has no form for that."""
    return tuple(
        Blocker(layer.name, layer.op, "litert-quantizer does not quantize it", _ELSEWHERE)
        for layer in real_layers(graph)
        if form_of(layer) not in operators()
    )


def real_layers(graph: Graph) -> tuple[Layer, ...]:
    """The layers of a bound graph that read or write float32."""
    return tuple(
        layer
        for layer in graph.layers()
        if any(t is not None and t.type.dtype is DType.FLOAT32 for t in (*layer.inputs, *layer.outputs))
    )


def float_blockers(graph: Graph) -> tuple[Blocker, ...]:
    """The layers of a bound graph that read or write float32, as what stands in the way of integers only."""
    return tuple(
        Blocker(layer.name, tflite_name(layer.op), "it is left in float32, --integer-only refuses that", _ELSEWHERE)
        for layer in real_layers(graph)
    )


def refusal(file_name: str, blockers: Iterable[Blocker]) -> BlockedError:
    """One error that lists every blocker once, in the order of execution."""
    counts = Counter(dataclasses.replace(blocker, layer=_base_name(blocker.layer)) for blocker in blockers)
    layers = len({blocker.layer for blocker in counts})
    lines = [
        f"{one.layer}: {one.op}{f' ({count} times)' if count > 1 else ''}: {one.reason}"
        + (f"; {one.instead}" if one.instead else "")
        for one, count in counts.items()
    ]
    return BlockedError(
        f"{file_name} holds {layers} layer{'s' * (layers > 1)} that mcuq does not compile", tuple(counts), tuple(lines)
    )


def _base_name(layer: str) -> str:
    """Without the number that tells the operators of one layer apart (``dense:2``)."""
    return re.sub(r":\d+$", "", layer)
