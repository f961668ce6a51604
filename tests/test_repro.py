"""Runs that are kept and run again in QEMU, and files that no honest hand has packed."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mcuq.board import board_named
from mcuq.built import load_built
from mcuq.cli import run
from mcuq.errors import BoardError, DataError, MismatchError, RunError
from mcuq.frames import Frame
from mcuq.repro_file import IMAGE, LIMIT_BYTES, SERIAL, Exchange, Repro, pack, unpack
from mcuq.runners.qemu import QemuRunner
from tests.harness.elf import contents
from tests.harness.small_models import dense, mcuq


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build for a board that another board's machine stands in for."""
    folder = tmp_path_factory.mktemp("repro")
    (folder / "dense.tflite").write_bytes(dense())
    options = ("--board", "nucleo-f446re", "--optimize", "speed", "-o", "out")
    done = mcuq("build", "dense.tflite", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def kept(built: Path) -> Path:
    """A run of two samples in QEMU, kept."""
    file = built.parent / "dense.zip"
    assert run(["repro", str(built), "--limit", "2", "-o", str(file)]) == 0
    return file


def test_a_run_is_the_same_when_it_is_run_again(kept: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["repro", str(kept)]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "recorded, mps2-an386 in QEMU: 0 of 8 output bytes differ from LiteRT's",
        "now in QEMU: 0 of 8 output bytes differ from LiteRT's",
        f"all {len(unpack(kept).record)} answers are as recorded",
    ]


def test_the_same_run_gives_the_same_file(kept: Path, built: Path, tmp_path: Path) -> None:
    assert run(["repro", str(built), "--limit", "2", "-o", str(tmp_path / "again.zip")]) == 0
    assert (tmp_path / "again.zip").read_bytes() == kept.read_bytes()
    held = zipfile.ZipFile(kept)
    assert held.namelist() == [
        "README.txt", "repro.json", "image.elf", "inputs.bin", "expected.bin", "serial.txt",
    ]  # fmt: skip
    assert {info.date_time for info in held.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    header = json.loads(held.read("repro.json"))
    assert (header["schema_version"], header["machine"], header["board"]) == (1, "mps2-an386", "nucleo-f446re")
    assert held.read("image.elf") == (built / "sim" / "dense.elf").read_bytes()
    assert pack(unpack(kept)) == kept.read_bytes()


def with_image(built: Path, to: Path, symbol: str, put: Callable[[bytes], bytes]) -> Path:
    """A copy of ``built`` with other bytes where ``symbol`` is in the image that runs in QEMU."""
    shutil.copytree(built, to)
    image = load_built(to).simulated_image
    assert image is not None
    at, size = contents(image)[symbol]
    content = image.read_bytes()
    image.write_bytes(content[:at] + put(content[at : at + size]) + content[at + size :])
    return to


def test_wrong_bytes_are_wrong_again(built: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    symbol = next(n for n in contents(built / "sim" / "dense.elf") if n.startswith("dense_00_") and "weights" in n)
    wrong = with_image(built, tmp_path / "out", symbol, lambda table: bytes(byte ^ 0x40 for byte in table))
    file = str(tmp_path / "wrong.zip")
    assert run(["repro", str(wrong), "--limit", "2", "-o", file]) == 0
    assert "0 of 8" not in capfd.readouterr().out
    assert run(["repro", file]) == MismatchError.exit_code
    recorded, again, answers = capfd.readouterr().out.splitlines()
    assert recorded.split(": ")[1] == again.split(": ")[1] and "answers are as recorded" in answers


def test_a_run_that_faulted_faults_again(built: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    undefined = b"\x00\xde"  # UDF #0
    faulty = with_image(built, tmp_path / "out", "dense_invoke", lambda code: undefined + code[2:])
    file = str(tmp_path / "fault.zip")
    assert run(["repro", str(faulty), "--limit", "2", "-o", file]) == 0
    assert "the run failed: sample 0: the target's processor faulted at PC 0x" in capfd.readouterr().out
    assert run(["repro", file]) == RunError.exit_code
    printed = capfd.readouterr()
    assert "answers are as recorded" in printed.out
    failure = unpack(Path(file)).header.failure
    assert failure is not None and f"recorded was: {failure}" in printed.err
    assert failure.removeprefix("sample 0: ") in printed.err.splitlines()[-2]


def test_what_a_board_answered_is_run_again_on_the_machine_that_stands_in(
    built: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The board is another board's machine here: its answers come over a port."""
    found = load_built(built)
    assert found.simulated_image is not None
    file = str(tmp_path / "board.zip")
    with QemuRunner(board_named("mps2-an386"), found.simulated_image).start() as target:
        assert run(["repro", str(built), "--target", target.port, "--limit", "1", "-o", file]) == 0
    assert "runs it again in QEMU on mps2-an386, from the same model objects" in capfd.readouterr().out
    held = unpack(Path(file))
    assert held.header.replays == "simulated.elf" and held.images[IMAGE] == found.image.read_bytes()
    assert run(["repro", file]) == 0
    assert "answers are as recorded" in capfd.readouterr().out


def changed(kept: Path, to: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """``kept`` with other members."""
    with zipfile.ZipFile(kept) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return to


def with_header(**values: object) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["repro.json"] = json.dumps({**json.loads(members["repro.json"]), **values}).encode()

    return change


def with_member(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda members: members.update({name: content})


BAD: Mapping[str, Callable[[dict[str, bytes]], None]] = {
    "outside": with_member("../evil", b"x"),
    "absolute": with_member("/etc/evil", b"x"),
    "other": with_member("more.txt", b"x"),
    "bomb": with_member("inputs.bin", bytes(LIMIT_BYTES + 1)),
    "together too large": lambda members: members.update(
        dict.fromkeys(("inputs.bin", IMAGE), bytes(LIMIT_BYTES // 2 + 1))
    ),
    "no image": lambda members: members.pop(IMAGE) and None,
    "no header": lambda members: members.pop("repro.json") and None,
    "no ELF": with_member(IMAGE, b"MZ"),
    "header cut": with_member("repro.json", b'{"schema_version": 1'),
    "header deep": with_member("repro.json", b"[" * 100_000),
    "other schema": with_header(schema_version=2),
    "other key": with_header(command="rm"),
    "escape codes": with_header(model="\x1b[2J"),
    "path as an image": with_header(replays="../../etc/passwd"),
    "negative size": with_header(input_bytes=[-1]),
    "other sizes": with_header(input_bytes=[13]),
    "many samples": with_header(samples=1 << 40),
    "no frames": with_member(SERIAL, b"hello"),
    "only a request": with_member(SERIAL, b"> 01 0001\n"),
    "no hex": with_member(SERIAL, b"> 01 0001 zz\n< 81 0001\n"),
    "answers first": with_member(SERIAL, b"< 01 0001\n> 81 0001\n"),
    "no text": with_member(SERIAL, b"\xff\xfe"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_not_what_it_should_be_is_one_clear_error(kept: Path, tmp_path: Path, what: str) -> None:
    with pytest.raises(DataError, match=r"bad\.zip is no file of `mcuq repro`: "):
        unpack(changed(kept, tmp_path / "bad.zip", BAD[what]))
    assert {path.name for path in tmp_path.iterdir()} == {"bad.zip"}


def test_a_damaged_archive_is_one_clear_error(kept: Path, tmp_path: Path) -> None:
    content = kept.read_bytes()
    bad = tmp_path / "bad.zip"
    pieces = [
        b"",
        b"PK\x05\x06",
        content[:100],
        content[:-30],
        content + content,
        content.replace(b"\x08\x00", b"\x63\x00"),
    ]
    pieces += [content[:at] + bytes((content[at] ^ 0xFF,)) + content[at + 1 :] for at in range(10, len(content), 997)]
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr(SERIAL, b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(SERIAL, b"")
    for piece in (*pieces, twice.getvalue()):
        bad.write_bytes(piece)
        try:
            assert unpack(bad).header == unpack(kept).header
        except DataError as error:
            assert "is no file of `mcuq repro`" in error.message
    with bad.open("wb") as file:
        file.truncate(LIMIT_BYTES + 1)
    with pytest.raises(DataError, match="larger than"):
        unpack(bad)
    with pytest.raises(DataError, match="cannot be read"):
        unpack(tmp_path / "none.zip")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (with_header(machine=None), BoardError, "has no machine in QEMU"),
        (with_header(machine="virt,dumpdtb=evil"), BoardError, "virt,dumpdtb=evil"),
        (with_header(machine="nucleo-f446re"), BoardError, "has no QEMU machine"),
        (with_header(build_id="0" * 32), MismatchError, "does not run this build"),
        (with_member(SERIAL, b"> 7f 0001\n< ff 0001\n"), DataError, "a request that there is not: 127"),
    ],
)
def test_a_record_that_cannot_be_run_again_is_one_clear_error(
    kept: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    change: Callable[[dict[str, bytes]], None], error: type[BoardError], said: str,
) -> None:  # fmt: skip
    assert run(["repro", str(changed(kept, tmp_path / "bad.zip", change))]) == error.exit_code
    printed = capfd.readouterr().err
    assert printed.count("Error: ") == 1 and said in printed


def test_other_answers_than_recorded_are_told(kept: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    repro = unpack(kept)
    *before, last = repro.record
    body = bytes((last.answer.body[0] ^ 1, *last.answer.body[1:]))
    record = (*before, Exchange(last.request, Frame(last.answer.type, last.answer.sequence, body)))
    file = tmp_path / "other.zip"
    file.write_bytes(pack(Repro(repro.header, repro.images, repro.inputs, repro.expected, record)))
    assert run(["repro", str(file)]) == 0
    recorded, again, first = capfd.readouterr().out.splitlines()
    assert ": 1 of 8" in recorded and ": 0 of 8" in again and first.startswith("first: READ_OUTPUT was answered by")
