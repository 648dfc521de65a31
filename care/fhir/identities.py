"""Which row each imported resource became."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from care.fhir.errors import Refused
from care.fhir.references import Name
from care.models import FhirIdentity

_LONGEST = 255


class Known(NamedTuple):
    """What is on record about one name."""

    identity_id: UUID
    table: str
    row_id: UUID
    digest: str


class Identities:
    """The names known in one organization, read in advance and kept for one transaction."""

    def __init__(self, organization_id: UUID) -> None:
        self.organization_id = organization_id
        self._known: dict[Name, Known | None] = {}
        self._new: list[FhirIdentity] = []
        self._moved: list[FhirIdentity] = []

    def load(self, names: Iterable[Name]) -> None:
        """Read many names at once, one query for each type and system."""
        wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name in names:
            if name not in self._known:
                self._known[name] = None
                wanted[name.resource_type, name.system].add(name.value)
        for (resource_type, system), values in wanted.items():
            for row in FhirIdentity.objects.filter(
                organization_id=self.organization_id,
                resource_type=resource_type,
                system=system,
                value__in=values,
            ):
                name = Name(resource_type, system, row.value)
                self._known[name] = Known(row.pk, row.table, row.row_id, row.digest)

    def get(self, name: Name) -> Known | None:
        """What is known about one name; reads it when it was not read in advance."""
        if name not in self._known:
            self.load([name])
        return self._known[name]

    def row_of(self, name: Name) -> UUID | None:
        """The row that a resource became, or None."""
        known = self.get(name)
        return known.row_id if known else None

    def remember(self, name: Name, table: str, row_id: UUID, digest: str = "") -> None:
        """Note which row a resource is; written by `save`."""
        if len(name.value) > _LONGEST or len(name.system) > _LONGEST:
            raise Refused("an identifier is longer than 255 characters")
        known = self.get(name)
        if known and known[1:] == (table, row_id, digest):
            return
        row = FhirIdentity(
            organization_id=self.organization_id,
            resource_type=name.resource_type,
            system=name.system,
            value=name.value,
            table=table,
            row_id=row_id,
            digest=digest,
        )
        if known:
            row.pk = known.identity_id
        (self._moved if known else self._new).append(row)
        self._known[name] = Known(row.pk, table, row_id, digest)

    def save(self) -> None:
        """Write what was remembered since the last time."""
        FhirIdentity.objects.bulk_create(self._new, batch_size=1000)
        if self._moved:
            for row in self._moved:
                row.imported_at = timezone.now()
            FhirIdentity.objects.bulk_update(
                self._moved, ["table", "row_id", "digest", "imported_at"], batch_size=500
            )
        self._new, self._moved = [], []

    def forget(self) -> None:
        """Drop what was remembered and not written: its savepoint was rolled back."""
        for row in self._new + self._moved:
            self._known.pop(Name(row.resource_type, row.system, row.value), None)
        self._new, self._moved = [], []
