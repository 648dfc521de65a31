"""What one person may hear in one organization, now.

Shared by all sockets of that person. Rights are *held* from the moment a control event says that
they changed until the new ones are known; before the first answer of the authority they are held
too. Held or unknown means nothing may be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from realtime.authority import Grants
from realtime.event import RESYNC, Event

Key = tuple[str, str]  # organization, user

# "Now" for whoever has just been given rights by the database, which knows what has ended.
AS_GIVEN = 0.0


class Rights:
    """The grants of one person, and whether they can be relied upon."""

    __slots__ = ("asked", "held", "organization_id", "until", "user_id", "was_known")

    def __init__(self, organization_id: str, user_id: str) -> None:
        self.organization_id = organization_id
        self.user_id = user_id
        self.held = True
        self.was_known = False
        # How often the authority had to be asked: an answer to an earlier question is stale.
        self.asked = 1
        # Topic to the moment (seconds since 1970) at which the right ends by the clock.
        self.until: Mapping[str, float] = {}

    @property
    def key(self) -> Key:
        return (self.organization_id, self.user_id)

    def hold(self) -> None:
        """Rely on nothing until a newer answer comes."""
        self.held = True
        self.asked += 1

    def release(self, grants: Grants) -> None:
        """These are the rights now."""
        self.until = {topic: _seconds(until) for topic, until in grants.items()}
        self.held = False
        self.was_known = True

    def belongs(self, event: Event) -> bool:
        """Whether the event is of this organization, or of none."""
        return event.organization_id is None or event.organization_id == self.organization_id

    def may_hear(self, event: Event, now: float) -> bool:
        """Whether any of the event's topics is granted at `now`.

        That something could not be told may be heard by everyone whose organization it is: it
        says nothing but that the reader should look again, under their own rights.
        """
        if self.held or not self.belongs(event):
            return False
        if event.kind == RESYNC:
            return True
        until = self.until
        # A loop: a generator takes three times as long, for each event of each reader.
        for topic in event.topics:  # noqa: SIM110
            if until.get(topic, 0.0) > now:
                return True
        return False


def _seconds(until: datetime | None) -> float:
    return math.inf if until is None else until.timestamp()
