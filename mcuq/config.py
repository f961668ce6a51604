"""``mcuq.toml``: defaults of a project, looked for in the working folder and beside the model.

Flags and environment variables win over it. Paths in it are relative to it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcuq.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "mcuq.toml"


class Quantize(BaseModel):
    """``[quantize]``: a scheme for all layers, others by name or pattern of a layer (the first match counts), and the
    calibrator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    scheme: str = "w8a8"
    calibration: str = "auto"
    layers: dict[str, str] = Field(default_factory=dict)


class Config(BaseModel):
    """The keys of ``mcuq.toml``; all are optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    board: str | None = None
    data: str | None = None
    test_data: str | None = None
    kernels: Literal["auto", "cmsis-nn", "mcuq"] | None = None
    optimize: Literal["speed", "balanced", "size", "ram"] | None = None
    integer_only: bool = False
    tuned: str | None = None
    cmsis_nn: str | None = None
    quantize: Quantize = Quantize()


def load_config(*folders: Path) -> Config:
    """The first ``mcuq.toml`` found in ``folders``, its paths made absolute; an empty one when there is none.

    Raises ``UsageError`` naming the file and the key when it is wrong.
    """
    for folder in folders:
        path = folder / NAME
        if path.is_file():
            return _read(path)
    return Config()


def _read(path: Path) -> Config:
    try:
        config = Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        problems = tuple(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(
            f"{path} is wrong", details=problems, hint=f"keys are: {', '.join(Config.model_fields)}"
        ) from error
    folder = path.resolve().parent
    paths = {
        key: str(folder / value)
        for key in ("data", "test_data", "tuned", "cmsis_nn")
        if (value := getattr(config, key))
    }
    return config.model_copy(update=paths)
