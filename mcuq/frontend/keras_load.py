"""Loads Keras files: Keras 3, and tf_keras for files of Keras 2 that Keras 3 refuses. Safe mode stays on.

The caller has inspected the file (``model_file``): nothing that is loaded here holds code.
"""

from __future__ import annotations

import re
from typing import Any

from mcuq.errors import ToolError, UnsupportedError
from mcuq.frontend.model_file import KerasFile, custom_classes, layer_classes

INSTALL = "pip install 'mcuq[keras]'"


def load_keras(file: KerasFile) -> Any:
    """The model, by Keras 3, else by tf_keras for a file of Keras 2. Safe mode stays on; nothing is compiled."""
    import keras  # noqa: PLC0415

    if keras.config.backend() != "tensorflow":
        raise ToolError(
            f"Keras is already running on {keras.config.backend()}; converting needs TensorFlow behind it",
            hint="unset KERAS_BACKEND and start again",
        )
    reasons = []
    try:
        return keras.saving.load_model(file.path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its layers raise; each becomes one clear error below
        reasons.append(f"Keras {keras.__version__}: {first_line(error)}")
    unknown = [name for name in layer_classes(file.config) if not hasattr(keras.layers, name)]
    if file.from_keras_2:
        try:
            import tf_keras  # noqa: PLC0415
        except ImportError as error:
            raise ToolError(
                f"{file.path.name} was saved by Keras 2 and Keras 3 cannot load it; the package tf_keras can",
                details=tuple(reasons),
                hint=INSTALL,
            ) from error
        try:
            return _tf_keras_load(tf_keras, file)
        except Exception as error:
            reasons.append(f"tf_keras {tf_keras.__version__}: {first_line(error)}")
        unknown = [name for name in unknown if not hasattr(tf_keras.layers, name)]
    unknown = [name for name in unknown if name not in {"Functional", "Sequential", "Model"}]
    if unknown:
        raise custom_classes(file.path, unknown)
    raise UnsupportedError(
        f"{file.path.name} cannot be loaded as a Keras model",
        details=(f"saved by Keras {file.keras_version or 'of unknown version'}", *reasons),
        hint="if it loads where it was made, export it there: model.export('folder'), and give mcuq the folder",
    )


def _tf_keras_load(tf_keras: Any, file: KerasFile) -> Any:
    """tf_keras tells the formats apart by suffix, so an .h5 file under another name is opened for it."""
    if file.container == "keras":
        return tf_keras.models.load_model(file.path, compile=False, safe_mode=True)
    import h5py  # noqa: PLC0415

    with h5py.File(file.path, "r") as opened:
        return tf_keras.models.load_model(opened, compile=False)


def first_line(error: Exception) -> str:
    """The first line that says something, cut to a readable length. Keras says first which layer it called."""
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    if line.startswith("Exception encountered when calling") and len(lines) > 1:
        line = f"{line.removeprefix('Exception encountered when calling ').rstrip('.')}: {lines[1]}"
    return line if len(line) <= 300 else f"{line[:297]}..."
