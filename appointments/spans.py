"""Stretches of time as sets: joined, cut out of one another, measured. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time in stretches that neither touch nor overlap, in order."""
    joined: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def without(spans: Iterable[Span], gone: Iterable[Span]) -> list[Span]:
    """What is left of `spans` when `gone` is cut out."""
    left = union(spans)
    for begin, end in union(gone):
        left = [
            piece
            for span in left
            for piece in ((span[0], min(span[1], begin)), (max(span[0], end), span[1]))
            if piece[0] < piece[1]
        ]
    return left


def within(spans: Iterable[Span], bounds: Iterable[Span]) -> list[Span]:
    """What of `spans` lies inside `bounds`."""
    spans, bounds = union(spans), union(bounds)
    return without(spans, without(spans, bounds))


def length(spans: Iterable[Span]) -> timedelta:
    """How long they are together, overlaps counted once."""
    return sum((end - begin for begin, end in union(spans)), timedelta())
