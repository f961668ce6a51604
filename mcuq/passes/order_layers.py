"""Layers run in the order that keeps the fewest bytes alive at once.

Before: a bound graph. After: the same layers, in another order if one needs fewer bytes at its worst layer than the
file's order: inputs, outputs and whatever is read later. An element-wise layer writes over an input that ends there.
What kernels need besides is not known here. Sets of layers done are searched level by level: all of them in small
graphs, so that the order found is the best; of graphs with many branches only the ``WIDTH`` best sets of each level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcuq.ir import Graph, Node
from mcuq.ops import operators
from mcuq.ops.elementwise import Elementwise

WIDTH = 100
"""Sets of layers kept at each level."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A way to run some layers: the most bytes alive at once, the bytes alive after it, and the order."""

    peak: int
    alive: int
    order: tuple[int, ...]


def order_layers(graph: Graph) -> Graph:
    if graph.states:  # reads and writes of a state keep their order, which needs no tensor
        return graph
    search = LiveBytes(graph)
    best = search.best()
    if best.peak >= search.peak(range(len(graph.nodes))):
        return graph
    return Graph(graph.name, graph.tensors, tuple(graph.nodes[i] for i in best.order), graph.inputs, graph.outputs)


class LiveBytes:
    """A graph as tables: sizes of buffers, who reads them, and who waits for whom. Sets of layers are bits."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes
        root: dict[str, str] = {name: name for name in graph.inputs}
        for node in graph.nodes:
            for name in node.outputs:
                root[name] = root.get(node.inputs[0] or "", name) if operators()[node.op].aliases else name
        self.bytes = {owner: graph.tensors[owner].type.bytes for owner in root.values()}
        self.reads = [sorted({root[n] for n in node.inputs if n in root}) for node in graph.nodes]
        self.begins = [sorted({n for n in node.outputs if root[n] == n}) for node in graph.nodes]
        producer = {name: i for i, node in enumerate(graph.nodes) for name in node.outputs}
        self.needs = [sum({1 << producer[n] for n in node.inputs if n in producer}) for node in graph.nodes]
        self.inputs_bytes = sum(self.bytes[name] for name in graph.inputs)
        # An output is read once more, when all layers are done: by a layer that never is.
        never = 1 << len(graph.nodes)
        self.readers = {owner: never * any(root.get(n) == owner for n in graph.outputs) for owner in self.bytes}
        for i, owners in enumerate(self.reads):
            for owner in owners:
                self.readers[owner] |= 1 << i

    def best(self) -> _Found:
        """The order found with the lowest peak; of equal ones that nearest to the graph's."""
        level: dict[int, _Found] = {0: _Found(0, self.inputs_bytes, ())}
        for _ in self.nodes:
            following: dict[int, _Found] = {}
            for done, found in level.items():
                for candidate in self._next(found, done):
                    after = done | 1 << candidate.order[-1]
                    known = following.get(after)
                    if known is None or (candidate.peak, candidate.order) < (known.peak, known.order):
                        following[after] = candidate
            kept = sorted(following.items(), key=lambda item: (item[1].peak, item[1].alive, item[1].order))
            level = dict(kept[:WIDTH])
        (found,) = level.values()
        return found

    def peak(self, order: Sequence[int]) -> int:
        """The most bytes alive at once."""
        found, done = _Found(0, self.inputs_bytes, ()), 0
        for i in order:
            found, done = self._run(found, done, i), done | 1 << i
        return found.peak

    def _next(self, found: _Found, done: int) -> tuple[_Found, ...]:
        """Each layer that can run. One alone where it takes no room: to run it later is no better."""
        ready = (i for i, needs in enumerate(self.needs) if not done >> i & 1 and not needs & ~done)
        candidates = tuple(self._run(found, done, i) for i in ready)
        free = (c for c in candidates if c.peak == found.peak and c.alive <= found.alive)
        return next(((c,) for c in free), candidates)

    def _run(self, found: _Found, done: int, i: int) -> _Found:
        after = done | 1 << i
        begins = sum(self.bytes[owner] for owner in self.begins[i])
        ending = [self.bytes[owner] for owner in self.reads[i] if not self.readers[owner] & ~after]
        unread = sum(self.bytes[owner] for owner in self.begins[i] if not self.readers[owner])
        in_place = _is_in_place(self.nodes[i])
        needed = found.alive + begins - (min(max(ending, default=0), begins) if in_place else 0)
        return _Found(max(found.peak, needed), found.alive + begins - sum(ending) - unread, (*found.order, i))


def _is_in_place(node: Node) -> bool:
    """May the layer write over an input that ends there?"""
    elementwise = isinstance(node.attributes, Elementwise) or operators()[node.op].of_a_byte
    return elementwise or node.op == "DEPTHWISE_CONV_2D"
