"""What is held against a trace of world.js: the promises of docs/client.md, one by one.

`judge(trace)` raises Broken at the first promise that was not kept. A trace is what crossed the
borders of the client, in order: frames, fetches, timers, what regions were told and what they show.

    [time, "logged", epoch, seq, kind, table, turn]     a change has its place in the log
    [time, "enter", region, tables, since, turn]        its content is that of this turn
    [time, "told", region]                              the client says: read again
    [time, "stands", standing, cursor, sockets]         and so it stands from here on

The others are where they are written: `tell` in the scripts beside this file.
"""

from tests.browser.simulation.contents import Contents
from tests.browser.simulation.line import Line
from tests.browser.simulation.patience import Patience
from tests.browser.simulation.tells import Tells
from tests.browser.simulation.witness import Broken


def judge(trace):
    """Hold the trace against every promise. Raises Broken, with the place in the trace."""
    witnesses = [Contents(), Tells(), Line(), Patience()]
    for place, record in enumerate(trace):
        for witness in witnesses:
            try:
                witness.hear(place, *record)
            except Broken as broken:
                raise Broken(f"{place}: {broken}") from None
    assert trace[-1][1] == "settled", trace[-1]
