"""Made-up vital signs that behave like a recovery: pure, and the same for the same seed."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.management.demo.story import Story

DAYS = 14
HOURS_OF_READINGS = (8, 13, 20)


@dataclass(frozen=True)
class Reading:
    """One set of values, all taken within a few minutes."""

    at: datetime
    pulse: int
    systolic: int
    diastolic: int
    saturation: int
    temperature: float
    respiration: int
    weight: float
    pain: int


def readings(story: Story, now: datetime, zone_hour: int, seed: int) -> Iterator[Reading]:
    """Yield two weeks of readings, the last `story.last_reading_hours` before `now`.

    `zone_hour` is the clinic's offset from UTC in whole hours, so that people measure in their own
    morning. A body is stressed after an operation and settles with a half-life of two days.
    """
    chance = random.Random(f"{seed}:{story.mrn}")
    latest = now - timedelta(hours=story.last_reading_hours)
    operated = now - timedelta(days=story.day)
    for days_ago in range(DAYS, -1, -1):
        day = (now - timedelta(days=days_ago)).replace(minute=0, second=0, microsecond=0)
        for hour in HOURS_OF_READINGS:
            at = day.replace(hour=(hour - zone_hour) % 24) + timedelta(
                minutes=chance.randint(-25, 40)
            )
            # Nobody measures every time they mean to.
            if at > latest or chance.random() < 0.2:
                continue
            yield _reading(story, at, operated, now, chance)
    yield _reading(story, latest, operated, now, chance)


def next_reading(story: Story, now: datetime, chance: random.Random) -> Reading:
    """One more set of values, as of now (the simulator)."""
    return _reading(story, now, now - timedelta(days=story.day), now, chance)


def _reading(
    story: Story, at: datetime, operated: datetime, now: datetime, chance: random.Random
) -> Reading:
    since = (at - operated).total_seconds() / 86_400
    stress = math.exp(-since / 3) if since >= 0 else 0.0
    # What went wrong, if anything did, comes on over the last day and a half.
    onset = max(0.0, 1 - (now - at).total_seconds() / 129_600)
    fever = 2.1 * onset if story.trouble == "fever" else 0.0
    breath = 4.0 * onset if story.trouble == "breath" else 0.0
    water = 2.4 * onset if story.trouble == "weight" else 0.0
    return Reading(
        at=at,
        pulse=round(story.pulse + 14 * stress + 9 * fever + 2.5 * breath + chance.gauss(0, 3)),
        systolic=round(story.systolic - 8 * stress + chance.gauss(0, 5)),
        diastolic=round(story.diastolic - 4 * stress + chance.gauss(0, 3)),
        saturation=min(100, round(story.saturation - 2 * stress - breath + chance.gauss(0, 0.7))),
        temperature=round(story.temperature + 0.7 * stress + fever + chance.gauss(0, 0.12), 1),
        respiration=max(10, round(15 + 3 * stress + 1.5 * breath + fever + chance.gauss(0, 1))),
        weight=round(story.weight + water + chance.gauss(0, 0.2), 1),
        pain=max(0, min(10, round(story.pain * (0.4 + stress) + chance.gauss(0, 0.8)))),
    )
