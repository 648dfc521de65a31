"""What is kept of how delivery went: numbers, and organizations by their identifier.

Samples belong to the installation, because processes, relay and log serve all organizations alike;
how many sockets an organization had is its own. Written by the system, read by administrators.
"""

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, SYSTEM, TENANT, Policy


class Grain(models.IntegerChoices):
    """For how long a sample is worth keeping: the first of each minute, of each ten, or no other.

    The value is the seconds of which it stands for.
    """

    FINE = 10
    MINUTE = 60
    COARSE = 600


def _of_installation(name: str) -> Policy:
    return Policy(
        name=name,
        tenant=False,
        read=ADMIN,
        write=SYSTEM,
        privileges=("SELECT", "INSERT", "DELETE"),
    )


class HubSample(models.Model):
    """One look at the hub of one web process.

    `totals` are counted since that process began (`realtime.tally.Totals`, written by
    `portal.operations.kept_totals`): what happened between two samples is their difference.
    """

    at = models.DateTimeField(default=timezone.now)
    grain = models.PositiveSmallIntegerField(choices=Grain.choices)
    # One run of one process; a restart is another one. `place` says where: host and process id.
    process = models.CharField(max_length=16)
    place = models.CharField(max_length=80)
    sockets = models.PositiveIntegerField()
    channels = models.PositiveIntegerField()
    unsent_bytes = models.PositiveBigIntegerField()
    position = models.BigIntegerField()
    is_fresh = models.BooleanField()
    bus_is_down = models.BooleanField()
    # The process ended as it should after this.
    is_last = models.BooleanField(default=False)
    totals = models.JSONField()

    class Meta:
        db_table = "operation_hub_samples"
        indexes = [models.Index(fields=["at"], name="hub_samples_at")]
        constraints = [_of_installation("operation_hub_samples")]

    def __str__(self) -> str:
        return f"{self.place} at {self.at:%H:%M:%S}: {self.sockets}"


class OrganizationSample(models.Model):
    """How many sockets one organization had in one process, once a minute."""

    # The engine's word for it, unchecked: a look must not fail for want of a row elsewhere.
    organization = models.ForeignKey(
        "portal.Organization", models.PROTECT, db_index=False, db_constraint=False
    )
    at = models.DateTimeField(default=timezone.now)
    grain = models.PositiveSmallIntegerField(choices=Grain.choices)
    process = models.CharField(max_length=16)
    sockets = models.PositiveIntegerField()

    class Meta:
        db_table = "operation_organization_samples"
        indexes = [
            models.Index(fields=["organization", "at"], name="organization_samples_at"),
            models.Index(fields=["at"], name="organization_samples_old"),
        ]
        constraints = [
            # The system writes and forgets those of all organizations in one statement.
            Policy(
                name="operation_organization_samples",
                tenant=False,
                read=f"{SYSTEM} OR ({TENANT} AND {ADMIN})",
                write=SYSTEM,
                privileges=("SELECT", "INSERT", "DELETE"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} at {self.at:%H:%M:%S}: {self.sockets}"


class StreamSample(models.Model):
    """One look at the relay, its inbox and the log, by the process in which the relay leads."""

    at = models.DateTimeField(default=timezone.now)
    grain = models.PositiveSmallIntegerField(choices=Grain.choices)
    process = models.CharField(max_length=16)
    place = models.CharField(max_length=80)
    beat_age = models.FloatField(null=True)
    epoch = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    waiting = models.PositiveBigIntegerField()
    oldest_waiting = models.FloatField()
    dead_letters = models.PositiveBigIntegerField()
    notify_queue = models.FloatField()

    class Meta:
        db_table = "operation_stream_samples"
        indexes = [models.Index(fields=["at"], name="stream_samples_at")]
        constraints = [_of_installation("operation_stream_samples")]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}: position {self.last_seq}"


class AuditRound(models.Model):
    """One verification of the whole audit log, a stretch at a time (`audit_rounds`).

    From seal 1 to `head`, which was the newest when it began; `upto` says how far it has come.
    """

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    head = models.BigIntegerField()
    upto = models.BigIntegerField(default=0)
    # What was not as it was sealed, or as it was anchored. Which they are, verify_audit says.
    deviations = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "operation_audit_rounds"
        ordering = ["-began_at"]
        constraints = [
            Policy(
                name="operation_audit_rounds",
                tenant=False,
                read=ADMIN,
                write=SYSTEM,
                privileges=("SELECT", "INSERT", "UPDATE"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.upto:,} of {self.head:,}: {self.deviations:,}"


class Finding(models.Model):
    """A measure beyond its bound: from when it was, whether that was told, until it is not.

    Without `raised_at` it is only watched: it has not lasted long enough to be told of.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.CharField(max_length=60)
    began_at = models.DateTimeField()
    # When it was last beyond: it ends when that is long enough ago.
    beyond_at = models.DateTimeField()
    raised_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # With the numbers that decided, as they were when it was raised.
    reason = models.CharField(max_length=200, blank=True)
    is_critical = models.BooleanField(default=False)
    # When the administrators of all organizations had been told.
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "operation_findings"
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=models.Q(ended_at=None), name="operation_finding_once"
            ),
            Policy(name="operation_findings", tenant=False, read=ADMIN, write=SYSTEM),
        ]

    def __str__(self) -> str:
        return self.reason or self.rule
