"""Who waits for an earlier time, and what they were offered."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from appointments.models.appointment import Appointment
from appointments.models.room import Room
from appointments.models.visit_type import VisitType
from portal.identifiers import uuid7
from portal.rls import OF_VISIBLE_PATIENT, OF_WRITABLE_PATIENT, SYSTEM, Policy, stays
from realtime.triggers import Publish


class WaitlistEntry(models.Model):
    """A patient would come on these days if a time became free."""

    class DayPart(models.TextChoices):
        ANY = "", "Any time of day"
        MORNING = "morning", "Mornings"
        AFTERNOON = "afternoon", "Afternoons"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    visit_type = models.ForeignKey(VisitType, models.PROTECT, related_name="+")
    # None: whoever of the care team has the time.
    provider = models.ForeignKey("portal.Provider", models.PROTECT, null=True, related_name="+")
    # The visit that would move; without one, a new visit is booked.
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, related_name="+")
    from_on = models.DateField()
    until_on = models.DateField()
    day_part = models.CharField(max_length=10, choices=DayPart.choices, blank=True)
    by = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    # They have their time, or no longer wait.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "waitlist_entries"
        ordering = ["made_at"]
        indexes = [
            models.Index(
                fields=["visit_type", "made_at"],
                condition=Q(ended_at=None),
                name="waitlist_waiting",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="waitlist_entry_days", condition=Q(until_on__gte=F("from_on"))
            ),
            models.UniqueConstraint(
                fields=["patient", "visit_type"],
                condition=Q(ended_at=None),
                name="waitlist_once_per_patient",
            ),
            Policy(
                name="waitlist_entries",
                read=OF_VISIBLE_PATIENT,
                write=OF_WRITABLE_PATIENT,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization", "patient"),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.visit_type}, {self.from_on} to {self.until_on}"


class OfferQuerySet(models.QuerySet["Offer"]):
    """Sets of offers."""

    def open(self) -> "OfferQuerySet":
        """Those that can still be accepted."""
        return self.filter(answer="", expires_at__gt=timezone.now())


class Offer(models.Model):
    """A time that became free, offered to somebody who waits. Several may have the same offer."""

    class Answer(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        TAKEN = "taken", "Somebody else was quicker"
        EXPIRED = "expired", "No answer in time"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+")
    entry = models.ForeignKey(WaitlistEntry, models.PROTECT, related_name="offers")
    visit_type = models.ForeignKey(VisitType, models.PROTECT, related_name="+")
    provider = models.ForeignKey("portal.Provider", models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    mode = models.CharField(max_length=10)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    offered_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    answer = models.CharField(max_length=8, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        db_table = "waitlist_offers"
        ordering = ["-offered_at"]
        indexes = [
            models.Index(
                fields=["organization", "expires_at"], condition=Q(answer=""), name="offers_open"
            )
        ]
        constraints = [
            # Whoever has answered for a time is not asked again, also when a job runs twice.
            models.UniqueConstraint(
                fields=["entry", "provider", "starts_at"], name="waitlist_offer_once"
            ),
            # The system offers: nobody sees who else waits.
            Policy(
                name="waitlist_offers",
                read=OF_VISIBLE_PATIENT,
                write=OF_WRITABLE_PATIENT,
                insert=SYSTEM,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays(
                *("organization", "patient", "entry", "visit_type", "provider"),
                *("room", "mode", "starts_at", "ends_at", "offered_at"),
            ),
            Publish(topics=["patient:{patient_id}"], columns=["id", "patient_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.visit_type}, {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.answer == "" and self.expires_at > timezone.now()
