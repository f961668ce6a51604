"""Keeps a library's chatter off the terminal: whatever is written to file descriptor 2 inside, C++ included.

Nothing is lost when it matters: after an exception that mcuq and the user did not raise, what was held back is shown,
and if the process dies inside, Python's traceback still reaches the terminal.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mcuq.errors import McuqError


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Holds back standard error; shows what was held back when something unforeseen goes wrong."""
    sys.stderr.flush()
    try:
        terminal = os.dup(2)
    except OSError:  # started without a standard error: nothing to keep clean
        yield
        return
    ours = not faulthandler.is_enabled()
    if ours:
        faulthandler.enable(terminal)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        show = True
        try:
            yield
            show = False
        except (McuqError, KeyboardInterrupt):
            show = False
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            if ours:
                faulthandler.disable()
            os.close(terminal)
            if show:
                held.seek(0)
                os.write(2, held.read())
