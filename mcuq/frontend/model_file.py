"""What kind of model file a path is, and what a Keras file says about itself, found without loading the model.

Nothing from the file is executed here, and TensorFlow is not imported: a Lambda layer is found by reading the
configuration as text.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcuq.errors import ToolError, UnsupportedError, UsageError

ModelKind = Literal["tflite", "keras", "saved_model"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MAX_JSON_BYTES = 1 << 26
_FORMATS = "mcuq reads Keras .h5 and .keras files, SavedModel folders and .tflite files"
# Modules whose classes Keras itself provides; anything else is code that the file does not carry.
_KERAS_MODULES = ("keras", "tf_keras", "keras_core", "tensorflow.keras", "tensorflow.python.keras", "builtins")


@dataclass(frozen=True, slots=True)
class KerasFile:
    """What a Keras file says about itself: its container, the Keras that wrote it, and its configuration."""

    path: Path
    container: Literal["h5", "keras"]
    keras_version: str
    config: Mapping[str, Any]

    @property
    def from_keras_2(self) -> bool:
        """True also for files that do not name a version: only old Keras left it out."""
        return not self.keras_version.startswith("3")


def model_kind(path: Path) -> ModelKind:
    """The kind of model at ``path``, by its contents: ``tflite``, ``keras`` or ``saved_model``.

    Raises ``UsageError`` when nothing is there and ``UnsupportedError`` when it is no model.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "saved_model"
        raise UnsupportedError(f"{path} is a folder without saved_model.pb, so not a SavedModel", hint=_FORMATS)
    head = _head(path)
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith((_HDF5, b"PK\x03\x04", b"PK\x05\x06")):
        return "keras"
    what = f"{path.name} is empty" if not head else f"{path.name} is not a model file that mcuq knows"
    expected = {".tflite": "the TFLite identifier TFL3", ".h5": "an HDF5 file", ".keras": "a zip archive"}
    wanted = expected.get(path.suffix.lower())
    details = (f"its name says {path.suffix}, but its contents are not {wanted}",) if wanted else ()
    raise UnsupportedError(what, details=details, hint=_FORMATS)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except FileNotFoundError as error:
        raise UsageError(f"model not found: {path}", hint="check the path of the model file") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def inspect_keras_file(path: Path) -> KerasFile:
    """What the Keras file at ``path`` says about itself.

    Raises ``UnsupportedError`` for a file that is damaged, holds weights only, or holds code (Lambda layers) or
    classes that Keras does not provide.
    """
    file = _inspect_h5(path) if _head(path).startswith(_HDF5) else _inspect_zip(path)
    _refuse_code(file)
    _refuse_custom_classes(file)
    return file


def _inspect_h5(path: Path) -> KerasFile:
    try:
        import h5py  # noqa: PLC0415
    except ImportError as error:
        raise ToolError(
            f"h5py is needed to read {path.name} and is not installed", hint="pip install 'mcuq[keras]'"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            attributes = dict(file.attrs)
            has_weights = "model_weights" in file
    except (OSError, RuntimeError, KeyError) as error:
        raise _damaged(path, str(error)) from error
    if "model_config" not in attributes:
        raise UnsupportedError(
            f"{path.name} holds no model: an HDF5 file without Keras's model_config",
            details=("it may hold weights only (save_weights)",),
            hint="save the whole model with model.save()",
        )
    if not has_weights:
        raise UnsupportedError(
            f"{path.name} holds a model without its weights", hint="save the whole model with model.save()"
        )
    config = _json_object(path, "model_config", attributes["model_config"])
    return KerasFile(path, "h5", _text(attributes.get("keras_version", "")), config)


def _inspect_zip(path: Path) -> KerasFile:
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
            for needed in ("config.json", "model.weights.h5"):
                if needed not in members:
                    raise UnsupportedError(
                        f"{path.name} is not a whole Keras model: the archive lacks {needed}",
                        hint="save the whole model with model.save('model.keras')",
                    )
            for name in ("config.json", "metadata.json"):
                if name in members and archive.getinfo(name).file_size > _MAX_JSON_BYTES:
                    raise _damaged(path, f"{name} unpacks to more than {_MAX_JSON_BYTES:,} bytes")
            config = _json_object(path, "config.json", archive.read("config.json"))
            metadata = archive.read("metadata.json") if "metadata.json" in members else b"{}"
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise _damaged(path, str(error)) from error
    if damaged is not None:
        raise _damaged(path, f"bad checksum of {damaged}")
    version = _json_object(path, "metadata.json", metadata).get("keras_version", "")
    return KerasFile(path, "keras", str(version), config)


def _damaged(path: Path, reason: str) -> UnsupportedError:
    return UnsupportedError(
        f"{path.name} is damaged or cut short", details=(reason,), hint="save, copy or download the model again"
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _json_object(path: Path, what: str, raw: Any) -> Mapping[str, Any]:
    try:
        value = json.loads(_text(raw))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise _damaged(path, f"{what} is not a JSON object")
    return value


def _objects(value: Any, layer: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every serialized object in a Keras configuration, each with the name of the layer that it belongs to."""
    pending = [(layer, value)]
    while pending:
        layer, value = pending.pop()
        if isinstance(value, list):
            pending.extend((layer, item) for item in reversed(value))
        elif isinstance(value, dict):
            config = value.get("config")
            if "class_name" in value:
                if isinstance(config, dict) and isinstance(config.get("name"), str):
                    layer = config["name"]
                yield layer, value
            pending.extend((layer, item) for item in reversed(value.values()))


def _refuse_code(file: KerasFile) -> None:
    """A Lambda holds Python bytecode or source: loading it would run what the file's author wrote."""
    code = {"Lambda", "__lambda__"}
    layers = sorted({name or "?" for name, item in _objects(file.config) if item.get("class_name") in code})
    if not layers:
        return
    named = ", ".join(layers)
    raise UnsupportedError(
        f"{file.path.name} holds code: Lambda in layer{'s' * (len(layers) > 1)} {named}",
        details=("a Lambda is Python code inside the file; mcuq does not run code from a model file",),
        hint="replace it with a Keras layer (Rescaling, Activation, Reshape …), or export the model as a SavedModel",
    )


def _refuse_custom_classes(file: KerasFile) -> None:
    found = set()
    for _, item in _objects(file.config):
        module, registered = item.get("module"), item.get("registered_name")
        foreign = isinstance(module, str) and not module.startswith(_KERAS_MODULES)
        if foreign or (module is None and isinstance(registered, str)):
            found.add(str(item["class_name"]))
        if item["class_name"] == "function" and module == "builtins":  # a function of the author's, by name
            found.add(str(item.get("config")))
    if found:
        raise custom_classes(file.path, sorted(found))


def custom_classes(path: Path, names: list[str]) -> UnsupportedError:
    """The error for a model with classes that are defined in somebody's program, not in Keras."""
    return UnsupportedError(
        f"{path.name} uses classes that Keras does not have: {', '.join(names)}",
        details=("a Keras file holds the names of custom layers, not their code",),
        hint="export the model where it was made: model.export('folder'), and give mcuq the folder",
    )


def layer_classes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The class names of all layers in a model configuration, nested models included, sorted."""
    found = set()
    pending: list[Any] = [config]
    while pending:
        value = pending.pop()
        layers = value.get("config", {}).get("layers", []) if isinstance(value.get("config"), dict) else []
        for layer in layers if isinstance(layers, list) else []:
            if isinstance(layer, dict) and isinstance(layer.get("class_name"), str):
                found.add(layer["class_name"])
                pending.append(layer)
    return tuple(sorted(found))
