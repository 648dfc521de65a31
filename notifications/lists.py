"""Notifications as a person reads them: several about one thing are one line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from django.utils import timezone

from notifications.actions import own
from notifications.models import Kind, Notification, NotificationQuerySet
from notifications.wording import ICONS, href, words
from portal.access import Reader


@dataclass(frozen=True)
class Line:
    """What one line says, where it leads, and for how many notifications it stands."""

    id: UUID
    text: str
    icon: str
    at: datetime
    is_read: bool
    number: int
    href: str

    @property
    def day(self) -> date:
        """The clinic's day on which it was told."""
        return timezone.localtime(self.at).date()


def newest(reader: Reader) -> NotificationQuerySet:
    """The reader's own notifications, the newest first, with the patient each is about."""
    return (
        own(Notification.objects.all(), reader)
        .select_related("patient")
        .order_by("-created_at", "-pk")
    )


def lines(notifications: Iterable[Notification], reader: Reader) -> list[Line]:
    """One line for each thing told, in the order of its newest notification.

    What is new and what was read are told apart: three new messages after an old one make a line
    of three.
    """
    told: dict[tuple[object, ...], list[Notification]] = {}
    for notification in notifications:
        subject = notification.subject_id or notification.pk
        told.setdefault((notification.kind, subject, notification.is_read), []).append(notification)
    return [_line(group, reader) for group in told.values()]


def by_day(found: Sequence[Line]) -> list[tuple[date, list[Line]]]:
    """The lines under the days on which they were told."""
    return [(day, list(group)) for day, group in groupby(found, key=attrgetter("day"))]


def _line(group: list[Notification], reader: Reader) -> Line:
    newest = group[0]
    return Line(
        id=newest.pk,
        text=words(newest, len(group), reader),
        icon=ICONS[Kind(newest.kind)],
        at=newest.created_at,
        is_read=newest.is_read,
        number=len(group),
        href=href(newest, reader),
    )
