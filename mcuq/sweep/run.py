"""Candidates at work: several at a time here, or on a Dask cluster. Each outcome is told as soon as it is there."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from mcuq.errors import RunError, ToolError
from mcuq.sweep.candidate import Candidate, Outcome
from mcuq.sweep.worker import Children, run

CONNECT_S = 30


def run_here(candidates: Sequence[Candidate], jobs: int) -> Iterator[tuple[Candidate, Outcome]]:
    """``jobs`` at a time, each in a process of its own. None is left behind when the iterator is closed."""
    pool, children = ThreadPoolExecutor(jobs), Children()
    try:
        futures = {pool.submit(run, candidate, children): candidate for candidate in candidates}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        children.end()
        pool.shutdown()


def run_on_cluster(candidates: Sequence[Candidate], address: str) -> Iterator[tuple[Candidate, Outcome]]:
    """On the workers of the scheduler at ``address``, which have mcuq and its tools, and see the same files.

    Raises ``ToolError`` without Dask, ``RunError`` when the scheduler does not answer.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ToolError("dask.distributed is needed for --scheduler", hint="pip install 'mcuq[dask]'")
    distributed: Any = importlib.import_module("distributed")
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(
            f"the Dask scheduler at {address} does not answer", details=(str(error)[:200],), hint="as tcp://HOST:8786"
        ) from error
    with client:
        futures = {client.submit(run, candidate, pure=False): candidate for candidate in candidates}
        try:
            for future in distributed.as_completed(list(futures), loop=client.loop):
                failed = future.exception()
                yield futures[future], future.result() if failed is None else Outcome(error=f"on its worker: {failed}")
        finally:
            client.cancel(list(futures))
