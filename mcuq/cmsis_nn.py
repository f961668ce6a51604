"""Find CMSIS-NN: named by the user, in a CMSIS pack root, or carried by the PyPI package ``bakenn``. Never copied.

Searched in that order; the first hit wins. A hit is a folder with ``Include/arm_nnfunctions.h`` and ``Source``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mcuq.errors import UsageError

# Parameters of the functions that mcuq calls. Later releases add some to a few; those functions are then left alone.
_PARAMETERS = {
    "arm_convolve_wrapper_s8": 11,
    "arm_depthwise_conv_wrapper_s8": 11,
    "arm_fully_connected_s8": 11,
    "arm_avgpool_s8": 7,
    "arm_max_pool_s8": 7,
}
_MAX_UNPACKED_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class CmsisNN:
    """A copy of CMSIS-NN. ``origin`` says in words where it was found.

    ``functions`` are those that it has (one a file, of the same name), without those whose parameters have changed.
    """

    root: Path
    core_include: Path | None
    origin: str
    functions: frozenset[str]

    @property
    def includes(self) -> tuple[Path, ...]:
        extra = () if self.core_include is None else (self.core_include,)
        return (self.root / "Include", *extra)

    def sources(self, names: Iterable[str]) -> tuple[Path, ...]:
        """The C files ``names`` (``arm_convolve_wrapper_s8.c``) and all files whose functions they use in turn."""
        files = _source_files(self.root)
        wanted = [name.removesuffix(".c") for name in names]
        found: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name in found or name not in files:
                continue
            found.add(name)
            text = files[name].read_text(errors="replace")
            wanted += [used for used in set(re.findall(r"\barm_\w+", text)) if used in files]
            # Buffer-size functions live in files of their own in later releases.
            wanted += [f"{stem}_get_buffer_sizes_s8" for stem in (name.removesuffix("_s8"),)]
        return tuple(files[name] for name in sorted(found))


@functools.cache
def _source_files(root: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted((root / "Source").rglob("arm_*.c"))}


def find_cmsis_nn(named: Path | None = None) -> CmsisNN | None:
    """The copy to use, or None when there is none.

    ``named`` is a folder, or a CMSIS pack (a zip file). Raises ``UsageError`` when it holds no CMSIS-NN.
    """
    if named is not None:
        folder = _unpacked(named) if named.is_file() else named
        found = _at(folder, f"{named}")
        if found is None:
            raise UsageError(
                f"no CMSIS-NN in {named}: Include/arm_nnfunctions.h and Source are looked for",
                hint="give a checkout of CMSIS-NN or its pack (ARM.CMSIS-NN.*.pack)",
            )
        return found
    return _in_pack_root() or _in_bakenn()


def _at(folder: Path, origin: str, core_include: Path | None = None) -> CmsisNN | None:
    header = next(iter(sorted(folder.glob("**/Include/arm_nnfunctions.h"), key=lambda p: (len(p.parts), p))), None)
    if header is None or not (header.parent.parent / "Source").is_dir():
        return None
    root = header.parent.parent
    if core_include is None:
        compiler = next(iter(sorted(folder.glob("**/Core/Include/cmsis_compiler.h"))), None)
        core_include = compiler.parent if compiler else None
    declared = _declared_parameters(header)
    files = _source_files(root)
    changed = {name for name, count in _PARAMETERS.items() if declared.get(name, count) != count}
    return CmsisNN(root, core_include, origin, frozenset(files) - changed)


def _declared_parameters(header: Path) -> dict[str, int]:
    text = re.sub(r"/\*.*?\*/", "", header.read_text(errors="replace"), flags=re.DOTALL)
    return {name: args.count(",") + 1 for name, args in re.findall(r"\b(arm_\w+)\s*\(([^()]*)\)\s*;", text)}


def _in_pack_root() -> CmsisNN | None:
    root = Path(os.environ.get("CMSIS_PACK_ROOT") or Path.home() / ".cache" / "arm" / "packs")
    versions = sorted(root.glob("ARM/CMSIS-NN/*"), key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)])
    cores = sorted(root.glob("ARM/CMSIS/*/CMSIS/Core/Include")) + sorted(root.glob("ARM/CMSIS/*/Core/Include"))
    for version in reversed(versions):
        found = _at(version, f"CMSIS pack {version.name}", cores[-1] if cores else None)
        if found is not None:
            return found
    return None


def _in_bakenn() -> CmsisNN | None:
    spec = importlib.util.find_spec("bakenn")
    if spec is None or spec.origin is None:
        return None
    vendor = Path(spec.origin).parent / "backend" / "cmsis_nn" / "vendor"
    return _at(vendor / "cmsis_nn", "the PyPI package bakenn", vendor / "cmsis_core" / "Include")


def _unpacked(pack: Path) -> Path:
    """The pack's C files and headers in the user's cache, unpacked once; member names are not trusted."""
    digest = hashlib.sha256(pack.read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcuq" / f"cmsis-nn-{digest}"
    if (cache / "complete").exists():
        return cache
    try:
        with zipfile.ZipFile(pack) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith((".c", ".h"))]
            if sum(m.file_size for m in members) > _MAX_UNPACKED_BYTES:
                raise UsageError(f"{pack} unpacks to more than {_MAX_UNPACKED_BYTES:,} bytes")
            for member in members:
                name = PurePosixPath(member.filename)
                if name.is_absolute() or ".." in name.parts:
                    raise UsageError(f"{pack} holds the unsafe name {member.filename!r}")
                target = cache / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(member))
    except zipfile.BadZipFile as error:
        raise UsageError(f"{pack} is neither a folder nor a CMSIS pack: {error}") from error
    (cache / "complete").touch()
    return cache
