"""mcuq's estimates of the work whose latencies others published, into mcuq/estimate/published.toml.

    python benchmarks/published.py [--models-dir DIR] [--keep-typical]

Run it when a timing rule changes (a test says so). It builds each published network with CMSIS-NN's kernels for the
result's core, estimates it without flash wait states, and writes cycles and bytes from flash below the file's marker;
and beside them, from mcuq's kernels and CMSIS-NN's on all cores, the typical cycles of each operator's instructions.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.engines import BOARDS
from benchmarks.models import MODELS, write_models
from mcuq.board import FlashStream, board_named
from mcuq.build import BuildOptions, Source, build
from mcuq.built import load_built
from mcuq.estimate.estimate import BY_ADDRESS, Estimate, estimate
from mcuq.estimate.published import FILE, published, timing_digest
from mcuq.fit import Goals
from mcuq.planner.lower import KernelPolicy

MARKER = "# What follows is written by benchmarks/published.py.\n"
POLICIES = (KernelPolicy.CMSIS_NN, KernelPolicy.AUTO)
LEAST_INSTRUCTIONS = 1000
"""Layers below are no example for others: entering and leaving them is most of their work."""


def estimated(path: Path, core: str, policy: KernelPolicy, cache_bytes: int = 0) -> Estimate:
    """The model on ``core`` as it stands in memory without wait states, its flash behind ``cache_bytes`` of cache."""
    stream = FlashStream(cycles_per_byte=0.0, cache_bytes=cache_bytes)
    board = board_named(BOARDS[core]).model_copy(update={"core": core, "flash_stream": stream})
    goal = Path("build") / "published" / f"{path.stem}-{core}-{policy.value}-{cache_bytes}"
    build(BuildOptions((Source(path),), board, goal, Goals(policy=policy)), lambda *_: None)
    found = estimate(load_built(goal), 120.0, lambda *_: None)
    if found.method != BY_ADDRESS:
        raise SystemExit(f"the counting plugin is needed: {found.notes}")
    return found


def works(paths: dict[str, Path]) -> list[str]:
    wanted = sorted({(one.core, one.model, one.cache_bytes) for one in published().result})
    lines = []
    for core, model, cache_bytes in wanted:
        found = estimated(paths[model], core, KernelPolicy.CMSIS_NN, cache_bytes)
        lines.append(
            f'[[work]]\ncore = "{core}"\nmodel = "{model}"\ncache_bytes = {cache_bytes}\n'
            f"cycles = {found.cycles}\nfetched_bytes = {found.flash_bytes}\n"
        )
        print(lines[-1], flush=True)
    return lines


def typicals(paths: dict[str, Path]) -> list[str]:
    layers = defaultdict(list)
    for core in BOARDS:
        for path in paths.values():
            for policy in POLICIES:
                for layer in estimated(path, core, policy).layers:
                    if layer.instructions >= LEAST_INSTRUCTIONS:
                        layers[core, layer.op].append(layer)
        print(core, flush=True)
    lines = []
    for (core, op), all_layers in sorted(layers.items()):
        ratios = [layer.cycles / layer.instructions for layer in all_layers]
        mean = sum(layer.cycles for layer in all_layers) / sum(layer.instructions for layer in all_layers)
        lines.append(
            f'[[typical]]\ncore = "{core}"\nop = "{op}"\ncycles_per_instruction = {mean:.3f}\n'
            f"least = {min(ratios):.3f}\nmost = {max(ratios):.3f}\n"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models-dir", type=Path, help="ic.tflite and so on, instead of the seeded ones")
    parser.add_argument("--keep-typical", action="store_true", help="do not count the typical cycles anew")
    arguments = parser.parse_args()
    if arguments.models_dir:
        paths = {name: arguments.models_dir / f"{name}.tflite" for name in MODELS}
    else:
        paths = write_models(Path("build") / "benchmarks" / "models")
    paths = {name: path for name, path in paths.items() if path.is_file()}
    file = Path(__file__).resolve().parent.parent / "mcuq" / "estimate" / FILE
    head, _, before = file.read_text(encoding="utf-8").partition(MARKER)
    kept = before[before.find("[[typical]]") :].split("\n\n") if "[[typical]]" in before else []
    head = head.rstrip("\n")
    head = "".join(line for line in head.splitlines(keepends=True) if not line.startswith("timing = "))
    head = head.replace("\n\n\n", "\n\n")
    found = works(paths)
    found += [f"{entry.strip()}\n" for entry in kept] if arguments.keep_typical else typicals(paths)
    file.write_text(f"{head}\n\n{MARKER}\n" + "\n".join(found), encoding="utf-8")
    text = file.read_text(encoding="utf-8").replace("[[result]]", f'timing = "{timing_digest()}"\n\n[[result]]', 1)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
