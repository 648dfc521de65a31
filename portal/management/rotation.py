"""Sealing every text again with the key that seals now.

Walks all sealed tables of all organizations in small transactions, in the order of their ids, and
touches only what an older key has sealed: stopped anywhere, it goes on from there when it is run
again. Afterwards it counts what is left, because a process that still runs with the old settings
seals with the old key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import BinaryField, F, Func, Q, QuerySet, Value

from portal.models import Organization
from portal.sealing import CannotOpen, head, primary_key_id
from portal.tenancy import acting_for

# Rows in one transaction: some 20 ms of locks on texts that nobody else writes.
BATCH = 200


class NoOrganization(Exception):
    """No organization is to be seen: a wrong database or role, and never "nothing to do"."""


class Sealed(Protocol):
    """A row with sealed text."""

    pk: UUID

    def reseal(self) -> None: ...


@dataclass
class Tally:
    """What became of one table."""

    table: str
    resealed: int = 0
    left: int = 0
    # Rows whose text does not open: their key is gone, or somebody changed them.
    unopened: list[UUID] = field(default_factory=list)


def sealed_models() -> list[type[models.Model]]:
    """Every model that keeps sealed text; a test sees to it that none is missing."""
    return [model for model in apps.get_models() if hasattr(model, "reseal")]


def sealed_columns(model: type[models.Model]) -> list[str]:
    """The names of a model's sealed columns: they are its only binary ones."""
    return [column.name for column in model._meta.fields if isinstance(column, BinaryField)]


def rotate() -> Iterator[Tally]:
    """Reseal everything; give a tally for each table when it is done."""
    organizations = list(Organization.objects.order_by("pk").values_list("pk", flat=True))
    if not organizations:
        raise NoOrganization
    for model in sealed_models():
        tally = Tally(model._meta.db_table)
        for organization_id in organizations:
            _rotate_within(organization_id, model, tally)
            with acting_for(organization_id, system=True):
                tally.left += _sealed_by_older_keys(model).count()
        yield tally


def _rotate_within(organization_id: UUID, model: type[models.Model], tally: Tally) -> None:
    after = UUID(int=0)
    while True:
        with acting_for(organization_id, system=True):
            older = _sealed_by_older_keys(model).filter(pk__gt=after).order_by("pk")
            rows = cast(list[Sealed], list(older.select_for_update()[:BATCH]))
            resealed = [row for row in rows if _reseal(row, tally)]
            model._default_manager.bulk_update(cast(Any, resealed), sealed_columns(model))
        if not rows:
            return
        tally.resealed += len(resealed)
        after = rows[-1].pk


def _reseal(row: Sealed, tally: Tally) -> bool:
    try:
        row.reseal()
    except CannotOpen:
        tally.unopened.append(row.pk)
        return False
    return True


def _sealed_by_older_keys(model: type[models.Model]) -> QuerySet[Any]:
    begins = head(primary_key_id())
    older = Q()
    rows = model._default_manager.all()
    for column in sealed_columns(model):
        first = Func(
            F(column),
            Value(1),
            Value(len(begins)),
            function="substr",
            output_field=BinaryField(),
        )
        rows = rows.alias(**{f"{column}_head": first})
        older |= ~Q(**{f"{column}_head": begins})
    return rows.filter(older)
