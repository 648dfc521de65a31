"""Is delivery well? Each measure against the runbook's bounds: green, yellow or red."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from portal.operations import figures
from portal.operations.measures import HubMeasures, StreamMeasures
from realtime.polling import EVERY_SECONDS
from realtime.tally import Totals

GREEN, YELLOW, RED = "green", "yellow", "red"

# Of fewer than this a share says nothing.
_ENOUGH = 20

# Handshakes of pages that might have been let in: too many, or we could not. Without a session or
# from elsewhere (400, 401, 403) come pages whose person has gone home, and strangers.
_OURS = (429, 500, 503)
_STRANGERS = (400, 401, 403)
_ENOUGH_STRANGERS = 100


@dataclass(frozen=True)
class Check:
    """One measure: what it is, in which unit, and the bounds that it is judged by.

    `value` is None when nothing was there to be measured, which is green. `said` puts it, and its
    bounds, into words for people; programs get the number and the unit.
    """

    name: str
    value: float | None
    unit: str
    yellow: float
    red: float
    said: Callable[[float], str] = figures.number

    @property
    def state(self) -> str:
        """By its bounds; where red lies below yellow, less is worse."""
        if self.value is None:
            return GREEN
        if self.is_beyond(self.red):
            return RED
        return YELLOW if self.is_beyond(self.yellow) else GREEN

    def is_beyond(self, bound: float) -> bool:
        """Whether the value is worse than a bound."""
        sign = 1 if self.red >= self.yellow else -1
        return self.value is not None and sign * self.value > sign * bound


@dataclass(frozen=True)
class Measure:
    """A measure and the runbook's bounds of it: here and nowhere else."""

    name: str
    unit: str
    yellow: float
    red: float
    said: Callable[[float], str] = figures.number

    def at(self, value: float | None) -> Check:
        """The measure with a value."""
        return Check(self.name, value, self.unit, self.yellow, self.red, self.said)


NO_HUB = Measure("hub does not answer", "", 0, 0, figures.yes_or_no)
SILENT = Measure("web processes that fell silent", "", 0, float("inf"))
OPENING = Measure("opening a socket, 95th percentile", "s", 2, 5, figures.percentile)
# Over as soon as those who open one now need not wait.
OPENING_LATELY = Measure(
    "opening a socket, 95th percentile, five minutes", "s", 2, 5, figures.percentile
)
DELIVERY = Measure("delivery, 95th percentile", "s", 0.5, 2, figures.percentile)
# R27: the source's anomaly rule; five minutes, so that it is seen while it lasts.
DELIVERY_LATELY = Measure("delivery, 99th percentile, five minutes", "s", 1, 5, figures.percentile)
DELIVERED = Measure("seconds with everything delivered", "", 0.99, 0.95, figures.per_cent)
LOST = Measure("lost sockets, each socket and hour", "", 1, 5)
REFUSED = Measure("refused subscriptions", "", 0.01, 0.05, figures.per_cent)
TURNED_AWAY = Measure("refused handshakes, five minutes", "", 0.01, 0.05, figures.per_cent)
# Of pages, by whom nobody asks: who floods us, and whoever sits behind the same address.
PAGES = Measure("pages that got no turn, five minutes", "", 10, float("inf"))
STRANGERS = Measure("handshakes of nobody we know", "", 0.9, float("inf"), figures.per_cent)
# Whatever keeps sockets from opening, here or on the way here, pages tell of it by polling.
POLLING = Measure("pages without a socket, five minutes", "", 0.1, 0.5, figures.per_cent)
SPIKE = Measure("sockets against the usual number", "", 2, 4, figures.times)
BEHIND = Measure("hub is behind the log", "", 0, 0.5, figures.yes_or_no)
BUS_DOWN = Measure("bus is down", "", 0, 1, figures.yes_or_no)
NO_STREAM = Measure("stream cannot be read", "", 0, 0, figures.yes_or_no)
BEAT = Measure("relay's last sign of life", "s", 2.5, 10, figures.age)
OLDEST = Measure("oldest change in the inbox", "s", 0.5, 2, figures.seconds)
DEAD_LETTERS = Measure("dead letters", "", 0, float("inf"))
NOTIFY_QUEUE = Measure("notify queue", "", 0.01, 0.5, figures.per_cent)
UNTOLD = Measure("alarms that nobody was told of", "", 0, 0)
AUDIT = Measure("audit log does not verify", "", 0, 0)
# The worker seals every ten seconds, and verifies once a day; a long log takes a day and more.
UNSEALED = Measure("oldest entry of the audit log without a seal", "s", 120, 600, figures.seconds)
VERIFIED = Measure("last verification of the audit log", "h", 72, float("inf"), figures.hours)


def judged(
    hub: HubMeasures | None, stream: StreamMeasures | None, silent: int | None
) -> tuple[str, list[Check]]:
    """The worst state of all, and every check. An hour back, unless the name says otherwise.

    `silent` is the number of web processes that ended without a word, or hang; None when nobody
    could be asked.
    """
    checks = [*_of_hub(hub), SILENT.at(silent), *_of_stream(stream)]
    states = {check.state for check in checks}
    return next((state for state in (RED, YELLOW) if state in states), GREEN), checks


def _of_hub(hub: HubMeasures | None) -> Iterator[Check]:
    yield NO_HUB.at(float(hub is None))
    if hub is None:
        return
    hour = hub.hour
    yield OPENING.at(hour.opening.about(0.95))
    yield OPENING_LATELY.at(_opening_lately(hub.lately))
    yield DELIVERY.at(hour.delivery.about(0.95))
    yield DELIVERY_LATELY.at(hub.lately.delivery.about(0.99))
    yield DELIVERED.at(_share(hour.fresh, hour.watched))
    yield LOST.at(_lost_each_hour(hour))
    yield REFUSED.at(share_refused(hour))
    yield TURNED_AWAY.at(_share_turned_away(hub.lately, _OURS, _ENOUGH))
    yield PAGES.at(hub.lately.pages_turned_away)
    yield STRANGERS.at(_share_turned_away(hour, _STRANGERS, _ENOUGH_STRANGERS))
    yield POLLING.at(_share_polling(hub.lately))
    yield SPIKE.at(_spike(hub))
    yield BEHIND.at(float(not hub.is_fresh))
    yield BUS_DOWN.at(float(hub.bus_is_down))


def _of_stream(stream: StreamMeasures | None) -> Iterator[Check]:
    yield NO_STREAM.at(float(stream is None))
    if stream is None:
        return
    yield BEAT.at(beat_age(stream))
    yield OLDEST.at(stream.oldest_waiting)
    yield DEAD_LETTERS.at(stream.dead_letters)
    yield NOTIFY_QUEUE.at(stream.notify_queue)
    yield UNTOLD.at(stream.untold_alarms)
    yield AUDIT.at(stream.audit_deviations)
    yield UNSEALED.at(stream.oldest_unsealed)
    yield VERIFIED.at(stream.audit_verified_ago)


def beat_age(stream: StreamMeasures) -> float:
    """Seconds since the relay's last sign of life; infinite where it never gave one."""
    return float("inf") if stream.beat_age is None else stream.beat_age


def _share(part: int, whole: int, enough: int = _ENOUGH) -> float | None:
    return part / whole if whole >= enough else None


def share_refused(totals: Totals) -> float | None:
    """The share of joins that were refused."""
    refused = sum(totals.refused.values())
    return _share(refused, totals.joined + refused)


def _share_turned_away(totals: Totals, statuses: Iterable[int], enough: int) -> float | None:
    refused = sum(totals.turned_away[status] for status in statuses)
    return _share(refused, totals.opened + refused, enough)


def _share_polling(totals: Totals) -> float | None:
    """The share of the time of all open pages in which they had to ask."""
    polling = int(totals.polls.total() * EVERY_SECONDS)
    if polling < _ENOUGH * 60:
        return 0.0 if totals.socket_seconds >= _ENOUGH * 60 else None
    return polling / (polling + totals.socket_seconds)


def _opening_lately(totals: Totals) -> float | None:
    return totals.opening.about(0.95) if totals.opened >= _ENOUGH else None


def lost(totals: Totals) -> int:
    """Sockets that were lost: neither left by their page nor ended with a session."""
    return sum(count for code, count in totals.closed.items() if code not in _AS_IT_SHOULD)


def _lost_each_hour(hour: Totals) -> float | None:
    if hour.socket_seconds < _ENOUGH * 60:
        return None
    return lost(hour) / (hour.socket_seconds / 3600)


# A page that goes; a session that ended; access that ended; a restart that was announced.
_AS_IT_SHOULD = frozenset({1000, 1001, 1005, 4401, 4403, 1012})


def _spike(hub: HubMeasures) -> float | None:
    if hub.usual_sockets is None or hub.sockets < _ENOUGH:
        return None
    return hub.sockets / max(hub.usual_sockets, 1.0)
