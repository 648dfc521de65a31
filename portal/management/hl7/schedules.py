"""What an SIU message says of one visit: its numbers, when, where, with whom and what for.

Pure: from a message to plain values. What becomes of the visit is the business of `visits`.

A time stands in four places, of which senders fill some: TQ1, then the first resource that has one
(AIS, AIP, AIL), then SCH-11, where it stood before TQ1 was invented.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from portal.management.hl7.messages import Message, Segment
from portal.management.hl7.times import Moment, moment, offset_of

# Longer is no visit but a mistake, which would take a provider's year.
LONGEST = timedelta(hours=24)
_LONGEST_NUMBER = 120
_LONGEST_KIND = 80
_LONGEST_PLACE = 120
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_NUMBER = re.compile(r"\d{1,5}", re.ASCII)


@dataclass(frozen=True)
class Numbers:
    """What the two sides of the schedule call the visit; one of them may be empty."""

    placer: str
    filler: str


@dataclass(frozen=True)
class Person:
    """Somebody whom the visit is with, as the sender knows them."""

    number: str
    family: str
    given: str


@dataclass(frozen=True)
class Plan:
    """When a visit is, where, with whom and what for."""

    starts_at: datetime
    ends_at: datetime
    kind: str
    rooms: tuple[str, ...]
    place: str
    people: tuple[Person, ...]


class Unclear(Exception):
    """A visit that cannot be read; `place` is where, `is_missing` says that something is absent."""

    def __init__(self, place: str, reason: str, *, is_missing: bool = False) -> None:
        super().__init__(reason)
        self.place, self.is_missing = place, is_missing


def numbers_of(message: Message) -> Numbers:
    """SCH-1 and SCH-2, each with whose number it is. Raises Unclear without either."""
    sch = message.first("SCH")
    if sch is None or not (sch.text(1) or sch.text(2)):
        raise Unclear("SCH^1^1", "has no number by which it could be known again", is_missing=True)
    return Numbers(_number(message, sch, 1), _number(message, sch, 2))


def plan_of(message: Message, zone: tzinfo) -> Plan:
    """What the message plans. `zone` is the clinic's, for times that carry no offset."""
    sch = message.first("SCH")
    assert sch is not None, "numbers_of comes first"
    clock = _Clock(offset_of(message.header.text(7)) or zone, zone)
    starts_at, ends_at = _times(message, sch, clock)
    if not timedelta() < ends_at - starts_at <= LONGEST:
        raise Unclear("SCH^1^11", "does not end within a day after it starts")
    rooms, place = _place(message)
    return Plan(
        starts_at=starts_at,
        ends_at=ends_at,
        kind=_cut(_kind(message, sch), _LONGEST_KIND),
        rooms=rooms,
        place=_cut(place, _LONGEST_PLACE),
        people=tuple(_people(message)),
    )


@dataclass(frozen=True)
class _Clock:
    of_times: tzinfo
    of_days: tzinfo

    def read(self, text: str, place: str) -> datetime | None:
        try:
            found: Moment | None = moment(text, zone=self.of_times, day_zone=self.of_days)
        except ValueError as error:
            raise Unclear(place, str(error)) from None
        if found is not None and not found.time_is_known:
            raise Unclear(place, "has a day and no time")
        return found.at if found else None


def _number(message: Message, sch: Segment, field: int) -> str:
    """A number with its namespace: two schedulers may both have a visit 12345."""
    if not sch.text(field):
        return ""
    number = f"{sch.text(field)}^{sch.text(field, 2) or message.sender}"
    if len(number) > _LONGEST_NUMBER:
        raise Unclear(f"SCH^1^{field}", "is too long")
    return number


def _times(message: Message, sch: Segment, clock: _Clock) -> tuple[datetime, datetime]:
    for begin, end, lasts, place in _written_times(message, sch):
        starts_at = clock.read(begin, place)
        if starts_at is None:
            continue
        ends_at = clock.read(end, place)
        if ends_at is None:
            lasts = lasts or _lasts(sch, 9, 10)
            if lasts is None:
                raise Unclear(place, "has no end and no duration", is_missing=True)
            ends_at = starts_at + lasts
        return starts_at, ends_at
    raise Unclear("TQ1^1^7", "has no time", is_missing=True)


def _written_times(
    message: Message, sch: Segment
) -> Iterator[tuple[str, str, timedelta | None, str]]:
    """The places of a time, the best first: begin, end, duration, and where it stands."""
    if (tq1 := message.first("TQ1")) is not None:
        yield tq1.text(7), tq1.text(8), None, "TQ1^1^7"
    for name, at in (("AIS", 4), ("AIP", 6), ("AIL", 6)):
        if (segment := message.first(name)) is not None:
            yield segment.text(at), "", _lasts(segment, at + 3, at + 4), f"{name}^1^{at}"
    yield sch.text(11, 4), sch.text(11, 5), None, "SCH^1^11"


def _lasts(segment: Segment, number: int, unit: int) -> timedelta | None:
    text = segment.text(number)
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) * _UNITS.get(segment.text(unit)[:1].lower(), timedelta(minutes=1))


def _kind(message: Message, sch: Segment) -> str:
    """What the patient comes for: the services by name, else the reason or type of the visit."""
    services = [
        segment.text(3, 2) or segment.text(3, 1)
        for segment in message.segments
        if segment.name == "AIS"
    ]
    named = ", ".join(dict.fromkeys(filter(None, services)))
    of_visit = (sch.text(field, part) for field in (7, 8) for part in (2, 1))
    return named or next(filter(None, of_visit), "Visit")


def _place(message: Message) -> tuple[tuple[str, ...], str]:
    """Names that a room of ours may have, and the first place in words: room and building."""
    places = [
        (segment.text(3, 1), segment.text(3, 2), segment.text(3, 4))
        for segment in message.segments
        if segment.name == "AIL"
    ]
    rooms = tuple(name for unit, room, _ in places for name in (room, unit) if name)
    words = ((room or unit, facility) for unit, room, facility in places)
    return rooms, next((", ".join(filter(None, each)) for each in words if any(each)), "")


def _people(message: Message) -> Iterator[Person]:
    for segment in message.segments:
        if segment.name == "AIP" and segment.components(3):
            yield Person(segment.text(3, 1), segment.text(3, 2), segment.text(3, 3))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
