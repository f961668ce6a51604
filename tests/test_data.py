"""Data from every kind of source, and one clear error for everything that does not fit."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mcuq.data import InputSpec, load_data, synthetic_data
from mcuq.errors import DataError

IMAGE = (InputSpec("image", (4, 4, 1)),)
VECTOR = (InputSpec("features", (3,)),)
TWO = (InputSpec("left", (2,)), InputSpec("right", (3, 1)))


def npz(folder: Path, **arrays: object) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return str(path)


def test_npz_gives_x_and_labels_unchanged(tmp_path: Path) -> None:
    x = np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1)
    data = load_data(npz(tmp_path, x=x, y=[3, -1]), IMAGE)
    assert data.inputs[0].dtype == np.uint8
    assert np.array_equal(data.inputs[0], x)
    assert data.labels is not None
    assert data.labels.tolist() == [3, -1]
    assert data.count == 2
    assert data.head(1).count == 1


def test_a_missing_channel_dimension_is_added(tmp_path: Path) -> None:
    data = load_data(npz(tmp_path, x=np.zeros((5, 4, 4))), IMAGE)
    assert data.inputs[0].shape == (5, 4, 4, 1)


def test_flat_samples_take_the_shape_of_the_input(tmp_path: Path) -> None:
    x = np.arange(32.0).reshape(2, 16)
    assert np.array_equal(load_data(npz(tmp_path, x=x), IMAGE).inputs[0], x.reshape(2, 4, 4, 1))


@pytest.mark.parametrize("names", [("left", "right"), ("x0", "x1")])
def test_several_inputs_come_by_name_or_by_number(tmp_path: Path, names: tuple[str, str]) -> None:
    arrays = {names[0]: np.ones((2, 2)), names[1]: np.zeros((2, 3))}
    data = load_data(npz(tmp_path, **arrays), TWO)
    assert [array.shape for array in data.inputs] == [(2, 2), (2, 3, 1)]


def test_npy_holds_samples_without_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    data = load_data(str(tmp_path / "x.npy"), VECTOR)
    assert data.count == 2
    assert data.labels is None


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([[1], [0]], [1, 0]),
        ([[0, 0, 1], [1, 0, 0]], [2, 0]),
        (np.array([2.0, 1.0]), [2, 1]),
        (np.array([True, False]), [1, 0]),
    ],
)
def test_labels_may_be_columns_one_hot_or_whole_floats(tmp_path: Path, y: object, expected: list[int]) -> None:
    data = load_data(npz(tmp_path, x=np.ones((2, 3)), y=y), VECTOR)
    assert data.labels is not None
    assert data.labels.tolist() == expected


def test_targets_that_are_no_classes_are_left_out_with_a_note(tmp_path: Path) -> None:
    data = load_data(npz(tmp_path, x=np.ones((2, 3)), y=np.full((2, 3), 0.5)), VECTOR)
    assert data.labels is None
    assert "accuracy is not computed" in data.notes[0]


def test_csv_with_header_and_class_in_the_last_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,label\n1,2,3,0\n4,5,6.5,2\n\n")
    data = load_data(str(path), VECTOR)
    assert data.inputs[0].tolist() == [[1, 2, 3], [4, 5, 6.5]]
    assert data.labels is not None
    assert data.labels.tolist() == [0, 2]


def test_csv_without_header_with_semicolons_and_class_names(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("1;2;3;walk\n4;5;6;run\n")
    data = load_data(str(path), VECTOR)
    assert data.class_names == ("run", "walk")
    assert data.labels is not None
    assert data.labels.tolist() == [1, 0]


def test_csv_without_labels(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("1,2,3\n4,5,6\n")
    assert load_data(str(path), VECTOR).labels is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2\n", "2 columns"),
        ("1,2,3\n4,5\n", "line 2: 2 columns"),
        ("1,2,3\n4,x,6\n", "line 2, column 2: 'x'"),
        ("1,nan,3\n", "NaN"),
        ("a,b,c\n", "no samples"),
        ("", "no samples"),
    ],
)
def test_a_bad_csv_says_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        load_data(str(path), VECTOR)


def test_images_take_their_class_from_the_sorted_subfolders(tmp_path: Path) -> None:
    for name, value in (("b", 200), ("a", 10)):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4), value).save(tmp_path / name / "1.png")
    data = load_data(str(tmp_path), IMAGE)
    assert data.class_names == ("a", "b")
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1]
    assert data.inputs[0].dtype == np.uint8
    assert data.inputs[0][:, 0, 0, 0].tolist() == [10, 200]
    assert data.notes == ()


def test_an_image_of_another_size_is_scaled_and_its_centre_cut_out_with_a_note(tmp_path: Path) -> None:
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 4:8] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    data = load_data(str(tmp_path), IMAGE)
    assert (data.inputs[0] == 255).all()
    assert "wide.png, 12x4" in data.notes[0]
    assert data.labels is None


def test_an_image_that_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("not a picture")
    with pytest.raises(DataError, match=r"broken\.png"):
        load_data(str(tmp_path), IMAGE)


def test_an_empty_folder_and_an_input_that_is_no_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        load_data(str(tmp_path), IMAGE)
    with pytest.raises(DataError, match="does not take images"):
        load_data(str(tmp_path), VECTOR)


FUNCTIONS = """
import numpy as np
import neighbour

def representative():
    for value in neighbour.VALUES:
        yield [np.full((1, 3), value, np.float32)]

def bare():
    return [np.array([1, 2, 3]), np.array([4, 5, 6])]

def by_name():
    yield {"right": np.ones((1, 3, 1)), "left": np.zeros(2)}

def wrong():
    yield [np.zeros((1, 4))]

def broken():
    yield [np.zeros(3)]
    raise RuntimeError("sensor unplugged")

def endless():
    while True:
        yield [np.zeros(3)]

def nothing():
    return []
"""


@pytest.fixture
def functions(tmp_path: Path) -> str:
    (tmp_path / "neighbour.py").write_text("VALUES = (1, 2)\n")
    path = tmp_path / "samples.py"
    path.write_text(FUNCTIONS)
    return str(path)


def test_a_function_yields_samples_like_a_representative_dataset(functions: str) -> None:
    assert load_data(f"{functions}:representative", VECTOR).inputs[0].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert load_data(f"{functions}:bare", VECTOR).inputs[0].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert [array.shape for array in load_data(f"{functions}:by_name", TWO).inputs] == [(1, 2), (1, 3, 1)]


def test_a_function_that_never_ends_is_cut_with_a_note(functions: str) -> None:
    data = load_data(f"{functions}:endless", VECTOR)
    assert data.count == 10_000
    assert "first 10,000 samples" in data.notes[0]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wrong", r"samples of shape \(n, 3\), the data are \(1, 4\)"),
        ("broken", "RuntimeError: sensor unplugged"),
        ("nothing", "yields no samples"),
        ("missing", "no function missing"),
    ],
)
def test_a_bad_function_is_one_clear_error(functions: str, name: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        load_data(f"{functions}:{name}", VECTOR)


def test_an_error_in_the_file_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("import numpy\n\nnonsense\n")
    with pytest.raises(DataError) as caught:
        load_data(f"{path}:samples", VECTOR)
    assert caught.value.details == ("bad.py, line 3",)


class Pickled:
    """Stands for an object whose loading would run code."""


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.zeros((2, 4))}, r"\(n, 3\), the data are \(2, 4\)"),
        ({"x": np.zeros((3, 2, 3))}, r"the data are \(3, 2, 3\)"),
        ({"x": np.zeros(3)}, "the data are"),
        ({"x": np.array([[1.0, np.nan, 2.0]])}, "NaN or infinity, first in sample 0"),
        ({"x": np.array([[1.0, 2.0, 3.0], [1.0, np.inf, 2.0]])}, "first in sample 1"),
        ({"x": np.array([[1e300, 0, 0]])}, "float32"),
        ({"x": np.zeros((0, 3))}, "no samples"),
        ({"x": np.array(1.0)}, "no samples"),
        ({"x": np.array([["a", "b", "c"]])}, "needs numbers"),
        ({"x": np.zeros((1, 3), complex)}, "needs numbers, the data are complex128"),
        ({"x": np.zeros((2, 3)), "y": [1, 2, 3]}, r"2 samples, but labels y of shape \(3,\)"),
        ({"x": np.zeros((2, 3)), "y": ["a", "b"]}, "labels y need numbers"),
        ({"x": np.zeros((2, 3)), "y": [0.5, np.nan]}, "labels y hold NaN"),
        ({"samples": np.zeros((2, 3))}, "no array x; it has samples"),
        ({"x": np.array([Pickled()], dtype=object)}, "pickle"),
    ],
)
def test_an_npz_that_does_not_fit_is_one_clear_error(tmp_path: Path, arrays: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        load_data(npz(tmp_path, **arrays), VECTOR)


def test_channels_first_is_not_silently_reshaped(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\(n, 4, 4, 3\), the data are \(2, 3, 4, 4\)"):
        load_data(npz(tmp_path, x=np.zeros((2, 3, 4, 4))), (InputSpec("image", (4, 4, 3)),))


def test_inputs_with_different_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="left: 2, right: 3"):
        load_data(npz(tmp_path, left=np.zeros((2, 2)), right=np.zeros((3, 3))), TWO)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for name in ("text.npz", "text.npy"):
        (tmp_path / name).write_text("this is text")
        with pytest.raises(DataError, match=name):
            load_data(str(tmp_path / name), VECTOR)
    whole = Path(npz(tmp_path, x=np.zeros((50, 3))))
    cut = tmp_path / "cut.npz"
    cut.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"cut\.npz"):
        load_data(str(cut), VECTOR)


def crafted_npy(shape: tuple[int, ...]) -> bytes:
    """A header that promises an array of ``shape``, and 16 bytes of it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(16)


@pytest.mark.parametrize("shape", [(1 << 50, 3), (1 << 70, 3), (-1, 3)])
def test_an_array_that_is_not_there_is_one_clear_error(tmp_path: Path, shape: tuple[int, ...]) -> None:
    (tmp_path / "a.npy").write_bytes(crafted_npy(shape))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", crafted_npy(shape))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            load_data(str(tmp_path / name), VECTOR)


def test_a_damaged_archive_is_one_clear_error(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.random.default_rng(1).random((50, 3)))
    whole = (tmp_path / "a.npz").read_bytes()
    entry = whole.index(b"PK\x01\x02")
    for at, values in ((100, b"\xff" * 400), (entry + 8, b"\x01"), (entry + 10, b"\x4d")):  # data, flags, method
        (tmp_path / "a.npz").write_bytes(whole[:at] + values + whole[at + len(values) :])
        with pytest.raises(DataError, match=r"a\.npz cannot be read"):
            load_data(str(tmp_path / "a.npz"), VECTOR)


def test_what_is_no_array_file_is_not_called_a_pickle(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"\x8f\x00garbage" * 9)
    with pytest.raises(DataError, match=r"a\.npz cannot be read") as caught:
        load_data(str(tmp_path / "a.npz"), VECTOR)
    assert caught.value.details == ("it begins neither as an .npz nor as an .npy file",)


def test_a_pickled_npy_is_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([Pickled()], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="can run code"):
        load_data(str(tmp_path / "p.npy"), VECTOR)


def test_missing_and_unknown_sources_say_what_is_possible(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data not found"):
        load_data(str(tmp_path / "none.npz"), VECTOR)
    (tmp_path / "d.parquet").write_text("")
    with pytest.raises(DataError, match=r"\.parquet"):
        load_data(str(tmp_path / "d.parquet"), VECTOR)
    (tmp_path / "d.py").write_text("")
    with pytest.raises(DataError, match="which function"):
        load_data(str(tmp_path / "d.py"), VECTOR)
    (tmp_path / "d.csv").write_text("1,2\n")
    with pytest.raises(DataError, match="can feed one input"):
        load_data(str(tmp_path / "d.csv"), TWO)


def test_synthetic_data_fill_the_range_and_repeat_with_the_seed() -> None:
    specs = (InputSpec("a", (50,), low=-2.0, high=3.0), InputSpec("b", (2, 2)))
    data = synthetic_data(specs, 20)
    again = synthetic_data(specs, 20)
    assert [array.shape for array in data.inputs] == [(20, 50), (20, 2, 2)]
    assert -2.0 <= data.inputs[0].min() < -1.8
    assert 2.8 < data.inputs[0].max() <= 3.0
    assert 0.0 <= data.inputs[1].min() <= data.inputs[1].max() <= 1.0
    assert all(np.array_equal(one, other) for one, other in zip(data.inputs, again.inputs, strict=True))
