"""Whether the audit log is as it was sealed: every seal recomputed, nothing beside the chain.

Read as the application, an organization at a time, so that it needs no role that could change
anything; a page at a time, so that the size of the log does not matter. Each seal is held against
the digest that the one before it *has*: a change shows at its own entry, and not at all later ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from portal import audit_chain, tenancy
from portal.audit_anchors import Anchor
from portal.models import Organization, UnsealedEntry

PAGE = 1_000

# The worker seals every ten seconds.
LATE_AFTER = timedelta(minutes=5)

# Of what stands beside the chain, in each organization; the number is told all the same.
MOST_NAMED = 20


# Each is one statement and so one moment: an entry goes from the one table to the other at once.
_STRAYS = """
    SELECT logged.id, count(*) OVER () FROM audit_logs AS logged
    WHERE NOT EXISTS (SELECT FROM audit_seals AS seal WHERE seal.entry_id = logged.id)
      AND NOT EXISTS (SELECT FROM audit_unsealed AS waiting WHERE waiting.entry_id = logged.id)
    ORDER BY logged.at LIMIT %s
"""
_GONE = """
    SELECT waiting.entry_id, count(*) OVER () FROM audit_unsealed AS waiting
    WHERE waiting.organization_id = %s
      AND NOT EXISTS (SELECT FROM audit_logs AS logged WHERE logged.id = waiting.entry_id)
    ORDER BY waiting.since LIMIT %s
"""


class Kind(StrEnum):
    """What is not as it was sealed."""

    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    SEAL_MISSING = "seal missing"
    UNKNOWN_FORM = "unknown form"
    NEVER_SEALED = "never sealed"
    LATE = "late"
    ANCHOR = "anchor"


@dataclass(frozen=True)
class Deviation:
    """`what` is wrong, as a sentence; the entry and the number of the seal where there is one."""

    kind: Kind
    what: str
    entry: UUID | None = None
    seal: int | None = None


@dataclass(frozen=True)
class _Seal:
    number: int
    entry: UUID
    organization: UUID
    form: int
    sealed_at: str
    digest: bytes


def whole() -> Iterator[Deviation]:
    """Everything: what is beside the chain, and every seal in it."""
    # In this order: whatever counts as sealed there is in the chain that is walked afterwards.
    yield from beside()
    yield from waiting_too_long()
    yield from before_the_first()
    head = audit_chain.head()
    if head is not None:
        yield from chain(0, head.number)


def before_the_first() -> Iterator[Deviation]:
    """Seals with numbers that no chain reaches."""
    with tenancy.acting_for(None, system=True):
        before_all = _asked("SELECT number, entry_id FROM audit_seals WHERE number < 1", [])
    for number, entry in before_all:
        yield Deviation(
            Kind.CHANGED, f"Seal {number} stands before the first, where none is", entry, number
        )


def chain(after: int, upto: int) -> Iterator[Deviation]:
    """Recompute the seals with numbers over `after` and up to `upto`."""
    before = _digest_at(after)
    last = after
    while last < upto:
        seals = _seals(last, upto)
        said = _entries(seals)
        for seal in seals:
            if seal.number != last + 1:
                yield _hole(last + 1, seal.number - 1)
                before = None
            yield from _judged(seal, before, said.get(seal.entry))
            before, last = seal.digest, seal.number
        if not seals:
            yield _hole(last + 1, upto)
            return


def beside() -> Iterator[Deviation]:
    """Entries that are not in the chain and do not wait for it."""
    for organization in _organizations():
        with tenancy.acting_for(organization, system=True):
            strays = _asked(_STRAYS, [MOST_NAMED])
            gone = _asked(_GONE, [organization, MOST_NAMED])
        yield from _named(
            strays,
            Kind.NEVER_SEALED,
            f"in organization {organization} was put in past the trigger, or its seal was removed",
        )
        yield from _named(
            gone, Kind.REMOVED, f"in organization {organization} was removed before it was sealed"
        )


def waiting_too_long() -> Iterator[Deviation]:
    """Entries that nobody seals."""
    with tenancy.acting_for(None, system=True):
        late = UnsealedEntry.objects.filter(since__lt=timezone.now() - LATE_AFTER)
        count, oldest = late.count(), late.order_by("since").first()
    if oldest is not None:
        yield Deviation(
            Kind.LATE,
            f"{count:,} entries wait for their seals, the oldest since"
            f" {oldest.since:%Y-%m-%d %H:%M} UTC",
            entry=oldest.entry_id,
        )


def anchored(anchors: Iterable[tuple[int, Anchor | None]]) -> Iterator[Deviation]:
    """Hold the chain against anchors from outside, as `portal.audit_anchors.read` gives them."""
    page: list[tuple[int, Anchor]] = []
    for line, anchor in anchors:
        if anchor is None:
            yield Deviation(Kind.ANCHOR, f"Line {line} of the anchors is not whole")
            continue
        page.append((line, anchor))
        if len(page) == PAGE:
            yield from _compared(page)
            page.clear()
    yield from _compared(page)


def _compared(page: list[tuple[int, Anchor]]) -> Iterator[Deviation]:
    numbers = [anchor.number for _, anchor in page]
    with tenancy.acting_for(None, system=True):
        digests = dict(
            _asked("SELECT number, digest FROM audit_seals WHERE number = ANY (%s)", [numbers])
        )
    for line, anchor in page:
        if anchor.number not in digests:
            what = "there is no such seal: the chain was cut, or an older state was restored"
        elif bytes(digests[anchor.number]) != anchor.digest:
            what = "its seal is another one: the chain up to there was made anew"
        else:
            continue
        yield Deviation(
            Kind.ANCHOR,
            f"Line {line} of the anchors says seal {anchor.number} at {anchor.timestamp}; {what}",
            seal=anchor.number,
        )


def _judged(
    seal: _Seal, before: bytes | None, said: Sequence[str | None] | None
) -> Iterator[Deviation]:
    if said is None:
        yield _absent(seal)
        return
    if seal.form not in audit_chain.FORMS:
        yield Deviation(
            Kind.UNKNOWN_FORM,
            f"Seal {seal.number} has the form {seal.form}, which this version does not know",
            seal.entry,
            seal.number,
        )
        return
    # After a hole there is nothing to hold it against; the hole is told.
    if before is None:
        return
    digest = audit_chain.digest_of(before, seal.form, seal.number, seal.sealed_at, said)
    if digest != seal.digest:
        yield Deviation(
            Kind.CHANGED,
            f"Entry {seal.entry} is not what seal {seal.number} was made for",
            seal.entry,
            seal.number,
        )


def _absent(seal: _Seal) -> Deviation:
    """An entry that is not where its seal says: in another organization, or nowhere."""
    for organization in _organizations():
        with tenancy.acting_for(organization, system=True):
            if _asked("SELECT 1 FROM audit_logs WHERE id = %s", [seal.entry]):
                return Deviation(
                    Kind.MOVED,
                    f"Entry {seal.entry} is in organization {organization}, and seal"
                    f" {seal.number} says {seal.organization}",
                    seal.entry,
                    seal.number,
                )
    return Deviation(
        Kind.REMOVED,
        f"Entry {seal.entry} of seal {seal.number} was removed",
        seal.entry,
        seal.number,
    )


def _hole(first: int, last: int) -> Deviation:
    what = f"Seal {first} is" if first == last else f"The seals {first} to {last} are"
    return Deviation(
        Kind.SEAL_MISSING,
        f"{what} missing, so that the next entry cannot be held against anything",
        seal=first,
    )


def _named(found: list[tuple[Any, ...]], kind: Kind, what: str) -> Iterator[Deviation]:
    for entry, _ in found:
        yield Deviation(kind, f"Entry {entry} {what}", entry)
    if found and (more := found[0][1] - len(found)):
        yield Deviation(kind, f"… and {more:,} more: each {what}")


def _digest_at(number: int) -> bytes | None:
    """The digest before a stretch of the chain: b"" at its beginning."""
    if number == 0:
        return b""
    with tenancy.acting_for(None, system=True):
        found = _asked("SELECT digest FROM audit_seals WHERE number = %s", [number])
    return bytes(found[0][0]) if found else None


def _seals(after: int, upto: int) -> list[_Seal]:
    with tenancy.acting_for(None, system=True):
        found = _asked(
            "SELECT number, entry_id, organization_id, form, extract(epoch FROM sealed_at)::text,"
            " digest FROM audit_seals WHERE number > %s AND number <= %s ORDER BY number LIMIT %s",
            [after, upto, PAGE],
        )
    return [_Seal(*columns) for columns in found]


def _entries(seals: list[_Seal]) -> dict[UUID, tuple[str | None, ...]]:
    """What the entries of these seals say, as texts in the form of each."""
    groups: dict[tuple[UUID, int], list[UUID]] = {}
    for seal in seals:
        groups.setdefault((seal.organization, seal.form), []).append(seal.entry)
    said = {}
    for (organization, form), entries in groups.items():
        # Of one in an unknown form it is asked whether it is there.
        columns = ", ".join(("id", *audit_chain.FORMS.get(form, ())))
        with tenancy.acting_for(organization, system=True):
            for entry, *texts in _asked(
                f"SELECT {columns} FROM audit_logs WHERE id = ANY (%s)",  # noqa: S608 - our own
                [entries],
            ):
                said[entry] = tuple(texts)
    return said


def _organizations() -> list[UUID]:
    return list(Organization.objects.order_by("pk").values_list("pk", flat=True))


def _asked(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
