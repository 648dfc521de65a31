"""Who is meant: references between resources, as names that identities are kept under."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from care.fhir.text import clean

_RELATIVE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]+)?")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?identifier=(?:([^|]*)\|)?(.+)")


class Name(NamedTuple):
    """One name of a resource: its id (`system` is "") or a business identifier."""

    resource_type: str
    system: str
    value: str


@dataclass
class References:
    """Resolves the references of one document. `full_urls` are those of its entries."""

    full_urls: dict[str, Name]

    def name(self, reference: Any, resource_type: str) -> Name | None:
        """The name that a FHIR Reference stands for, or None when it names no `resource_type`."""
        if reference is None:
            return None
        text = clean(reference.reference)
        if not text:
            identifier = reference.identifier
            if identifier is None or not identifier.value:
                return None
            return Name(resource_type, clean(identifier.system), clean(identifier.value))
        name = self._named(text, resource_type)
        return name if name and name.resource_type == resource_type else None

    def _named(self, text: str, resource_type: str) -> Name | None:
        if text in self.full_urls:
            return self.full_urls[text]
        if text.startswith("urn:"):
            return Name(resource_type, "", text.rpartition(":")[2])
        if found := _CONDITIONAL.fullmatch(text):
            return Name(found[1], found[2] or "", found[3])
        if found := _RELATIVE.fullmatch(text):
            return Name(found[1], "", found[2])
        return None


def shown(reference: Any) -> str:
    """A reference as a report may print it: identifiers only, never the display."""
    if reference is None:
        return "?"
    return clean(reference.reference) or "by identifier"
