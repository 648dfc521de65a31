"""How soon a thread gives way to the event loop, in a process that serves.

Pages are made in threads beside the loop that tells of changes, and one of them at a time has the
interpreter. The loop has to ask for it after each wait: for the bell, for what was moved. Python
lets a thread go on for 5 ms before it has to give way, so a change that came while a page was being
made was told 10 ms late. Half a millisecond instead: with six pages a second, the slowest of twenty
changes took 7 ms and not 11, and just as many pages were served (docs/performance.md).
"""

import sys

GIVE_WAY_SECONDS = 0.0005


def give_way() -> None:
    """To be called once, before the first request."""
    sys.setswitchinterval(GIVE_WAY_SECONDS)
