"""The whole examination: every area in order, from what all else needs to what needs all else."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from django.db import Error

from portal.management.doctor import (
    audit,
    bus,
    clinics,
    configuration,
    database,
    functions,
    indexes,
    outside,
    policies,
    relay,
    roles,
    round_trip,
    site_round_trip,
    triggers,
    worker,
)
from portal.management.doctor.finding import Finding, problem
from portal.operations.outage import is_outage, outage_sentence

Look = Callable[[], Iterable[Finding]]

AREAS: dict[str, Look] = {
    "settings": configuration.look,
    "bus": bus.look,
    "database": database.look,
    "roles": roles.look,
    "policies": policies.look,
    "triggers": triggers.look,
    "functions": functions.look,
    "indexes": indexes.look,
    "relay": relay.look,
    "worker": worker.look,
    "audit": audit.look,
    "clinics": clinics.look,
}


@dataclass(frozen=True)
class Wishes:
    """What to look at: some areas or all, and what is looked at only when asked for."""

    areas: tuple[str, ...] = ()
    roundtrip: bool = False
    organization: str | None = None
    site: str | None = None


def examine(wishes: Wishes) -> Iterator[Finding]:
    """Every finding, as it is made. What fails in one area does not keep from looking at others."""
    for name, look in AREAS.items():
        if wishes.areas and name not in wishes.areas:
            continue
        yield from _looked(name, look)
    site, where = wishes.site, wishes.organization
    if wishes.roundtrip:
        yield from _looked("round trip", lambda: round_trip.look(where))
    if site is not None:
        yield from _looked("site", lambda: outside.look(site))
    if site is not None and wishes.roundtrip:
        yield from _looked("round trip", lambda: site_round_trip.look(site, where))


def _looked(area: str, look: Look) -> Iterator[Finding]:
    try:
        for finding in look():
            yield replace(finding, area=area)
    except Error as error:
        yield replace(_unseen(error), area=area)


def _unseen(error: Error) -> Finding:
    if is_outage(error):
        return problem(outage_sentence(error), "Start the database, or correct DATABASE_URL")
    # The code and never the text, which may quote a row.
    code = getattr(error.__cause__, "sqlstate", None) or type(error).__name__
    return problem(
        f"This could not be looked at ({code})",
        "42P01, 42501: run manage.py migrate as the owner; 57014: the database is very busy",
    )
