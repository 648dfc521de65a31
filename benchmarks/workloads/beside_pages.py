"""W1p: W1 while the same process makes pages.

It shows how much a page holds up a change that comes while it is made.
"""

import multiprocessing
import statistics
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection

import psutil

from benchmarks import page_reader
from benchmarks.contestants import Portal
from benchmarks.workloads.fan_out import OTHER_CORE, Figures, Size, paced

_PATIENCE_SECONDS = 30


def beside_pages(portal: Portal, size: Size) -> Figures:
    """The figures of W1, and how long a page took (ms)."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    # Not the one of the sockets: they would be told of its page.
    values = portal.servers[0].port, portal.visitors[-1].cookie, theirs
    reader = spawn.Process(target=page_reader.run, args=values, daemon=True)
    reader.start()
    theirs.close()
    try:
        if hasattr(psutil.Process, "cpu_affinity"):
            psutil.Process(reader.pid).cpu_affinity([OTHER_CORE])
        # What the first page loads is not what is asked.
        _answer(ours)
        figures = paced(portal, replace(size, seconds=2 * size.seconds))
        ours.send("enough")
        waits = _answer(ours)
    finally:
        reader.kill()
        reader.join()
    named = {name.replace("w1_", "w1p_"): value for name, value in figures.items()}
    return named | {"w1p_page": statistics.median(waits)}


def _answer(reader: Connection) -> list[float]:
    """What the process says next. Raises RuntimeError when it has ended, or says nothing."""
    with suppress(EOFError):
        if reader.poll(_PATIENCE_SECONDS):
            waits: list[float] = reader.recv()
            return waits
    raise RuntimeError("pages were not answered")
