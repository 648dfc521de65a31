"""Rounds: the whole audit log is verified once a day, a stretch of it a minute, in the job worker.

`manage.py verify_audit` does the same at once and names what it finds; a round counts. It needs
nobody who sets up a timer, a restart costs it one stretch, and how long the log is does not matter.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from django.conf import settings

from portal import audit_anchors, audit_chain, tenancy
from portal.management import verification
from portal.management.verification import Deviation
from portal.operations.models import AuditRound

logger = logging.getLogger(__name__)

# Seals of one stretch: three seconds or so. A million entries take two hours.
STRETCH = 10_000

EVERY = timedelta(days=1)
# While something is found it is looked for again soon, so that it is over when it is mended.
EVERY_WHILE_AMISS = timedelta(hours=1)


def verify_on(now: datetime) -> AuditRound | None:
    """Verify the next stretch, if a round is under way or due; return the round as it is then."""
    current = _under_way() or _begun(now)
    if current is None:
        return None
    upto = min(current.upto + STRETCH, current.head)
    found = _number(verification.chain(current.upto, upto))
    is_last = upto == current.head
    if is_last:
        found += _number(_anchored())
    with tenancy.acting_for(None, system=True):
        # Two workers may have done the same stretch: the first of them has counted it.
        AuditRound.objects.filter(pk=current.pk, upto=current.upto, ended_at=None).update(
            upto=upto,
            deviations=current.deviations + found,
            ended_at=now if is_last else None,
        )
        return AuditRound.objects.get(pk=current.pk)


def _under_way() -> AuditRound | None:
    with tenancy.acting_for(None, system=True):
        return AuditRound.objects.filter(ended_at=None).order_by("began_at").first()


def _begun(now: datetime) -> AuditRound | None:
    """A new round, if it is time for one."""
    with tenancy.acting_for(None, system=True):
        last = AuditRound.objects.order_by("-began_at").first()
    if last and now - last.began_at < (EVERY_WHILE_AMISS if last.deviations else EVERY):
        return None
    # First, as in `verification.whole`: what counts as sealed here is in the chain up to the head.
    found = _number(chain(verification.beside(), verification.before_the_first()))
    head = audit_chain.head()
    with tenancy.acting_for(None, system=True):
        return AuditRound.objects.create(
            began_at=now, head=head.number if head else 0, deviations=found
        )


def _anchored() -> Iterable[Deviation]:
    path = settings.AUDIT_ANCHOR_FILE
    if not path:
        return
    try:
        yield from verification.anchored(audit_anchors.read(Path(path)))
    except FileNotFoundError:
        # Made with the first anchor. That a later one is missing is what the doctor looks for.
        return
    except OSError as error:
        logger.error("AUDIT_ANCHOR_FILE could not be read (%s).", error.strerror)


def _number(deviations: Iterable[Deviation]) -> int:
    return sum(1 for _ in deviations)
