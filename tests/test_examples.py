"""The examples in the repository: whole, small, and as good as their READMEs say, as float and as int8 models."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from mcuq.data import InputSpec, load_data
from mcuq.frontend.keras import to_float_tflite
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
