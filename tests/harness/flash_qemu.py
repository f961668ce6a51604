"""A script to flash with: ``flash_qemu.py FOLDER COMMAND...`` starts QEMU in place of the one it started before.

``FOLDER/port`` then leads to the pseudo terminal of its UART, as a board's port is there again after flashing.
``FOLDER/images`` has a line for each image: its bytes' digest. Once ``FOLDER/dies_at`` says so many images have run,
the next one does not start. Plain Python, without mcuq: it is a tool of somebody else's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path


def flash(folder: Path, command: list[str]) -> None:
    unplug(folder)
    images = folder / "images"
    digest = hashlib.sha256(Path(command[-1]).read_bytes()).hexdigest()
    with images.open("a") as file:
        file.write(f"{digest}\n")
    dies_at = folder / "dies_at"
    if dies_at.exists() and len(images.read_text().splitlines()) >= int(dies_at.read_text()):
        return
    with (folder / "said").open("wb") as said:
        # Whatever becomes of the test, the simulator ends.
        process = subprocess.Popen(["timeout", "120", *command], stdout=said, stderr=said, start_new_session=True)
    (folder / "pid").write_text(str(process.pid))
    while (found := re.search(r"redirected to (\S+) \(label", (folder / "said").read_text())) is None:
        if process.poll() is not None:
            sys.exit((folder / "said").read_text())
        time.sleep(0.01)
    (folder / "port").symlink_to(found[1])


def unplug(folder: Path) -> None:
    """End what was started, if anything was."""
    (folder / "port").unlink(missing_ok=True)
    pid = folder / "pid"
    if pid.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGTERM)
        pid.unlink()


if __name__ == "__main__":
    flash(Path(sys.argv[1]), sys.argv[2:])
