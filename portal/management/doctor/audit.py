"""The audit log's chain: sealed in time, and its end as it was sealed.

`manage.py verify_audit` looks at all of it; this is what can be looked at every quarter of an hour.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from portal import audit_anchors, audit_chain, tenancy
from portal.management import verification
from portal.management.doctor.catalogue import rows
from portal.management.doctor.finding import Finding, judged, ok, problem, warning
from portal.models import AuditSeal

# How many seals are recomputed, from the newest back.
LAST = 1_000

# The worker anchors once a minute.
ANCHOR_LATE_AFTER = timedelta(minutes=10)

_NO_ANCHORS = "See that a worker runs, with the same setting, and may write the file"
_VERIFY = "Run manage.py verify_audit; what to do then is in docs/runbook.md"


def look() -> Iterator[Finding]:
    """The trigger, what waits, the newest seals, the newest anchor."""
    yield _trigger()
    yield judged(
        "Entries are sealed within minutes",
        [late.what for late in verification.waiting_too_long()],
        "See that a worker runs: it seals every ten seconds",
    )
    head = audit_chain.head()
    if head is None:
        yield ok("Nothing is sealed yet")
        return
    upto = head.number
    yield judged(
        f"The newest of {upto:,} seals fit their entries",
        [deviation.what for deviation in verification.chain(max(0, upto - LAST), upto)],
        _VERIFY,
    )
    yield _anchor()


def _trigger() -> Finding:
    found = rows(
        "SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'audit_logs'::regclass"
        " AND tgname = 'audit_awaits_seal'"
    )
    return judged(
        "Every new entry is put down to be sealed",
        [] if found == [("O",)] else ["audit_awaits_seal of audit_logs is missing or switched off"],
        "ALTER TABLE audit_logs ENABLE TRIGGER audit_awaits_seal as the owner; then manage.py"
        " verify_audit names the entries that came in meanwhile",
    )


def _anchor() -> Finding:
    """The newest anchor of the file, where there is one: it must hold, and not be old."""
    if not settings.AUDIT_ANCHOR_FILE:
        return ok("Anchors go to the log of the worker: keep it on another machine")
    path = Path(settings.AUDIT_ANCHOR_FILE)
    try:
        newest = audit_anchors.newest(path)
    except OSError as error:
        return warning(
            f"AUDIT_ANCHOR_FILE cannot be read here ({error.strerror})",
            "Let the user of this command read it, or look where the worker runs",
        )
    if newest is None:
        return warning("AUDIT_ANCHOR_FILE holds no anchor", _NO_ANCHORS)
    if found := list(verification.anchored([(0, newest)])):
        return problem(f"The newest anchor does not hold: seal {found[0].seal}", _VERIFY)
    with tenancy.acting_for(None, system=True):
        is_late = AuditSeal.objects.filter(
            number=newest.number + 1, sealed_at__lt=timezone.now() - ANCHOR_LATE_AFTER
        ).exists()
    if is_late:
        return warning(
            f"Seal {newest.number:,} was the last that AUDIT_ANCHOR_FILE was told of", _NO_ANCHORS
        )
    return ok(f"The newest anchor, of seal {newest.number:,}, holds")
