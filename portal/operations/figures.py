"""Figures as a person says them: in a unit that fits, with no more digits than anybody acts upon.

Each takes the number as it is measured. What is not nothing is never rounded to nothing, and what
is not whole never to the whole.
"""

from math import inf

from realtime.tally import BOUNDS

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# So many of one unit are said before the next is taken: 90 s and 120 min say more than 1.5 min.
_ENOUGH = 120
# So many hours: what is due after three days is said in hours, as the runbook does.
_ENOUGH_HOURS = 96


def number(value: float) -> str:
    """How many, or how often: “1,234”, “2.5”."""
    if 0 < value < 0.01:
        return "under 0.01"
    if value >= 10 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2g}"


def times(value: float) -> str:
    """A multiple: “3 times”."""
    return f"{number(value)} times"


def per_cent(share: float) -> str:
    """A share of one: “2.5 %”."""
    if 0 < share < 0.001:
        return "under 0.1\N{NO-BREAK SPACE}%"
    if 0.999 < share < 1:
        return "over 99.9\N{NO-BREAK SPACE}%"
    return f"{share * 100:.3g} %"


def seconds(value: float) -> str:
    """A time in seconds: “93 ms”, “2.5 s”, “10 min”, “72 h”, “5 days”."""
    if 0 < value < 0.001:
        return "under 1 ms"
    if 0 < value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 9.95:
        return f"{value:.2g} s"
    if value < _ENOUGH:
        return f"{value:.0f} s"
    if value < _ENOUGH * _MINUTE:
        return f"{value / _MINUTE:.0f} min"
    if value < _ENOUGH_HOURS * _HOUR:
        return f"{value / _HOUR:.0f} h"
    return f"{value / _DAY:,.0f} days"


def hours(value: float) -> str:
    """A time in hours."""
    return seconds(value * _HOUR)


def age(value: float) -> str:
    """How long ago in seconds; infinite where it never was."""
    return "never" if value == inf else seconds(value)


def percentile(value: float) -> str:
    """Of a spread, in seconds; infinite beyond its last bound."""
    return f"more than {BOUNDS[-1]:g} s" if value == inf else seconds(value)


def yes_or_no(value: float) -> str:
    """What is so or is not."""
    return "yes" if value else "no"
