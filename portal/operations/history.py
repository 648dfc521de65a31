"""What the samples of all processes say together: as points over time, and as one look at now.

Counters are differences between two samples of one process, so that a restart, which begins at
zero, is no fall; what is counted by several processes is added up.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.operations import kept_totals
from portal.operations.measures import (
    DAY_SECONDS,
    HOUR_SECONDS,
    LATELY_SECONDS,
    HubMeasures,
    StreamMeasures,
)
from portal.operations.models import Grain, HubSample, OrganizationSample, StreamSample
from portal.operations.sampling import EVERY_SECONDS
from realtime.tally import Totals

# A process that has not been heard of for so long is gone, or its loop hangs.
SILENT_AFTER = timedelta(seconds=3 * EVERY_SECONDS)
# So long it is shown that a process fell silent, in case nobody looked at once.
REMEMBERED = timedelta(hours=1)


Sample = TypeVar("Sample", HubSample, OrganizationSample)
AnySample = TypeVar("AnySample", HubSample, OrganizationSample, StreamSample)


@dataclass(frozen=True)
class Span:
    """A stretch of time in equal steps, as it is plotted, and the samples that are read for it."""

    name: str
    length: timedelta
    step: timedelta
    grain: Grain

    def begin(self, now: datetime) -> datetime:
        """The first instant; steps begin at whole minutes, as grains do."""
        seconds = self.step.total_seconds()
        last = datetime.fromtimestamp(now.timestamp() // seconds * seconds, tz=UTC)
        return last - self.length + self.step


HOUR = Span("hour", timedelta(hours=1), timedelta(minutes=1), Grain.FINE)
DAY = Span("day", timedelta(days=1), timedelta(minutes=20), Grain.COARSE)


@dataclass
class Moment:
    """One step: what was, and what was counted, over all processes. None: nobody looked."""

    at: datetime  # its beginning
    sockets: int | None = None
    own_sockets: int | None = None
    unsent_bytes: int | None = None
    totals: Totals = field(default_factory=Totals)
    stream: StreamMeasures | None = None
    # Positions that the log gave in this step, and in how many seconds.
    events: int = 0
    seconds: float = 0.0

    @property
    def events_per_second(self) -> float | None:
        return self.events / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Process:
    """One web process, by its newest sample."""

    place: str
    sample: HubSample
    is_silent: bool


def moments(span: Span, now: datetime, organization_id: UUID) -> list[Moment]:
    """The steps of `span` that have samples, oldest first; of one organization its own sockets."""
    begin = span.begin(now)
    steps = _Steps(span, begin)
    hubs = list(_kept(HubSample, begin - timedelta(seconds=span.grain), span.grain, now))
    for run in _by_process(hubs):
        for earlier, later in pairwise(run):
            if later.at >= begin:
                moment = steps.at(later.at)
                moment.totals = moment.totals.plus(_between(earlier, later))
    # Of a minute the same look that knows whose the sockets are.
    gauged = [sample for sample in hubs if span is not HOUR or sample.grain >= Grain.MINUTE]
    for moment, samples in steps.last_of_each(gauged):
        moment.sockets = sum(sample.sockets for sample in samples)
        moment.unsent_bytes = sum(sample.unsent_bytes for sample in samples)
        moment.own_sockets = 0
    own = _kept(OrganizationSample, begin, span.grain, now)
    for moment, mine in steps.last_of_each(own.filter(organization_id=organization_id)):
        moment.own_sockets = sum(sample.sockets for sample in mine)
    _add_stream(steps, begin, span, now)
    return steps.known()


def now_of_all(now: datetime) -> HubMeasures | None:
    """All hubs as one, as `health` judges them; None when no process was heard of lately."""
    newest = [process.sample for process in processes(now) if not process.is_silent]
    if not newest:
        return None
    return HubMeasures(
        sockets=sum(sample.sockets for sample in newest),
        channels=sum(sample.channels for sample in newest),
        by_organization={},
        unsent_bytes=sum(sample.unsent_bytes for sample in newest),
        position=min(sample.position for sample in newest),
        is_fresh=all(sample.is_fresh for sample in newest),
        bus_is_down=any(sample.bus_is_down for sample in newest),
        totals=_sum(kept_totals.read(sample.totals) for sample in newest),
        hour=counted(now, HOUR_SECONDS),
        lately=counted(now, LATELY_SECONDS),
        usual_sockets=usual(now),
    )


def counted(now: datetime, seconds: float) -> Totals:
    """What all processes counted in the last so many seconds."""
    # One sample earlier, which the first one is compared with.
    since = now - timedelta(seconds=seconds + EVERY_SECONDS)
    samples = HubSample.objects.filter(at__gte=since)
    first = samples.order_by("process", "at").distinct("process")
    last = samples.order_by("process", "-at").distinct("process")
    return _sum(_between(*pair) for pair in zip(first, last, strict=True))


def processes(now: datetime) -> list[Process]:
    """The web processes of the last hour that did not say goodbye, by their place."""
    newest = (
        HubSample.objects.filter(at__gte=now - REMEMBERED)
        .order_by("process", "-at")
        .distinct("process")
    )
    alive = (each for each in newest if not each.is_last)
    return sorted(
        (Process(each.place, each, is_silent=now - each.at > SILENT_AFTER) for each in alive),
        key=lambda process: process.place,
    )


def silent(now: datetime) -> int:
    """How many web processes are silent."""
    return sum(process.is_silent for process in processes(now))


def behind(now: datetime) -> int | None:
    """How many changes the slowest process had not told yet when it was last looked at.

    Against the last look at the log before that: what came between the two is not held against it.
    """
    lags = []
    for process in processes(now):
        log = StreamSample.objects.filter(at__lte=process.sample.at).order_by("-at").first()
        if log is not None:
            lags.append(max(0, log.last_seq - process.sample.position))
    return max(lags, default=None)


def leader(now: datetime) -> StreamSample | None:
    """The newest look at the stream, which the leader's own process takes."""
    return StreamSample.objects.filter(at__gte=now - timedelta(minutes=10)).order_by("-at").first()


def usual(now: datetime) -> float | None:
    """The day's mean of all sockets; None while there is less than an hour of it."""
    by_step: dict[int, dict[str, int]] = defaultdict(dict)
    day = HubSample.objects.filter(at__gte=now - timedelta(seconds=DAY_SECONDS), grain=Grain.COARSE)
    for sample in day:
        by_step[int(sample.at.timestamp() // Grain.COARSE)][sample.process] = sample.sockets
    if len(by_step) <= HOUR_SECONDS / Grain.COARSE:
        return None
    return sum(sum(step.values()) for step in by_step.values()) / len(by_step)


class _Steps:
    def __init__(self, span: Span, begin: datetime) -> None:
        self.span, self.begin = span, begin
        self.made: dict[int, Moment] = {}

    def number(self, at: datetime) -> int:
        return (at - self.begin) // self.span.step

    def at(self, at: datetime) -> Moment:
        """The step in which an instant lies."""
        number = self.number(at)
        if number not in self.made:
            self.made[number] = Moment(self.begin + self.span.step * number)
        return self.made[number]

    def last_of_each(self, samples: Iterable[Sample]) -> Iterator[tuple[Moment, list[Sample]]]:
        """Each step with the newest sample of each process in it."""
        newest: dict[int, dict[str, Sample]] = defaultdict(dict)
        for sample in samples:
            if sample.at >= self.begin:
                newest[self.number(sample.at)][sample.process] = sample
        for of_step in newest.values():
            of_processes = list(of_step.values())
            yield self.at(of_processes[0].at), of_processes

    def known(self) -> list[Moment]:
        return [moment for _, moment in sorted(self.made.items())]


def _kept(
    model: type[AnySample], since: datetime, grain: Grain, now: datetime
) -> QuerySet[AnySample]:
    """Samples of a grain, oldest first, and the newest of any, so that the last step is of now."""
    of_grain = Q(grain__gte=grain) | Q(at__gt=now - timedelta(seconds=Grain.MINUTE + EVERY_SECONDS))
    return model._default_manager.filter(of_grain, at__gte=since).order_by("at")


def _between(earlier: HubSample, later: HubSample) -> Totals:
    return kept_totals.read(later.totals).minus(kept_totals.read(earlier.totals))


def _by_process(samples: Iterable[HubSample]) -> list[list[HubSample]]:
    runs: dict[str, list[HubSample]] = defaultdict(list)
    for sample in samples:
        runs[sample.process].append(sample)
    return list(runs.values())


def _add_stream(steps: _Steps, begin: datetime, span: Span, now: datetime) -> None:
    samples = list(_kept(StreamSample, begin - timedelta(seconds=span.grain), span.grain, now))
    for earlier, later in pairwise(samples):
        if later.at < begin:
            continue
        moment = steps.at(later.at)
        # After a restore the log may stand lower than before.
        moment.events += max(0, later.last_seq - earlier.last_seq)
        moment.seconds += (later.at - earlier.at).total_seconds()
    for sample in samples:
        if sample.at >= begin:
            moment = steps.at(sample.at)
            moment.stream = _worse(moment.stream, measures_of(sample))


def measures_of(sample: StreamSample) -> StreamMeasures:
    """What `measures.of_stream` answered when the sample was taken."""
    return StreamMeasures(
        sample.beat_age,
        sample.epoch,
        sample.last_seq,
        sample.waiting,
        sample.oldest_waiting,
        sample.dead_letters,
        sample.notify_queue,
    )


def _worse(one: StreamMeasures | None, other: StreamMeasures) -> StreamMeasures:
    """The worst of a step, so that a short trouble is seen in the plot of a day."""
    if one is None:
        return other
    ages = [age for age in (one.beat_age, other.beat_age) if age is not None]
    return StreamMeasures(
        max(ages, default=None),
        other.epoch,
        other.last_seq,
        max(one.waiting, other.waiting),
        max(one.oldest_waiting, other.oldest_waiting),
        max(one.dead_letters, other.dead_letters),
        max(one.notify_queue, other.notify_queue),
    )


def _sum(totals: Iterable[Totals]) -> Totals:
    return reduce(Totals.plus, totals, Totals())
