"""Totals of a hub as JSON and back: numbers under the names of their fields, and nothing else."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from realtime.tally import BOUNDS, Spread, Totals

# Counters whose keys are numbers; JSON makes words of them.
_BY_NUMBER = {"turned_away", "closed", "polls"}


def written(totals: Totals) -> dict[str, Any]:
    """What `read` makes the same totals of."""
    kept: dict[str, Any] = {}
    for each in fields(Totals):
        value = getattr(totals, each.name)
        if isinstance(value, Spread):
            kept[each.name] = {"counts": list(value.counts), "seconds": round(value.seconds, 3)}
        elif isinstance(value, Counter):
            kept[each.name] = {str(key): count for key, count in value.items()}
        else:
            kept[each.name] = value
    return kept


def read(kept: Mapping[str, Any]) -> Totals:
    """The totals; what an older version did not count is zero."""
    totals = Totals()
    for each in fields(Totals):
        value, zero = kept.get(each.name), getattr(totals, each.name)
        if value is None:
            continue
        if isinstance(zero, Spread):
            # Of another version with other bounds nothing can be said.
            if len(value["counts"]) == len(BOUNDS) + 1:
                setattr(totals, each.name, Spread(list(value["counts"]), value["seconds"]))
        elif isinstance(zero, Counter):
            number = each.name in _BY_NUMBER
            setattr(
                totals,
                each.name,
                Counter({int(key) if number else key: count for key, count in value.items()}),
            )
        else:
            setattr(totals, each.name, value)
    return totals
