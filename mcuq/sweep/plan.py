"""What a sweep is to try: a TOML file, and what flags say instead of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcuq.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Sweep(BaseModel):
    """The keys of a sweep's file. Paths are relative to it. ``data`` and ``test_data`` are for all models, or by model.

    ``samples``: how many of the test data are run in the simulator; 0: nothing is simulated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    models: list[str] = Field(default_factory=list)
    boards: list[str] = Field(default_factory=list)
    schemes: list[str] = Field(default_factory=list)
    optimize: list[Literal["speed", "balanced", "size", "ram"]] = Field(default_factory=list)
    kernels: Literal["auto", "cmsis-nn", "mcuq"] = "auto"
    data: str | dict[str, str] | None = None
    test_data: str | dict[str, str] | None = None
    samples: Annotated[int, Field(ge=0)] = 0


def read_sweep(path: Path) -> Sweep:
    """The file at ``path``. Raises ``UsageError`` naming the key when it is wrong."""
    try:
        found = Sweep.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        problems = tuple(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        hint = f"keys are: {', '.join(Sweep.model_fields)}"
        raise UsageError(f"{path} is wrong", details=problems, hint=hint) from error
    folder = path.resolve().parent

    def moved(data: str | dict[str, str] | None) -> str | dict[str, str] | None:
        if isinstance(data, dict):
            return {str(folder / model): str(folder / spec) for model, spec in data.items()}
        return None if data is None else str(folder / data)

    return found.model_copy(
        update={
            "models": [str(folder / model) for model in found.models],
            "boards": [str(folder / name) if name.endswith(".toml") else name for name in found.boards],
            "data": moved(found.data),
            "test_data": moved(found.test_data),
        }
    )
