"""The deepest stack that a program can use, from the call graphs that gcc writes (``-fcallgraph-info=su``).

Calls through pointers and recursion have no bound and are refused; functions without a graph (libgcc's) count a fixed
allowance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcuq.errors import RunError

LIBRARY_ALLOWANCE_BYTES = 96
"""For a function compiled elsewhere: libgcc's long division, the deepest, pushes at most 22 words."""

FLAGS = ("-fcallgraph-info=su", "-fstack-usage")
_NODE = re.compile(r'node: \{ title: "([^"]*)" label: "([^"]*)"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"')
_BYTES = re.compile(r"(\d+) bytes \((static|dynamic,bounded|dynamic)\)")


@dataclass(frozen=True, slots=True)
class CallGraph:
    """Own frame in bytes of each function, and which functions it calls."""

    frames: Mapping[str, int]
    calls: Mapping[str, frozenset[str]]

    def depth(self, function: str) -> int:
        """Bytes from entering ``function`` to the deepest point below it. Raises ``RunError`` for recursion."""
        return self._depth(function, (), {})

    def _depth(self, function: str, above: tuple[str, ...], known: dict[str, int]) -> int:
        if function in above:
            raise RunError(f"the stack has no bound: {' calls '.join((*above[above.index(function) :], function))}")
        if function not in known:
            if function == "__indirect_call":
                raise RunError(f"the stack has no bound: {above[-1]} calls through a pointer")
            below = [self._depth(f, (*above, function), known) for f in sorted(self.calls.get(function, ()))]
            known[function] = self.frames.get(function, LIBRARY_ALLOWANCE_BYTES) + max(below, default=0)
        return known[function]


def read_call_graph(files: Iterable[Path]) -> CallGraph:
    """One graph from the ``.ci`` files of all objects. Static functions carry their file's name, so none collide."""
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    for file in sorted(files):
        text = file.read_text(errors="replace")
        for title, label in _NODE.findall(text):
            if usage := _BYTES.search(label):
                if usage[2] == "dynamic":
                    raise RunError(f"the stack has no bound: {title} allocates a size known only at run time")
                frames[title] = max(frames.get(title, 0), int(usage[1]))
        for source, target in _EDGE.findall(text):
            calls.setdefault(source, set()).add(target)
    return CallGraph(frames, {name: frozenset(targets) for name, targets in calls.items()})
