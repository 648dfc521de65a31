"""The guard: keeps the stream's samples, finds what is wrong with delivery, and tells who can mend.

It runs beside the leading relay, so that there is one in the installation. All that it remembers
is in the database, and each look holds a lock: a change of leader neither forgets a finding nor
tells it twice. It says nothing clinical, because it reads nothing clinical.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error, connection, connections
from django.utils import timezone

from notifications.actions import cancel_sends, notify
from notifications.models import Kind
from portal import tenancy
from portal.models import Membership, Organization, Role
from portal.operations import anomalies, health, history, measures
from portal.operations.anomalies import RULES, Rule, Standing
from portal.operations.healing import heal, put_on_record
from portal.operations.health import Check
from portal.operations.measures import StreamMeasures
from portal.operations.models import Finding, Grain
from portal.operations.sampling import EVERY_SECONDS, forget_old, grain_of, keep_stream

logger = logging.getLogger(__name__)

# Held for one look. The engine's own locks are the small numbers of the same class.
_LOCK = (1986619241, 100)

_REMEMBERED = ("began_at", "beyond_at", "raised_at", "ended_at", "reason", "is_critical")


async def keep_guard() -> None:
    """Look every ten seconds, until cancelled."""
    before: datetime | None = None
    is_failing = False
    while True:
        # First, so that what a new leader has to catch up with is not taken for a trouble.
        await asyncio.sleep(EVERY_SECONDS)
        now = timezone.now()
        try:
            await asyncio.to_thread(_look_and_let_go, now, grain_of(now, before))
            is_failing = False
        except Error as error:
            # The code and never the text. Said once; the relay says that the database is away.
            if not is_failing:
                logger.error("The guard could not look (%s).", type(error).__name__)
            is_failing = True
        before = now


def _look_and_let_go(now: datetime, grain: Grain) -> None:
    try:
        look(now, grain)
    finally:
        # To the pool: the thread may never be used again.
        connections.close_all()


def look(now: datetime, grain: Grain = Grain.FINE) -> list[Finding]:
    """Look once; return the findings that are open. Raises django.db.Error."""
    stream = measures.of_stream()
    if stream is not None:
        keep_stream(stream, now, grain)
        heal(stream)
    put_on_record()
    found = find(now, stream)
    tell()
    if grain >= Grain.MINUTE:
        forget_old(now)
    return found


def find(now: datetime, stream: StreamMeasures | None) -> list[Finding]:
    """Judge every rule; return what is open and to be told of."""
    with tenancy.acting_for(None, system=True):
        if not _locked():
            return []
        _, checks = health.judged(history.now_of_all(now), stream, history.silent(now))
        by_name = {check.name: check for check in checks}
        standing = {each.rule: each for each in Finding.objects.filter(ended_at=None)}
        for rule in RULES:
            if rule.name in by_name:
                _remember(rule, by_name[rule.name], now, standing.get(rule.name))
        return list(Finding.objects.filter(ended_at=None).exclude(raised_at=None))


def _remember(rule: Rule, check: Check, now: datetime, finding: Finding | None) -> None:
    before = None
    if finding is not None:
        before = Standing(**{name: getattr(finding, name) for name in _REMEMBERED})
    after = anomalies.judged(rule, check, now, before)
    if after == before:
        return
    if after is None:
        # It did not last: nobody was told.
        assert finding is not None
        finding.delete()
        return
    if finding is None:
        finding = Finding(rule=rule.name)
    for name, value in asdict(after).items():
        setattr(finding, name, value)
    finding.save()
    if after.ended_at is not None:
        logger.warning("Well again: %s", rule.name)
    elif after.raised_at == now:
        logger.error("Found: %s", after.reason)


def tell() -> None:
    """Tell the administrators of every organization of what was raised, each once."""
    with tenancy.acting_for(None, system=True):
        if not _locked():
            return
        untold = list(Finding.objects.exclude(raised_at=None).filter(told_at=None, ended_at=None))
        over = list(Finding.objects.exclude(told_at=None).filter(ended_at__gt=_lately()))
        if not untold and not over:
            return
        for organization_id in Organization.objects.values_list("pk", flat=True):
            _tell_organization(organization_id, untold, over)
        now = timezone.now()
        for finding in untold:
            finding.told_at = now
            finding.save(update_fields=["told_at"])


def _tell_organization(
    organization_id: UUID, untold: Iterable[Finding], over: Iterable[Finding]
) -> None:
    with tenancy.acting_for(organization_id, system=True):
        administrators = Membership.objects.active().filter(
            organization_id=organization_id, role=Role.ADMIN
        )
        users = list(administrators.values_list("user_id", flat=True))
        for finding in untold:
            notify(
                users,
                Kind.ALARM,
                patient=None,
                organization_id=organization_id,
                subject_id=finding.pk,
                once=f"operations finding {finding.pk}",
                is_important=finding.is_critical,
            )
        for finding in over:
            # What was not sent yet need not be.
            cancel_sends(finding.pk)


def _lately() -> datetime:
    return timezone.now() - timedelta(seconds=3 * EVERY_SECONDS)


def _locked() -> bool:
    """Whether this transaction is the only one that finds and tells."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        return bool(cursor.fetchone()[0])
