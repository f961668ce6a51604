"""What of the outside world mcuq needs, and what of it is here."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata

from mcuq.cmsis_nn import find_cmsis_nn
from mcuq.toolchain import install_hint


@dataclass(frozen=True, slots=True)
class Finding:
    """One tool or package: its version, None when it is missing, and whether every build or simulation needs it."""

    name: str
    version: str | None
    purpose: str
    needed: bool
    install: str


_TOOLS = (
    ("arm-none-eabi-gcc", "mcuq build", True),
    ("arm-none-eabi-objcopy", "mcuq build", True),
    ("qemu-system-arm", "mcuq sim", True),
    ("renode", "mcuq sim --engine renode", False),
    ("gcc", "mcuq's own tests", False),
)
_PACKAGES = (
    ("ai-edge-litert", "ai_edge_litert", "the reference that bytes are held to", True, "pip install ai-edge-litert"),
    ("tensorflow", "tensorflow", "Keras and SavedModel input", False, "pip install 'mcuq[keras]'"),
    ("tf_keras", "tf_keras", "Keras 2 files", False, "pip install 'mcuq[keras]'"),
    ("litert-quantizer", "litert_quantizer", "quantizing float models", False, "pip install 'mcuq[quantize]'"),
)


def examine() -> tuple[Finding, ...]:
    """Look for everything; starts each tool once to ask its version."""
    found = [Finding("Python", platform.python_version(), "mcuq", True, "")]
    found += [
        Finding(name, _tool_version(name), purpose, needed, install_hint(name)) for name, purpose, needed in _TOOLS
    ]
    found += [
        Finding(name, _package_version(name, module), purpose, needed, install)
        for name, module, purpose, needed, install in _PACKAGES
    ]
    cmsis_nn = find_cmsis_nn()
    version = None if cmsis_nn is None else f"in {cmsis_nn.origin}"
    return (*found, Finding("CMSIS-NN", version, "kernels by Arm", False, "pip install 'mcuq[cmsis-nn]'"))


def _tool_version(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    try:
        completed = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\d+\.\d+(\.\d+)?", completed.stdout)
    return match[0] if match else "version unknown"


def _package_version(name: str, module: str) -> str | None:
    if importlib.util.find_spec(module) is None:
        return None
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "version unknown"
