"""How far estimates were from published results of boards: the error bar, computed from ``published.toml``.

The file holds the results with their sources and, below a marker, mcuq's own estimates of the same work, which
``benchmarks/published.py`` writes. Nothing here is a measurement of mcuq's.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mcuq.board import FlashStream

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "published.toml"
_TIMING_MODULES = ("operands.py", "in_order.py", "dual_issue.py", "vector.py", "timing.py", "count.c")
_SAME_TIMINGS = {"cortex-m85": "cortex-m55", "cortex-m0plus": "cortex-m0"}
"""Cores whose typical cycles per instruction are taken from another."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Result(_Table):
    """A latency that somebody published for a board."""

    core: str
    board: str
    hz: Annotated[int, Field(ge=1_000_000)]
    model: str
    inferences_per_second: Annotated[float, Field(gt=0)]
    source: str
    flash_stream: FlashStream | None = None

    @property
    def cycles(self) -> float:
        """Measured, by whoever published it."""
        return self.hz / self.inferences_per_second

    @property
    def cache_bytes(self) -> int:
        return 0 if self.flash_stream is None else self.flash_stream.cache_bytes


class Work(_Table):
    """mcuq's estimate of a result's work: core cycles, and the bytes that came from flash through such a cache."""

    core: str
    model: str
    cache_bytes: int
    cycles: int
    fetched_bytes: int


class Typical(_Table):
    """Estimated cycles for each counted instruction of an operator's layers: over all, and of the layers' extremes."""

    core: str
    op: str
    cycles_per_instruction: float
    least: float
    most: float


class _File(_Table):
    timing: str = ""
    result: list[Result]
    work: list[Work] = []
    typical: list[Typical] = []


@dataclass(frozen=True, slots=True)
class ErrorBar:
    """Published cycles over estimated ones, less 1: the ``low`` and ``high`` end of ``results`` results."""

    low: float
    high: float
    results: int

    def widened(self, least: float, most: float) -> ErrorBar:
        """With a further factor of ``least`` to ``most`` on what was measured."""
        return ErrorBar((1 + self.low) * least - 1, (1 + self.high) * most - 1, self.results)

    def __str__(self) -> str:
        return f"{100 * self.low:+.0f} % … {100 * self.high:+.0f} %"


@functools.cache
def published() -> _File:
    """The file, checked."""
    text = resources.files("mcuq.estimate").joinpath(FILE).read_text(encoding="utf-8")
    return _File.model_validate(tomllib.loads(text))


def error_bar(core: str) -> ErrorBar | None:
    """What published results of this core say of its estimates; None: there is no result to hold them to."""
    pairs = [(one.cycles, estimated_cycles(one)) for one in published().result if one.core == core]
    ratios = [measured / estimated for measured, estimated in pairs if estimated is not None]
    return ErrorBar(min(ratios) - 1, max(ratios) - 1, len(ratios)) if ratios else None


def estimated_cycles(result: Result) -> float | None:
    """mcuq's estimate of a published result; None: ``benchmarks/published.py`` has not been run for it."""
    wanted = (result.core, result.model, result.cache_bytes)
    for work in published().work:
        if (work.core, work.model, work.cache_bytes) == wanted:
            per_byte = 0.0 if result.flash_stream is None else result.flash_stream.cycles_per_byte
            return work.cycles + per_byte * work.fetched_bytes
    return None


def typical(core: str, op: str) -> Typical:
    """Cycles per instruction of ``op`` on ``core``; of all operators when this one was not among the benchmarks."""
    known = [one for one in published().typical if one.core == _SAME_TIMINGS.get(core, core)]
    for one in known:
        if one.op == op:
            return one
    least, most = min(one.least for one in known), max(one.most for one in known)
    mean = sum(one.cycles_per_instruction for one in known) / len(known)
    return Typical(core=core, op=op, cycles_per_instruction=mean, least=least, most=most)


def timing_digest() -> str:
    """Changes when the rules that make cycles of counts change, whatever their comments say."""
    whole = hashlib.sha256()
    for name in _TIMING_MODULES:
        text = resources.files("mcuq.estimate").joinpath(name).read_text(encoding="utf-8")
        whole.update((_code(text) if name.endswith(".py") else text).encode())
    return whole.hexdigest()[:16]


def _code(source: str) -> str:
    """Python without its comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
            node.body = [one for one in node.body if not _is_docstring(one)]
    return ast.unparse(tree)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
