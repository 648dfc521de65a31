"""Giving a program a key, another one, and taking it away: an administrator's acts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portal import audit
from portal.access import Reader, of_organization
from portal.actions.errors import AccountRevoked
from portal.models import ServiceAccount


@transaction.atomic
def create_service_account(
    name: str,
    *,
    scopes: Sequence[str],
    expires_at: datetime,
    requests_per_minute: int,
    by: Reader,
) -> tuple[ServiceAccount, str]:
    """Make an account in the administrator's organization; returns it and its key.

    The key is nowhere else: whoever loses it needs another one.
    """
    account = ServiceAccount(
        organization_id=by.organization_id,
        name=name,
        scopes=list(scopes),
        expires_at=expires_at,
        requests_per_minute=requests_per_minute,
        created_by_id=by.user_id,
    )
    key = account.make_key()
    account.save(force_insert=True)
    _record("service_account.created", account, by)
    return account, key


@transaction.atomic
def renew_key(account_id: UUID, *, by: Reader) -> tuple[ServiceAccount, str]:
    """Give an account another key, which ends the one before at once; returns both.

    The account stays who it is, and may still correct what it sent. Raises
    ServiceAccount.DoesNotExist or AccountRevoked.
    """
    account = _locked(account_id, by)
    if account.revoked_at is not None:
        raise AccountRevoked
    key = account.make_key()
    account.save(update_fields=["key_prefix", "key_digest"])
    _record("service_account.key_renewed", account, by)
    return account, key


@transaction.atomic
def revoke_service_account(account_id: UUID, *, by: Reader) -> bool:
    """End an account for good, in this moment; False when it had ended already.

    Raises ServiceAccount.DoesNotExist.
    """
    account = _locked(account_id, by)
    if account.revoked_at is not None:
        return False
    account.revoked_at = timezone.now()
    account.save(update_fields=["revoked_at"])
    _record("service_account.revoked", account, by)
    return True


def _locked(account_id: UUID, by: Reader) -> ServiceAccount:
    accounts = of_organization(ServiceAccount.objects.all(), by)
    return accounts.select_for_update(of=["self"]).get(pk=account_id)


def _record(action: str, account: ServiceAccount, by: Reader) -> None:
    audit.record(
        action,
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=account,
        scopes=", ".join(account.scopes),
    )
