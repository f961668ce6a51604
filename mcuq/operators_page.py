"""The page on operators, as Markdown: formulas, rules and kernels out of the docstrings that errors are made from."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from mcuq import ops
from mcuq.frontend.blockers import advice
from mcuq.kernels import kernels_for
from mcuq.ops.base import Operator, in_words

_HEAD = """\
# Operators

What mcuq compiles: for each operator its formula, the rules that a layer has to keep, in the words of the errors, and
the kernels that run it. `mcuq check MODEL` tells which layers of a model break one. Written by `mcuq ops --markdown`.
"""
_INSTEAD = "## What to use instead of others"


def page() -> str:
    """The whole page. Operators that share a module share a section."""
    sections = sorted((tuple(operator.name for operator in found), doc, found) for doc, found in _modules())
    parts = [_HEAD, *(_section(doc, found) for _, doc, found in sections)]
    others = advice()
    if others:
        parts.append("\n".join((_INSTEAD, "", *(f"- `{op}`: {text}" for op, text in others.items()), "")))
    return "\n".join(parts)


def rules_of(operator: Operator) -> tuple[str, ...]:
    """The operator's rules, in words."""
    return tuple(in_words(rule) for rule in operator.constraints)


def kernels_of(operator: Operator) -> tuple[str, ...]:
    """The kernels that may run the operator; empty where no code is needed."""
    return tuple(kernel.name for kernel in kernels_for(operator.name))


def _modules() -> Iterator[tuple[str, tuple[Operator, ...]]]:
    """The docstring of each module of operators, with those that files may hold."""
    for found in pkgutil.iter_modules(ops.__path__):
        module = importlib.import_module(f"{ops.__name__}.{found.name}")
        own = tuple(sorted((o for o in getattr(module, "OPERATORS", ()) if o.in_files), key=lambda o: o.name))
        if own:
            yield (module.__doc__ or "").strip(), own


def _section(doc: str, found: tuple[Operator, ...]) -> str:
    lines = [f"## {', '.join(operator.name for operator in found)}", "", "```text", doc, "```", ""]
    for group in _alike(found):
        names = "" if len(group) == len(found) else f" of {', '.join(operator.name for operator in group)}"
        rules = rules_of(group[0])
        lines += [f"Rules{names}:", "", *(f"- {rule}" for rule in rules), ""] if rules else []
    for operator in found:
        kernels = ", ".join(f"`{name}`" for name in kernels_of(operator)) or "none is needed: the bytes are the input's"
        lines += [f"Kernels{'' if len(found) == 1 else f' of {operator.name}'}: {kernels}.", ""]
    return "\n".join(lines)


def _alike(found: tuple[Operator, ...]) -> list[tuple[Operator, ...]]:
    """Operators with the same rules together."""
    groups: dict[tuple[str, ...], list[Operator]] = {}
    for operator in found:
        groups.setdefault(rules_of(operator), []).append(operator)
    return [tuple(group) for group in groups.values()]
