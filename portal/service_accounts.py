"""Programs with a key: who one is, and what it may see.

The twin of `portal.access` for what is no person. A service account acts in a context of its own
(`tenancy.bind_service`), in which row-level security shows it what its scopes name and nothing
else: it cannot list patients, only look at the one it names.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal import access, audit, tenancy
from portal.models import Patient, Scope, ServiceAccount

Rows = TypeVar("Rows", bound=QuerySet[Any])

_KEY = re.compile(r"vigil_([0-9a-f]{12})_[\w-]{43}", re.ASCII)
# Whoever knocks with a dead key every second is one line in the audit log, not a thousand.
RECORD_REFUSAL_EVERY = timedelta(minutes=10)
# Compared with a key whose prefix nobody has, so that it takes as long.
_NOBODY = "0" * 64


@dataclass(frozen=True)
class Service:
    """A service account at work in its organization, with what its key opens."""

    account_id: UUID
    organization_id: UUID
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether the account was given a scope."""
        return scope in self.scopes


def service_with(key: str) -> Service | None:
    """The service account that a key opens now, or None; why not is nobody's business.

    Opens a transaction of its own. A key that is right but revoked or expired is put on record for
    the administrators of its organization.
    """
    shape = _KEY.fullmatch(key)
    with tenancy.acting_for(None), connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, organization_id, key_digest, scopes, is_over"
            " FROM portal_find_service_account(%s)",
            [shape[1] if shape else ""],
        )
        row = cursor.fetchone()
    is_right = hmac.compare_digest(ServiceAccount.digest_of(key), row[2] if row else _NOBODY)
    if row is None or not is_right:
        return None
    account_id, organization_id, _, scopes, is_over = row
    if is_over:
        _record_refusal(account_id, organization_id)
        return None
    return Service(account_id, organization_id, frozenset(scopes))


def count_use(service: Service) -> int:
    """Note that the account is used; returns for how many seconds it must wait, or 0."""
    with tenancy.acting_as_service(service.organization_id, service.account_id):
        with connection.cursor() as cursor:
            cursor.execute("SELECT portal_count_service_use()")
            seconds: int | None = cursor.fetchone()[0]
    # None: revoked in between. What follows sees nothing and is told so.
    return seconds or 0


def patient_of(*, by_id: UUID | None = None, by_mrn: str | None = None) -> Patient:
    """The patient whom the service account of this transaction names, by one of the two.

    Carries what a measurement is held against and no name. Raises Patient.DoesNotExist, also for a
    patient of another organization.
    """
    found = Patient.objects.raw(
        "SELECT id, organization_id, mrn, birth_on, deceased_at"
        " FROM portal_patient_of_service(%s, %s)",
        [by_id, by_mrn],
    )
    for patient in found:
        return patient
    raise Patient.DoesNotExist


def of_service(rows: Rows, service: Service, scope: Scope) -> Rows:
    """Rows of the organization for an account that has `scope`, else those that it sent itself."""
    own = {} if service.may(scope) else {"sent_by_id": service.account_id}
    return access.narrow(rows, organization_id=service.organization_id, **own)


def _record_refusal(account_id: UUID, organization_id: UUID) -> None:
    now = timezone.now()
    lately = Q(refused_at__gt=now - RECORD_REFUSAL_EVERY)
    with tenancy.acting_for(organization_id, system=True):
        accounts = ServiceAccount.objects.filter(pk=account_id).exclude(lately)
        if accounts.update(refused_at=now):
            audit.record(
                "service_account.refused",
                organization_id=organization_id,
                actor_id=None,
                subject=ServiceAccount(pk=account_id),
            )
