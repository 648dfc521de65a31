"""What differs from the weekly shifts: somebody takes a turn, two people swap, a word is left."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from alerts.models.rota import Rota
from alerts.rota import Override
from portal.identifiers import uuid7
from portal.rls import ADMIN, STAFF, Policy, stays
from realtime.triggers import Publish

ME = "(SELECT portal_user())"
# The reader was asked for this turn by the one who gets it.
AGREED = (
    "EXISTS (SELECT 1 FROM shift_swaps AS asked WHERE asked.id = swap_id"  # noqa: S608
    f" AND asked.asked_of_id = {ME} AND asked.asked_by_id = user_id AND asked.ended_at IS NULL"
    " AND asked.takes_series = series AND asked.takes_on = begins_on)"
)


class ShiftSwap(models.Model):
    """Two people's turns, one for the other: asked by one, agreed to by the other or not.

    Agreement is the pair of overrides that point here; without them it is a question.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    rota = models.ForeignKey(Rota, models.PROTECT, related_name="swaps")
    asked_by = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    asked_of = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    # The turn that the asker gives away, and the one that they take instead.
    gives_series = models.UUIDField()
    gives_on = models.DateField()
    takes_series = models.UUIDField()
    takes_on = models.DateField()
    asked_at = models.DateTimeField(default=timezone.now)
    # Declined, taken back, or undone.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "shift_swaps"
        ordering = ["asked_at"]
        constraints = [
            models.CheckConstraint(name="shift_swap_of_two", condition=~Q(asked_by=F("asked_of"))),
            Policy(
                name="shift_swaps",
                read=STAFF,
                write=f"{ADMIN} OR {STAFF} AND {ME} IN (asked_by_id, asked_of_id)",
                insert=f"{STAFF} AND asked_by_id = {ME}",
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays(
                *("organization", "rota", "asked_by", "asked_of"),
                *("gives_series", "gives_on", "takes_series", "takes_on", "asked_at"),
            ),
            Publish(topics=["staff:{organization_id}"], columns=["id", "rota_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.asked_by} and {self.asked_of}, {self.gives_on} for {self.takes_on}"


class ShiftOverrideQuerySet(models.QuerySet["ShiftOverride"]):
    """Sets of overrides."""

    def standing(self) -> "ShiftOverrideQuerySet":
        """Those not withdrawn, the earliest first: in the order in which they apply."""
        return self.filter(withdrawn_at=None).order_by("made_at", "id")


class ShiftOverride(models.Model):
    """Somebody else, or nobody, has a turn (`series`, `begins_on`) or a span of time.

    It is written by whoever takes the time upon themselves, by whoever cannot do it, or by an
    administrator. It is withdrawn, never changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    rota = models.ForeignKey(Rota, models.PROTECT, related_name="overrides")
    user = models.ForeignKey(
        "portal.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who is on call; nobody: the time is empty",
    )
    replaces = models.ForeignKey(
        "portal.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Instead of whom; nobody: one person more",
    )
    series = models.UUIDField(null=True, editable=False)
    begins_on = models.DateField(null=True, editable=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    swap = models.ForeignKey(
        ShiftSwap, models.PROTECT, null=True, editable=False, related_name="overrides"
    )
    by = models.ForeignKey("portal.User", models.PROTECT, editable=False, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = ShiftOverrideQuerySet.as_manager()

    class Meta:
        db_table = "shift_overrides"
        ordering = ["made_at", "id"]
        indexes = [
            models.Index(
                fields=["rota", "made_at"],
                condition=Q(withdrawn_at=None),
                name="shift_overrides_standing",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="shift_override_of_turn_or_span",
                condition=Q(
                    series__isnull=False, begins_on__isnull=False, starts_at=None, ends_at=None
                )
                | Q(series=None, begins_on=None, swap=None, ends_at__gt=F("starts_at")),
                violation_error_message="It must end after it begins.",
            ),
            models.CheckConstraint(
                name="shift_override_changes_something",
                condition=Q(user__isnull=False) | Q(replaces__isnull=False),
                violation_error_message="Say who is on call, or who is not.",
            ),
            models.UniqueConstraint(
                fields=["swap", "series", "begins_on"], name="shift_swap_has_two_halves"
            ),
            Policy(
                name="shift_overrides",
                read=STAFF,
                write=f"{ADMIN} OR {STAFF} AND {ME} IN (by_id, user_id)",
                # In one's own name: I take it, I cannot do it, or I agree to what its new holder
                # has asked me for.
                insert=(
                    f"{ADMIN} OR {STAFF} AND by_id = {ME} AND (user_id = {ME}"
                    f" OR user_id IS NULL AND replaces_id = {ME}"
                    f" OR {AGREED})"
                ),
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays(
                *("organization", "rota", "user", "replaces", "series", "begins_on"),
                *("starts_at", "ends_at", "swap", "by", "made_at"),
            ),
            Publish(topics=["staff:{organization_id}"], columns=["id", "rota_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.user or 'Nobody'} instead of {self.replaces or 'nobody'}"

    @property
    def override(self) -> Override:
        """The row as `alerts.rota` reckons with it."""
        return Override(
            id=self.pk,
            user=self.user_id,
            replaces=self.replaces_id,
            series=self.series,
            begins_on=self.begins_on,
            start=self.starts_at,
            end=self.ends_at,
            swap=self.swap_id,
        )


class Handover(models.Model):
    """Words from one shift to the next. About the shift: alerts are handed over by themselves."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    rota = models.ForeignKey(Rota, models.PROTECT, related_name="handovers")
    by = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    note = models.CharField(max_length=500)

    class Meta:
        db_table = "rota_handovers"
        ordering = ["-at"]
        indexes = [models.Index(fields=["rota", "-at"], name="rota_handovers_latest")]
        constraints = [
            models.CheckConstraint(name="rota_handover_says", condition=~Q(note="")),
            Policy(
                name="rota_handovers",
                read=STAFF,
                insert=f"{STAFF} AND by_id = {ME}",
                privileges=("SELECT", "INSERT"),
            ),
        ]
        triggers = [Publish(topics=["staff:{organization_id}"], columns=["id", "rota_id"])]

    def __str__(self) -> str:
        return f"{self.by}, {self.at:%Y-%m-%d %H:%M}"
