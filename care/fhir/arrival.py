"""A resource on its way in: its place, the name it is kept under, the digest that tells news."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from care.fhir.references import Name
from care.fhir.text import clean

# Part of each digest: raise it when a reader changes what it makes of the same resource, and the
# next import brings the rows up to date.
READING = 2


@dataclass(frozen=True)
class Item:
    """One raw resource at its place in a document."""

    index: int
    resource: Any
    full_url: str = ""


@dataclass
class Arrival:
    """One resource that may be taken; `model` is what validation made of it."""

    item: Item
    name: Name
    digest: str
    model: Any = None


def name_of(item: Item) -> Name | None:
    """The name under which a resource is kept: its id, its `urn:uuid:`, or an identifier."""
    resource = item.resource
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return None
    kind = resource["resourceType"]
    if resource.get("id"):
        return Name(kind, "", clean(resource["id"]))
    if item.full_url.startswith("urn:"):
        return Name(kind, "", clean(item.full_url.rpartition(":")[2]))
    # Nothing is validated yet: it may be anything that JSON can say.
    identifiers = resource.get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else []:
        if isinstance(identifier, dict) and identifier.get("value"):
            return Name(kind, clean(identifier.get("system")), clean(identifier["value"]))
    return None


def digest_of(resource: dict[str, Any], shift_days: int) -> str:
    """What differs when the resource, or the way it is read, is not the same as last time."""
    content = json.dumps(resource, sort_keys=True, default=str)
    return hashlib.sha256(f"{READING} {shift_days} {content}".encode()).hexdigest()
