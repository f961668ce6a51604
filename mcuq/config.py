"""``mcuq.toml``: defaults of a project, looked for in the working folder and beside the model.

Flags and environment variables win over it. Paths in it are relative to it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcuq.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "mcuq.toml"
Keys = TypeVar("Keys", bound=BaseModel)


class Quantize(BaseModel):
    """``[quantize]``: a scheme for all layers, others by name or pattern of a layer (the first match counts), the
    calibrator, and how weights are rounded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    scheme: str = "w8a8"
    calibration: str = "auto"
    rounding: str = "adaround"
    layers: dict[str, str] = Field(default_factory=dict)


class OfModel(BaseModel):
    """``[models.NAME]``: what holds for one model alone, before what is said of all."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    data: str | None = None
    test_data: str | None = None
    stream: bool | None = None
    tuned: str | None = None
    quantize: Quantize | None = None


class Config(BaseModel):
    """The keys of ``mcuq.toml``; all are optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    board: str | None = None
    data: str | None = None
    test_data: str | None = None
    kernels: Literal["auto", "cmsis-nn", "mcuq"] | None = None
    optimize: Literal["speed", "balanced", "size", "ram"] | None = None
    integer_only: bool = False
    stream: bool = False
    tuned: str | None = None
    cmsis_nn: str | None = None
    quantize: Quantize = Quantize()
    models: dict[str, OfModel] = Field(default_factory=dict)

    def of(self, model: str) -> Config:
        """What holds for the model of this name."""
        own = self.models.get(model, OfModel())
        return self.model_copy(update={key: value for key, value in own if value is not None})


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
    models = {name: _absolute(one, folder) for name, one in config.models.items()}
    return _absolute(config, folder).model_copy(update={"models": models})


def _absolute(found: Keys, folder: Path) -> Keys:
    """``found`` with its paths, which are relative to ``folder``, made absolute."""
    paths = ((key, getattr(found, key, None)) for key in ("data", "test_data", "tuned", "cmsis_nn"))
    return found.model_copy(update={key: str(folder / value) for key, value in paths if value})
