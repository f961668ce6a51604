"""The examples in the repository: whole, small, and as good as their READMEs say, as float and as int8 models."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from mcuq.board import Board, all_boards
from mcuq.build import found_cmsis_nn
from mcuq.data import InputSpec, load_data
from mcuq.errors import BudgetError
from mcuq.fit import NOTHING, Goals, fit
from mcuq.frontend.keras import to_float_tflite
from mcuq.ir import Graph
from mcuq.model import load_model
from mcuq.planner.lower import KernelPolicy
from mcuq.quantize import operators_left_float, quantize_int8
from mcuq.reference import Reference, accuracy, agreement, run_float

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MODELS = {
    "digits": ("digits.h5", (8, 8, 1), 0.97),
    "motion": ("motion.keras", (100, 6), 0.95),
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_an_example_is_whole_and_its_data_are_small(name: str) -> None:
    folder = EXAMPLES / name
    assert 'data = "calibration.npz"' in (folder / "mcuq.toml").read_text(encoding="utf-8")
    for file in ("README.md", "train.py", MODELS[name][0], "calibration.npz", "test.npz"):
        assert 0 < (folder / file).stat().st_size < 300_000, file


@pytest.mark.parametrize("name", sorted(MODELS))
def test_calibration_and_test_data_have_no_sample_in_common(name: str) -> None:
    specs = (InputSpec("x", MODELS[name][1]),)
    calibration, test = (load_data(str(EXAMPLES / name / f"{part}.npz"), specs) for part in ("calibration", "test"))
    seen = {sample.tobytes() for sample in calibration.inputs[0]}
    assert not seen & {sample.tobytes() for sample in test.inputs[0]}
    assert test.labels is not None
    assert (np.bincount(test.labels) > 0).all()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_an_example_keeps_its_accuracy_as_int8(name: str) -> None:
    pytest.importorskip("tensorflow", reason="not checked: examples through Keras, TensorFlow is not installed")
    file, shape, wanted = MODELS[name]
    specs = (InputSpec("x", shape),)
    folder = EXAMPLES / name
    float_model = to_float_tflite(folder / file)
    int8_model = quantize_int8(float_model, load_data(str(folder / "calibration.npz"), specs))
    assert operators_left_float(int8_model) == ()
    test = load_data(str(folder / "test.npz"), specs)
    float_values = run_float(float_model, test.inputs)[0]
    reference = Reference(int8_model)
    int8_values = reference.outputs[0].dequantize(reference.run_all(test.inputs)[0])
    as_float, as_int8 = accuracy(float_values, test.labels), accuracy(int8_values, test.labels)
    assert as_float is not None
    assert as_float >= wanted
    assert as_int8 is not None
    assert as_int8 >= wanted
    same = agreement(float_values, int8_values)
    assert same is not None
    assert same >= 0.97


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_readme_names_the_files_that_are_there(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    for path in re.findall(rf"examples/{name}/[\w.]+", text):
        assert (EXAMPLES.parent / path).is_file(), path


@pytest.fixture(scope="module", params=sorted(MODELS))
def int8_example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Graph]:
    pytest.importorskip("tensorflow", reason="not checked: examples through Keras, TensorFlow is not installed")
    file, shape, _ = MODELS[request.param]
    data = load_data(str(EXAMPLES / request.param / "calibration.npz"), (InputSpec("x", shape),))
    made = tmp_path_factory.mktemp(request.param) / "model.tflite"
    made.write_bytes(quantize_int8(to_float_tflite(EXAMPLES / request.param / file), data))
    return request.param, load_model(made, None, lambda *_: None).graph


@pytest.mark.slow
@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.name)
def test_an_example_links_for_every_board_as_large_as_the_table_says(
    int8_example: tuple[str, Graph], board: Board, tmp_path: Path
) -> None:
    """The table of docs/boards.md, of which scripts/board-sizes makes another when a size is 3 % off."""
    name, graph = int8_example
    table = (EXAMPLES.parent / "docs" / "boards.md").read_text(encoding="utf-8").split("<!-- sizes -->")[1]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()]
    row = next(row for row in rows if row[0] == board.name)
    column = rows[0].index(f"{name}: flash, B")
    try:
        image = fit(
            {"model": (graph, NOTHING)}, board, found_cmsis_nn(KernelPolicy.AUTO, None), Goals(), tmp_path
        ).image
    except BudgetError:
        assert row[column] == "does not fit"
        return
    said = [int(cell.replace(",", "")) for cell in row[column : column + 2]]
    assert [image.sizes.flash_bytes, image.ram_bytes] == pytest.approx(said, rel=0.03)
