"""Is delivery well? Each measure against the runbook's bounds: green, yellow or red."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.operations.measures import HubMeasures, StreamMeasures
from realtime.tally import Totals

GREEN, YELLOW, RED = "green", "yellow", "red"

# Of fewer than this a share says nothing.
_ENOUGH = 20


@dataclass(frozen=True)
class Check:
    """One measure: what it is, in which unit, and the bounds that it is judged by.

    `value` is None when nothing was there to be measured, which is green.
    """

    name: str
    value: float | None
    unit: str
    yellow: float
    red: float

    @property
    def state(self) -> str:
        """By its bounds; where red lies below yellow, less is worse."""
        if self.value is None:
            return GREEN
        sign = 1 if self.red >= self.yellow else -1
        if sign * self.value > sign * self.red:
            return RED
        return YELLOW if sign * self.value > sign * self.yellow else GREEN


def judged(hub: HubMeasures | None, stream: StreamMeasures | None) -> tuple[str, list[Check]]:
    """The worst state of all, and every check. An hour back, unless the name says otherwise."""
    checks = [*_of_hub(hub), *_of_stream(stream)]
    states = {check.state for check in checks}
    return next((state for state in (RED, YELLOW) if state in states), GREEN), checks


def _of_hub(hub: HubMeasures | None) -> Iterator[Check]:
    yield Check("hub does not answer", float(hub is None), "", 0, 0)
    if hub is None:
        return
    hour = hub.hour
    yield Check("opening a socket, 95th percentile", hour.opening.within(0.95), "s", 2, 5)
    yield Check("delivery, 95th percentile", hour.delivery.within(0.95), "s", 0.5, 2)
    # R27: the source's anomaly rule; five minutes, so that it is seen while it lasts.
    lately = hub.lately.delivery.within(0.99)
    yield Check("delivery, 99th percentile, five minutes", lately, "s", 1, 5)
    yield Check(
        "seconds with everything delivered", _share(hour.fresh, hour.watched), "", 0.99, 0.95
    )
    yield Check("lost sockets, each socket and hour", _lost_each_hour(hour), "", 1, 5)
    refused = sum(hour.refused.values())
    yield Check("refused subscriptions", _share(refused, hour.joined + refused), "", 0.01, 0.05)
    yield Check("sockets against the usual number", _spike(hub), "", 2, 4)
    yield Check("hub is behind the log", float(not hub.is_fresh), "", 0, 0.5)
    yield Check("bus is down", float(hub.bus_is_down), "", 0, 1)


def _of_stream(stream: StreamMeasures | None) -> Iterator[Check]:
    yield Check("stream cannot be read", float(stream is None), "", 0, 0)
    if stream is None:
        return
    beat = float("inf") if stream.beat_age is None else stream.beat_age
    yield Check("relay's last sign of life", beat, "s", 2.5, 10)
    yield Check("oldest change in the inbox", stream.oldest_waiting, "s", 0.5, 2)
    yield Check("dead letters", stream.dead_letters, "", 0, float("inf"))
    yield Check("notify queue", stream.notify_queue, "", 0.01, 0.5)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole >= _ENOUGH else None


def _lost_each_hour(hour: Totals) -> float | None:
    """How often a socket was lost: neither left by its page nor ended with a session."""
    if hour.socket_seconds < _ENOUGH * 60:
        return None
    lost = sum(count for code, count in hour.closed.items() if code not in _AS_IT_SHOULD)
    return lost / (hour.socket_seconds / 3600)


# A page that goes; a session that ended; access that ended; a restart that was announced.
_AS_IT_SHOULD = frozenset({1000, 1001, 1005, 4401, 4403, 1012})


def _spike(hub: HubMeasures) -> float | None:
    if hub.usual_sockets is None or hub.sockets < _ENOUGH:
        return None
    return hub.sockets / max(hub.usual_sockets, 1.0)
