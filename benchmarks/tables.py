"""Rows of the benchmark as Markdown: all of them, and a short form for the README. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.foreign import Figures

LONG_HEAD = (
    "| model | core | build | instructions (counted) | cycles (estimated) | arena, B | flash, B | wrong bytes |\n"
    "|---|---|---|---|---|---|---|---|"
)
SHORT_CORE = "cortex-m4"


@dataclass(frozen=True)
class Row:
    """One engine on one model and core; ``figures`` are None when ``reason`` says why."""

    model: str
    core: str
    engine: str
    figures: Figures | None
    reason: str

    def line(self) -> str:
        begin = f"| {self.model} | {self.core} | {self.engine} |"
        f = self.figures
        if f is None:
            return f"{begin} {self.reason.replace('|', '/')} | | | | |"
        return (
            f"{begin} {f.instructions / 1e6:.2f} M | {f.cycles / 1e6:.2f} M | {f.arena_bytes:,} | {f.flash_bytes:,} "
            f"| {f.mismatched_bytes} of {f.compared_bytes:,} |"
        )


def long_table(rows: Sequence[Row], notes: Sequence[str]) -> str:
    lines = [LONG_HEAD, *(row.line() for row in rows)]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def short_table(rows: Sequence[Row]) -> str:
    """mcuq beside CMSIS-NN called directly, on one core: what is counted and what is estimated, each in its column."""
    lines = [
        "| network, Cortex-M4 | cycles (estimated), CMSIS-NN / mcuq | | arena, B (counted) | flash, B (counted) |",
        "|---|---|---|---|---|",
    ]
    found = {(row.model, row.engine): row.figures for row in rows if row.core == SHORT_CORE}
    for model in dict.fromkeys(row.model for row in rows):
        other, ours = found.get((model, "cmsis-nn")), found.get((model, "mcuq"))
        if other is not None and ours is not None:
            lines.append(
                f"| {model} | {other.cycles / 1e6:.2f} M / {ours.cycles / 1e6:.2f} M "
                f"| x{other.cycles / ours.cycles:.1f} "
                f"| {other.arena_bytes:,} / {ours.arena_bytes:,} | {other.flash_bytes:,} / {ours.flash_bytes:,} |"
            )
    return "\n".join(lines)


def replace_tables(file: Path, tables: Mapping[str, str]) -> None:
    """Put each table between ``<!-- NAME -->`` and the next ``<!-- end -->`` of ``file``, where it has that marker."""
    text = file.read_text(encoding="utf-8")
    replaced = 0
    for name, table in tables.items():
        before, marker, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition("<!-- end -->")
        if marker and end:
            text = f"{before}{marker}\n{table}\n{end}{after}"
            replaced += 1
    if not replaced:
        raise SystemExit(f"{file} has none of {', '.join(f'<!-- {name} -->' for name in tables)} … <!-- end -->")
    file.write_text(text, encoding="utf-8")
