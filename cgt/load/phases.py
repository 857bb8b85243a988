"""Parts of a run: told with their seconds, or shared by processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from django.db import connections

Tell = Callable[[str], None]


@contextmanager
def phase(name: str, tell: Tell) -> Iterator[None]:
    """Tell how many seconds the block took."""
    began = time.monotonic()
    yield
    tell(f"{name}: {time.monotonic() - began:.1f} s")


@contextmanager
def beside(works: Sequence[Callable[[], None]]) -> Iterator[Sequence[BaseProcess]]:
    """Do each work in a process of its own while the block runs, and wait for them; RuntimeError if one failed."""
    connections.close_all()  # no two processes share one
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=work) for work in works]
    for process in running:
        process.start()
    try:
        yield running
    finally:
        for process in running:
            process.join()
    if any(process.exitcode for process in running):
        raise RuntimeError("A part of the work failed; the lines above say why.")
