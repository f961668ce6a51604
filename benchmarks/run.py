"""mcuq's kernels against CMSIS-NN's, on the same models, counted and estimated in one run.

    python benchmarks/run.py [--model ic ...] [--core cortex-m4 ...] [--models-dir DIR] [--write docs/benchmarks.md]

Two builds for each model and core, with the same generated code around the kernels: one calls CMSIS-NN wherever it is
exact (and mcuq's kernels for the rest), one has what ``--kernels auto`` chooses. Instructions are counted in QEMU,
cycles estimated from the counts with the core's timings; bytes are held to LiteRT in both. ``--models-dir`` takes
ic.tflite and so on from elsewhere (the trained reference models, say) instead of the seeded ones.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.models import MODELS, write_models
from mcuq.board import board_named
from mcuq.build import BuildOptions, build
from mcuq.built import load_built
from mcuq.estimate.estimate import estimate
from mcuq.fit import Goals
from mcuq.planner.lower import KernelPolicy
from mcuq.simulate import SimulationOptions, simulate

BOARDS = {
    "cortex-m0": "mps2-an385",  # M0 code on the M3 machine, which has room for all models
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
}
CMSIS_ONLY = KernelPolicy.CMSIS_NN


@dataclass(frozen=True)
class Row:
    """One build: instructions are counted, cycles estimated, bytes counted."""

    model: str
    core: str
    policy: KernelPolicy
    instructions: int
    cycles: int
    arena_bytes: int
    flash_bytes: int
    mismatched_bytes: int


def measure(model: str, path: Path, core: str, policy: KernelPolicy, folder: Path) -> Row:
    board = board_named(BOARDS[core]).model_copy(update={"core": core})
    goal = folder / f"{model}-{core}-{policy.value}"
    build(BuildOptions(path, board, goal, goals=Goals(policy=policy)), lambda *_: None)
    built = load_built(goal)
    report = simulate(built, None, SimulationOptions(), lambda *_: None)
    found = estimate(built, 120.0, lambda *_: None)
    return Row(
        model, core, policy, found.instructions, found.cycles, report.arena_bytes, report.flash_bytes,
        report.mismatched_bytes or 0,
    )  # fmt: skip


def table(rows: list[tuple[Row, Row]]) -> str:
    lines = [
        "| model | core | instructions (counted), CMSIS-NN / mcuq | cycles (estimated) | ratio | arena, B | flash, B "
        "| wrong bytes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for other, ours in rows:
        lines.append(
            f"| {ours.model} | {ours.core} | {other.instructions / 1e6:.2f} M / {ours.instructions / 1e6:.2f} M "
            f"| {other.cycles / 1e6:.2f} M / {ours.cycles / 1e6:.2f} M | x{other.cycles / ours.cycles:.2f} "
            f"| {other.arena_bytes:,} / {ours.arena_bytes:,} | {other.flash_bytes:,} / {ours.flash_bytes:,} "
            f"| {other.mismatched_bytes} / {ours.mismatched_bytes} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="*", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--core", nargs="*", choices=list(BOARDS), default=["cortex-m4", "cortex-m7", "cortex-m55"])
    parser.add_argument("--models-dir", type=Path)
    parser.add_argument("--write", type=Path, help="a Markdown file whose table is replaced")
    arguments = parser.parse_args()
    folder = Path("build") / "benchmarks"
    if arguments.models_dir:
        paths = {name: arguments.models_dir / f"{name}.tflite" for name in arguments.model}
    else:
        paths = write_models(folder / "models")
    rows = []
    for core in arguments.core:
        for model in arguments.model:
            pair = [measure(model, paths[model], core, p, folder) for p in (CMSIS_ONLY, KernelPolicy.AUTO)]
            rows.append((pair[0], pair[1]))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    text = table(rows)
    if arguments.write:
        before, marker, rest = arguments.write.read_text(encoding="utf-8").partition("<!-- table -->")
        _, end, after = rest.partition("<!-- end -->")
        if not marker or not end:
            raise SystemExit(f"{arguments.write} has no <!-- table --> … <!-- end -->")
        arguments.write.write_text(f"{before}{marker}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
