"""Who is told, and after how long without an answer the next one is."""

import pgtrigger
from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import ADMIN, STAFF, Policy, stays
from realtime.triggers import Publish


class EscalationPolicy(models.Model):
    """A policy of one site. What it says is in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "escalation_policies"
        verbose_name_plural = "escalation policies"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="escalation_policy_name_once"
            ),
            Policy(
                name="escalation_policies",
                read=STAFF,
                write=ADMIN,
                delete="false",
                privileges=("SELECT", "INSERT", "UPDATE"),
            ),
        ]
        triggers = [
            stays("organization"),
            Publish(topics=["staff:{organization_id}"], columns=["id"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def current(self) -> "PolicyVersion":
        """The version that alerts raised now begin with. Raises PolicyVersion.DoesNotExist."""
        version = self.versions.order_by("-number").first()
        if version is None:
            raise PolicyVersion.DoesNotExist
        return version


class PolicyVersion(models.Model):
    """What a policy says, from `created_at` until the next version. Never changed.

    `steps` is a list of mappings, each `{"wait": minutes, "tell": target, "who": which}`: after
    `wait` minutes without an answer (counted from the step before) `tell` somebody, where target is
    `care_team`, `role` (who: nurse, clinician or admin), `on_call` (who: the id of a rota) or
    `person` (who: the id of a user). After the last one it begins again, `repeats` times, `every`
    minutes apart; and from then on it tells `fallback_role` every `every` minutes, without end.
    `alerts.escalation.plan_of` checks and reads it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT)
    policy = models.ForeignKey(EscalationPolicy, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    steps = models.JSONField()
    repeats = models.PositiveSmallIntegerField(default=2)
    every = models.PositiveSmallIntegerField(default=10, help_text="Minutes between two rounds")
    acknowledged_for = models.PositiveSmallIntegerField(
        default=30, help_text="Minutes after which an acknowledgement expires"
    )
    fallback_role = models.CharField(max_length=10, default="nurse")
    # The closed loop: how soon each thing should have happened, in minutes from the result.
    told_within = models.PositiveSmallIntegerField(default=5)
    acknowledged_within = models.PositiveSmallIntegerField(default=30)
    acted_within = models.PositiveSmallIntegerField(default=60)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey("portal.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "escalation_policy_versions"
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once"),
            Policy(
                name="escalation_policy_versions",
                read=STAFF,
                insert=ADMIN,
                privileges=("SELECT", "INSERT"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="policy_version_is_fixed", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            Publish(topics=["staff:{organization_id}"], columns=["id", "policy_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.policy} (version {self.number})"
