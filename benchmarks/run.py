"""mcuq against others on the same models, in one run: instructions counted, cycles estimated, bytes held to LiteRT.

    python benchmarks/run.py [--model ic ...] [--core cortex-m4 ...] [--engine mcuq ...] [--models-dir DIR] [--tflm DIR]
                             [--write docs/benchmarks.md README.md]

``cmsis-nn``: generated code that calls CMSIS-NN wherever it is exact, and mcuq's kernels for the rest; ``mcuq``: what
mcuq chooses by itself, or with --optimize (``mcuq-speed`` and so on); ``bakenn``: the package bakenn with its CMSIS-NN
overlay, Cortex-M4 only; ``tflm``: TensorFlow Lite Micro with CMSIS-NN, from the checkout named by --tflm. All are
compiled by one gcc with the same flags (the checkout by its own makefile) and run behind the same firmware.
``--models-dir`` takes ic.tflite and so on from elsewhere instead of the seeded ones.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.bakenn_model import DoesNotConvertError, importer_refusal
from benchmarks.engines import BOARDS, GOALS, Task, measure_bakenn, measure_mcuq, measure_tflm
from benchmarks.models import MODELS, write_models
from benchmarks.tables import Row, long_table, replace_tables, short_table
from mcuq.errors import McuqError

DEFAULT_CORES = ["cortex-m4", "cortex-m7", "cortex-m55"]
DEFAULT_ENGINES = ["cmsis-nn", "mcuq", "mcuq-speed", "bakenn"]


def measured(task: Task, engine: str, tflm: Path | None) -> Row | None:
    """One line of the table; None where the engine does not exist for the core."""
    try:
        if engine in GOALS:
            figures = measure_mcuq(task, engine)
        elif engine == "bakenn":
            if task.core != "cortex-m4":
                return None
            figures = measure_bakenn(task)
        else:
            assert tflm is not None
            figures = measure_tflm(task, tflm)
    except DoesNotConvertError as error:
        return Row(task.model, task.core, engine, None, f"does not convert: {error}")
    except McuqError as error:
        return Row(task.model, task.core, engine, None, error.message)
    return Row(task.model, task.core, engine, figures, "")


def importer_notes(paths: dict[str, Path], folder: Path) -> list[str]:
    """What bakenn's own importer says of each file."""
    lines = []
    for model, path in paths.items():
        refusal = importer_refusal(path, folder / f"{model}-bakenn-import")
        lines.append(f"- bakenn's TFLite importer, {model}: {'takes the file' if refusal is None else refusal}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="*", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--core", nargs="*", choices=list(BOARDS), default=DEFAULT_CORES)
    parser.add_argument("--engine", nargs="*", choices=[*GOALS, "bakenn"], default=DEFAULT_ENGINES)
    parser.add_argument("--models-dir", type=Path)
    parser.add_argument("--tflm", type=Path, help="a checkout of TensorFlow Lite Micro")
    parser.add_argument("--write", type=Path, nargs="*", default=[], help="Markdown files whose tables are replaced")
    arguments = parser.parse_args()
    folder = Path("build") / "benchmarks"
    if arguments.models_dir:
        paths = {name: arguments.models_dir / f"{name}.tflite" for name in arguments.model}
    else:
        paths = {name: path for name, path in write_models(folder / "models").items() if name in arguments.model}
    engines = [*arguments.engine, *(["tflm"] if arguments.tflm else [])]
    notes = importer_notes(paths, folder) if "bakenn" in engines else []
    rows = []
    for core in arguments.core:
        for model, path in paths.items():
            for engine in engines:
                row = measured(Task(model, path, core, folder), engine, arguments.tflm)
                if row is not None:
                    rows.append(row)
                    print(row.line(), flush=True)
        for file in arguments.write:  # after each core: a run takes a while, and what is done is worth having
            replace_tables(file, {"table": long_table(rows, notes), "short table": short_table(rows)})


if __name__ == "__main__":
    main()
