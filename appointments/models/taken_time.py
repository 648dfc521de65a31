"""The one place where time collides."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from appointments.models.appointment import Appointment
from appointments.models.hold import Hold
from appointments.models.room import Room
from appointments.models.time_block import TimeBlock
from appointments.models.visit_type import VisitType
from portal.rls import SYSTEM, Policy
from realtime.triggers import Publish

_APART = Q(is_exclusive=True)


class TakenTime(models.Model):
    """Time that a provider, a room and a patient no longer have, and for what.

    Written by triggers alone, one row for each standing visit, live hold or block, so that visits
    and holds meet the same constraints whoever wrote them. `is_exclusive` is false for what may lie
    on something else: overbooked visits, blocks, and what is past. `during` has the buffers,
    `with_patient` has not.

    Nobody reads it as it is: `appointments_taken()` tells members what is taken, not for whom.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    appointment = models.OneToOneField(
        Appointment, models.CASCADE, null=True, related_name="taken_time"
    )
    hold = models.OneToOneField(Hold, models.CASCADE, null=True, related_name="taken_time")
    block = models.OneToOneField(TimeBlock, models.CASCADE, null=True, related_name="taken_time")
    provider = models.ForeignKey("portal.Provider", models.PROTECT, null=True, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, null=True, related_name="+")
    during = DateTimeRangeField()
    with_patient = DateTimeRangeField(null=True)
    is_exclusive = models.BooleanField()
    held_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "taken_times"
        indexes = [
            # What is taken in a week, whoever has it, among the visits of years.
            GistIndex(fields=["organization", "during"], name="taken_times_of_clinic"),
        ]
        constraints = [
            ExclusionConstraint(
                name="taken_once_by_provider",
                expressions=[
                    ("provider", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
                condition=_APART,
            ),
            ExclusionConstraint(
                name="taken_once_by_room",
                expressions=[("room", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
                condition=_APART,
            ),
            ExclusionConstraint(
                name="taken_once_by_patient",
                expressions=[
                    ("patient", RangeOperators.EQUAL),
                    ("with_patient", RangeOperators.OVERLAPS),
                ],
                condition=_APART,
            ),
            Policy(name="taken_times", read=SYSTEM, privileges=("SELECT",)),
        ]
        triggers = [
            # That a time was taken or is free again: not whose, not why, not by whom.
            Publish(topics=["calendar:{organization_id}"], columns=["id"], actor=False),
        ]

    def __str__(self) -> str:
        return str(self.during)


class FreedTime(models.Model):
    """A time to come that a visit gave up: queued by trigger, to be offered to who waits for one.

    A job offers it and notes `worked_at`; a sweep finds what was left.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    provider = models.ForeignKey("portal.Provider", models.PROTECT, related_name="+")
    visit_type = models.ForeignKey(VisitType, models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    mode = models.CharField(max_length=10)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # Who gave it up does not want it offered to them.
    given_up_by = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    freed_at = models.DateTimeField(default=timezone.now)
    worked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "freed_times"
        indexes = [
            models.Index(
                fields=["organization", "freed_at"],
                condition=Q(worked_at=None),
                name="freed_times_waiting",
            )
        ]
        constraints = [
            Policy(
                name="freed_times",
                read=SYSTEM,
                write=SYSTEM,
                insert="false",
                delete="false",
                privileges=("SELECT", "UPDATE"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visit_type}, {self.starts_at:%Y-%m-%d %H:%M}"
