"""Words in which the description of the API is written."""

from typing import Any

from portal.api.outcomes import FHIR_JSON

TEXT = {"type": "string"}


def object_of(about: str = "", required: list[str] | None = None, /, **fields: Any) -> Any:
    """An object with these fields."""
    described = {"description": about} if about else {}
    needed = {"required": required} if required else {}
    return {"type": "object", **described, **needed, "properties": fields}


def list_of(of: Any) -> Any:
    """A list of these."""
    return {"type": "array", "items": of}


def one_of(*words: str) -> Any:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


def answered(description: str, schema: Any) -> Any:
    """An answer in FHIR's JSON."""
    return {"description": description, "content": {FHIR_JSON: {"schema": schema}}}


def sent(*schemas: Any, kinds: tuple[str, ...] = (FHIR_JSON, "application/json")) -> Any:
    """A body that must be one of these."""
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": list(schemas)}
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


CONCEPT = object_of(
    coding=list_of(object_of(system=TEXT, code=TEXT, display=TEXT)),
    text=TEXT,
)
OUTCOME = object_of(
    "What is wrong, and where.",
    ["resourceType", "issue"],
    resourceType=one_of("OperationOutcome"),
    issue=list_of(
        object_of(severity=TEXT, code=TEXT, diagnostics=TEXT, expression=list_of(TEXT)),
    ),
)
WRONG = {
    400: answered("Not JSON, or a parameter that makes no sense.", OUTCOME),
    401: answered("No key, or one that opens nothing.", OUTCOME),
    403: answered("The key has not this scope, or the page not its proof.", OUTCOME),
    429: answered("The account's minute is full; Retry-After says for how long.", OUTCOME),
}
