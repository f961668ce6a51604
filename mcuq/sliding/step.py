"""The graph of a window that slides over time into the graph of one step: it takes the newest frames and gives what the
window's graph gives for the window that ends with them, byte for byte.

Every tensor of the window's graph that slides (``frames.py``) becomes its newest frames; where a layer needs earlier
ones, a RING keeps them. Layers that do not work frame by frame run on the whole window, which rings hold. At first the
rings hold what silence leaves: frames of the input's zero point.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mcuq.errors import UnsupportedError
from mcuq.ir import DType, Graph, Layer, Node, Tensor, TensorType
from mcuq.kernels.work import multiply_accumulates
from mcuq.ops import operators
from mcuq.ops.base import Array
from mcuq.ops.reshape import Reshape
from mcuq.ops.ring import FrameRead, Ring
from mcuq.sliding.feed import newest, silence
from mcuq.sliding.frames import Frames, Way, WholeWindowError, output_frames, way
from mcuq.sliding.running_mean import with_running_means

MOST_REASONS = 4


class NotSlidingError(UnsupportedError):
    """A model cannot be turned into a step function, or nothing would be saved by it."""


@dataclass(frozen=True, slots=True)
class SlidingModel:
    """``window`` is the window's graph, ``graph`` one step: it takes ``frames`` frames of the ``window_frames`` along
    ``axis`` of the inputs, and runs ``graph.steps`` times for a whole window.

    ``products`` and ``window_products`` are multiply-accumulates in convolutions and dense layers. ``whole`` are
    layers that run on the whole window at each step, with the reason. ``axes``: where time is in the tensors of which
    the step has the newest frames.
    """

    window: Graph
    graph: Graph
    axis: int
    frames: int
    window_frames: int
    products: int
    window_products: int
    ring_bytes: int
    whole: Mapping[str, str]
    axes: Mapping[str, int]

    def newest(self, name: str, values: Array) -> Array:
        """What the step has of the window's ``values`` of the tensor ``name``."""
        if name not in self.axes:
            return values
        axis = self.axes[name]
        return newest(values, axis, self.graph.tensors[name].shape[axis])


def step_function(graph: Graph, name: str) -> SlidingModel:
    """The step of ``graph``, a bound graph of a window; time is the axis along which a step is the least work.

    Raises ``NotSlidingError`` with the layers that stand in the way.
    """
    for layer in graph.layers():
        if any(tensor is not None and tensor.state for tensor in (*layer.inputs, *layer.outputs)):
            raise NotSlidingError(
                f"{name} cannot be turned into a step function: layer {layer.name} ({layer.op}) keeps a state",
                details=("it would have to begin anew for each window, of which only the newest frames are computed",),
                hint="build it without --stream: a model that remembers earlier runs takes steps as it is",
            )
    silent = functools.cache(lambda: _silent_values(graph))
    axes = range(1, max(len(tensor.shape) for tensor in graph.input_tensors))
    tried = [_Window(graph, axis, silent) for axis in axes]
    made = [found.sliding() for found in tried if found.slides]
    best = min(made, key=lambda one: _work(one.graph), default=None)
    if best is None or _work(best.graph) >= _work(graph):
        raise NotSlidingError(
            f"{name} cannot be turned into a step function: it has to compute the whole window at each step",
            details=tuple(line for one in tried for line in one.reasons()),
            hint="layers over time need padding='valid', or 'causal' where the padding does not reach what is used",
        )
    return best


def products(graph: Graph) -> int:
    """Multiply-accumulates of convolutions and dense layers, those of loops left out."""
    weighted = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    return sum(multiply_accumulates(layer) for layer in graph.layers() if layer.op in weighted)


def _timed(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs that may have a time axis: vectors only where all are vectors."""
    longer = [tensor for tensor in inputs if len(tensor.shape) > 2]
    return longer or list(inputs)


def _work(graph: Graph) -> int:
    written = (t for layer in graph.layers() if not operators()[layer.op].aliases for t in layer.written)
    return products(graph) + sum(tensor.type.elements for tensor in written)


@dataclass(slots=True)
class _Needs:
    """What a step computes of the window's graph: tensors of which the newest frames are needed, tensors that are
    needed as the whole window has them and no ring can give, and reads of earlier frames."""

    newest: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    reads: dict[str, dict[FrameRead, str]] = field(default_factory=lambda: defaultdict(dict))


class _Window:
    """A window's graph seen along one axis of its inputs."""

    def __init__(self, graph: Graph, axis: int, silent: Callable[[], Mapping[str, Array]]) -> None:
        self.graph = graph
        self.silent = silent
        self.axis = axis
        self.frames: dict[str, Frames] = {}
        self.ways: dict[str, Way] = {}
        self.refused: dict[str, str] = {}
        self.step_frames = 1
        self.timed = [t for t in _timed(graph.input_tensors) if len(t.shape) > axis and t.shape[axis] > 1]
        counts = {tensor.shape[axis] for tensor in self.timed}
        self.slides = len(counts) == 1
        if not self.slides:
            return
        (self.count,) = counts
        self._find_frames()

    def reasons(self) -> Iterable[str]:
        """Why layers run on the whole window, those first that stand at the beginning."""
        for layer, reason in list(self.refused.items())[:MOST_REASONS]:
            yield f"time along axis {self.axis} ({self.count} frames): {layer}: {reason}"

    def sliding(self) -> SlidingModel:
        step = with_running_means(_Builder(self, self._needs()).graph())
        running = {node.name for node in step.nodes if node.op == "RUNNING_MEAN"}
        return SlidingModel(
            self.graph,
            step,
            self.axis,
            self.step_frames,
            self.count,
            products(step),
            products(self.graph),
            sum(tensor.type.bytes for tensor in step.states),
            {name: why for name, why in self.refused.items() if name not in running},
            {name: found.axis for name, found in self.frames.items() if name in step.tensors},
        )

    def newest(self, name: str) -> int:
        """How many frames of a sliding tensor a step brings."""
        found = self.frames[name]
        return min(self.step_frames // found.stride, found.count)

    def _find_frames(self) -> None:
        """Time through the graph; again without the layers of which a step would bring more frames than slide."""
        while True:
            self.frames = {tensor.name: Frames(self.axis, self.count, 1) for tensor in self.timed}
            self.ways = {}
            for node in self.graph.nodes:
                self._go_through(node)
            self.step_frames = math.lcm(*(found.stride for found in self.frames.values() if found.count > 1))
            self.step_frames = min(self.step_frames, self.count)
            bad = next((n for n, found in self.frames.items() if found.count - self.newest(n) < found.clean), None)
            if bad is None:
                return
            producer = self.graph.producer(bad)
            assert producer is not None
            self.refused[producer.name] = "a step moves on by more frames than do not depend on padding"

    def _go_through(self, node: Node) -> None:
        layer = self.graph.layer(node)
        given = {t.name: self.frames[t.name] for t in layer.inputs if t is not None and t.name in self.frames}
        if not given or node.name in self.refused:
            return
        try:
            found = way(layer, {name: frames.axis for name, frames in given.items()})
            for tensor in layer.outputs:
                count = 1 if found.axis is None else tensor.shape[found.axis]
                frames = output_frames(found, given, count)
                if frames is not None:
                    self.frames[tensor.name] = frames
        except WholeWindowError as reason:
            self.refused[node.name] = str(reason)
            return
        self.ways[node.name] = found

    def _needs(self) -> _Needs:
        needs = _Needs()
        for name in self.graph.outputs:
            (needs.newest if name in self.frames else needs.whole).add(name)
        for node in reversed(self.graph.nodes):
            if needs.newest.intersection(node.outputs):
                for name in self._sliding_inputs(node):
                    self._read(needs, name, self.read_for(node))
            if needs.whole.intersection(node.outputs):
                pick = self.picked(node)
                for name in (n for n in node.inputs if n is not None and self.graph.tensors[n].in_arena):
                    if pick is not None:
                        self._read(needs, name, pick)
                    elif name in self.frames and not self.frames[name].clean:
                        self._read(needs, name, self.all_of(name))
                    else:
                        needs.whole.add(name)
        return needs

    def _sliding_inputs(self, node: Node) -> list[str]:
        return [name for name in node.inputs if name in self.frames]

    def _read(self, needs: _Needs, name: str, read: FrameRead) -> None:
        needs.newest.add(name)
        if read != FrameRead(self.newest(name) - 1, self.newest(name), 1):
            needs.reads[name].setdefault(read, f"{name} {read.count} frames from {read.age} back by {read.step}")

    def read_for(self, node: Node) -> FrameRead:
        """The input frames that the newest output frames of ``node`` are made of."""
        reach, output = self.ways[node.name].reach, node.outputs[0]
        last, made = self.frames[output].count - 1, self.newest(output)
        newest = max(self.frames[name].count for name in self._sliding_inputs(node)) - 1
        first = reach.first(last - made + 1)
        if reach.window == 1:
            return FrameRead(newest - first, made, reach.stride if made > 1 else 1)
        if made == 1:
            return FrameRead(newest - first, reach.window, reach.dilation)
        return FrameRead(newest - first, reach.last(last) - first + 1, 1)

    def picked(self, node: Node) -> FrameRead | None:
        """The one frame that ``node`` takes out of its input; None where it does not do that."""
        found = self.ways.get(node.name)
        if found is None or found.axis is not None:
            return None
        (name,) = self._sliding_inputs(node)
        return FrameRead(self.frames[name].count - 1 - found.reach.first(0), 1, 1)

    def all_of(self, name: str) -> FrameRead:
        """Every frame of the window."""
        count = self.frames[name].count
        return FrameRead(count - 1, count, 1)


class _Builder:
    """The step's graph, made once."""

    def __init__(self, window: _Window, needs: _Needs) -> None:
        self.window = window
        self.needs = needs
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def graph(self) -> Graph:
        window = self.window
        for tensor in window.graph.input_tensors:
            self._tensor(tensor.name, tensor.name)
        self._keep(window.graph.inputs, "input")
        for node in window.graph.nodes:
            if self.needs.newest.intersection(node.outputs):
                self._add_newest(node)
                self._keep(node.outputs, node.name)
            if self.needs.whole.intersection(node.outputs):
                self._add_whole(node)
        steps = -(-window.count // window.step_frames)
        graph = window.graph
        outputs = tuple(n if n in window.frames else self._whole_name(n) for n in graph.outputs)
        return Graph(graph.name, self.tensors, tuple(self.nodes), graph.inputs, outputs, steps)

    def _tensor(self, name: str, of: str, count: int | None = None) -> Tensor:
        """A tensor of the step: ``count`` frames of the window's tensor ``of``, by default the newest."""
        whole = self.window.graph.tensors[of]
        found = self.window.frames.get(of)
        type_ = whole.type
        if found is not None:
            count = self.window.newest(of) if count is None else count
            type_ = _of_frames(type_, found.axis, count)
        self.tensors[name] = Tensor(name, type_)
        return self.tensors[name]

    def _constant(self, name: str, axis: int | None, count: int) -> Tensor:
        """A constant of the window's graph, of which ``count`` frames along ``axis`` are left."""
        whole = self.window.graph.tensors[name]
        if axis is not None:
            assert whole.data is not None
            kept = np.ascontiguousarray(np.take(whole.data, range(count), axis))
            whole = Tensor(f"{name} {count} frames", _of_frames(whole.type, axis, count), kept)
        self.tensors[whole.name] = whole
        return whole

    def _add_newest(self, node: Node) -> None:
        """``node`` on as many frames as give its newest ones."""
        window, found, read = self.window, self.window.ways[node.name], self.window.read_for(node)
        outputs = tuple(self._tensor(name, name) for name in node.outputs)
        made = window.newest(node.outputs[0])
        inputs = tuple(
            None
            if name is None
            else self._read(name, read)
            if name in window.frames
            else self._constant(name, found.constants.get(index), made)
            for index, name in enumerate(node.inputs)
        )
        self._add(node, node.name, found, inputs, outputs)

    def _add_whole(self, node: Node) -> None:
        """``node`` as it is, on the whole window; where it takes one frame, on that."""
        window, pick = self.window, self.window.picked(node)
        name = node.name if not self.needs.newest.intersection(node.outputs) else f"{node.name} of the window"
        outputs = []
        for output in node.outputs:
            whole = Tensor(self._whole_name(output), window.graph.tensors[output].type)
            self.tensors[whole.name] = whole
            outputs.append(whole)
        inputs = tuple(
            None
            if given is None
            else self._constant(given, None, 0)
            if not window.graph.tensors[given].in_arena
            else self._read(given, pick or window.all_of(given))
            if given in window.frames and (pick or not window.frames[given].clean)
            else self.tensors[self._whole_name(given)]
            for given in node.inputs
        )
        self._add(node, name, window.ways[node.name] if pick else None, inputs, tuple(outputs))

    def _add(
        self, node: Node, name: str, found: Way | None, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """``node`` with other tensors; ``found`` gives its attributes for their shapes."""
        op, attributes = node.op, node.attributes
        if found is not None and operators()[op].aliases:
            op, attributes, inputs = "RESHAPE", Reshape(None), inputs[:1]
        elif found is not None:
            attributes = found.shorter(Layer(name, op, attributes, inputs, outputs))
        names = tuple(None if tensor is None else tensor.name for tensor in inputs)
        self.nodes.append(Node(name, op, attributes, names, tuple(tensor.name for tensor in outputs)))

    def _whole_name(self, name: str) -> str:
        return f"{name} of the window" if name in self.needs.newest else name

    def _read(self, name: str, read: FrameRead) -> Tensor:
        return self.tensors[self.needs.reads[name].get(read, name) if name in self.needs.reads else name]

    def _keep(self, names: Sequence[str], producer: str) -> None:
        """A ring for each of the tensors ``names`` of which a layer reads earlier frames."""
        for index, name in enumerate(names):
            if name in self.needs.reads:
                self._add_ring(name, f"{producer} ring" if len(names) == 1 else f"{producer} ring {index}")

    def _add_ring(self, name: str, node: str) -> None:
        window, reads = self.window, self.needs.reads[name]
        axis, type_ = window.frames[name].axis, window.graph.tensors[name].type
        outputs = [self._tensor(output, name, read.count).name for read, output in reads.items()]
        attributes = Ring(axis, tuple(reads))
        initial = np.repeat(np.take(window.silent()[name], [-1], axis), attributes.capacity, axis)
        initial = np.ascontiguousarray(np.moveaxis(initial, axis, 0))
        states = (
            Tensor(f"{name} ring", TensorType(initial.shape, type_.dtype, type_.quantization), initial=initial),
            Tensor(f"{name} place", TensorType((1,), DType.INT32), initial=np.zeros(1, np.int32)),
        )
        self.tensors.update((state.name, state) for state in states)
        kept = tuple(state.name for state in states)
        self.nodes.append(Node(node, "RING", attributes, (name, *kept), (*outputs, *kept)))


def _of_frames(type_: TensorType, axis: int, count: int) -> TensorType:
    return dataclasses.replace(type_, shape=(*type_.shape[:axis], count, *type_.shape[axis + 1 :]))


def _silent_values(graph: Graph) -> Mapping[str, Array]:
    """Every activation of a window of silence."""
    values: dict[str, Array] = {t.name: silence(t.type) for t in graph.input_tensors}
    for layer in graph.layers():
        given = [None if t is None else t.data if t.data is not None else values[t.name] for t in layer.inputs]
        made = operators()[layer.op].reference(layer, given)
        values.update(zip((tensor.name for tensor in layer.outputs), made, strict=True))
    return values
