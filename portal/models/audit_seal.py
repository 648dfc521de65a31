"""The hash chain of the audit log: a change by whoever has power over the database shows in it.

Written by the database alone (`portal/sql/portal_seal_audit.v1.sql`), looked at by
`manage.py verify_audit`. Neither table has foreign keys: a seal has to outlive a removed entry.
"""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from portal.rls import SYSTEM, Policy, never_emptied


class AuditSeal(models.Model):
    """One link: that an entry was so, at that place of the order, and what stood before it.

    `digest` is the SHA-256 of the digest before it, this number and time, and all that the entry
    says (`portal.audit_chain`). There is one chain for all organizations, so that one line outside
    the database vouches for everything. A seal holds identifiers and a digest, nothing of anybody.
    """

    # 1, 2, 3 … without a hole: the sealer counts, no sequence does.
    number = models.BigIntegerField(primary_key=True)
    entry_id = models.UUIDField(unique=True)
    # Where the entry is found.
    organization_id = models.UUIDField()
    # In which form the entry was made into bytes: a later column is sealed from the next form on.
    form = models.PositiveSmallIntegerField()
    # By the database's clock; an entry that says an earlier time for itself was written late.
    sealed_at = models.DateTimeField()
    digest = models.BinaryField()

    class Meta:
        db_table = "audit_seals"
        ordering = ["number"]
        constraints = [
            Policy(name="audit_seals", tenant=False, read=SYSTEM, privileges=("SELECT",)),
        ]
        triggers = [
            pgtrigger.Protect(
                name="seals_are_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_emptied(),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.digest.hex()[:12]}"


class UnsealedEntry(models.Model):
    """An entry that waits for its seal, for seconds.

    A trigger writes it with the entry, in its transaction, so that writers never wait for one
    another; which entries come late by a long transaction does not matter, because the sealer
    takes what is here and not what is newer than its last one.
    """

    entry_id = models.UUIDField(primary_key=True)
    organization_id = models.UUIDField()
    since = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_unsealed"
        constraints = [
            Policy(name="audit_unsealed", tenant=False, read=SYSTEM, privileges=("SELECT",)),
        ]

    def __str__(self) -> str:
        return str(self.entry_id)
