"""What the description of the API says about FHIR bodies: the parts that count here.

The whole of Observation is FHIR's to describe (hl7.org/fhir/R4/observation.html); a validator of
all of it checks what comes in.
"""

from typing import Any

from portal.api.outcomes import FHIR_JSON

_TEXT = {"type": "string"}


def _object(description: str = "", required: list[str] | None = None, **fields: Any) -> Any:
    described = {"description": description} if description else {}
    needed = {"required": required} if required else {}
    return {"type": "object", **described, **needed, "properties": fields}


def _list(of: Any) -> Any:
    return {"type": "array", "items": of}


def _is(word: str) -> Any:
    return {"type": "string", "enum": [word]}


_CONCEPT = _object(
    coding=_list(_object(system=_TEXT, code=_TEXT, display=_TEXT)),
    text=_TEXT,
)
_QUANTITY = _object(
    "A value with its unit, in UCUM. Known analytes are converted into one unit of their own.",
    value={"type": "number"},
    unit=_TEXT,
    system=_TEXT,
    code=_TEXT,
    comparator={"type": "string", "enum": ["<", "<=", ">=", ">"]},
)
_IDENTIFIER = _object(system=_TEXT, value=_TEXT, type=_CONCEPT)
OBSERVATION = _object(
    "A FHIR R4 Observation.",
    ["resourceType", "status", "code", "subject", "identifier"],
    resourceType=_is("Observation"),
    id={"type": "string", "format": "uuid", "readOnly": True},
    identifier=_list(_IDENTIFIER),
    status=_TEXT,
    category=_list(_CONCEPT),
    code=_CONCEPT,
    subject=_object(
        "Patient/ with an id of this portal, or an identifier of type MR with the record number.",
        reference=_TEXT,
        identifier=_IDENTIFIER,
    ),
    effectiveDateTime=_TEXT,
    valueQuantity=_QUANTITY,
    valueString=_TEXT,
    component=_list(_object(code=_CONCEPT, valueQuantity=_QUANTITY, valueString=_TEXT)),
    interpretation=_list(_CONCEPT),
    referenceRange=_list(_object(low=_QUANTITY, high=_QUANTITY)),
)
OUTCOME = _object(
    "What is wrong, and where.",
    ["resourceType", "issue"],
    resourceType=_is("OperationOutcome"),
    issue=_list(
        _object(severity=_TEXT, code=_TEXT, diagnostics=_TEXT, expression=_list(_TEXT)),
    ),
)
BUNDLE = _object(
    "A FHIR R4 Bundle.",
    ["resourceType", "type"],
    resourceType=_is("Bundle"),
    type=_TEXT,
    link=_list(_object(relation=_TEXT, url=_TEXT)),
    entry=_list(
        _object(
            fullUrl=_TEXT,
            resource=OBSERVATION,
            request=_object(method=_is("POST"), url=_is("Observation")),
            response=_object(status=_TEXT, location=_TEXT, outcome=OUTCOME),
        )
    ),
)


def _answer(description: str, schema: Any) -> Any:
    return {"description": description, "content": {FHIR_JSON: {"schema": schema}}}


_WRONG = {
    400: _answer("Not JSON, or a parameter that makes no sense.", OUTCOME),
    401: _answer("No key, or one that opens nothing.", OUTCOME),
    403: _answer("The key has not this scope, or the page not its proof.", OUTCOME),
    429: _answer("The account's minute is full; Retry-After says for how long.", OUTCOME),
}
SEND: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"oneOf": [OBSERVATION, BUNDLE]}}
            for kind in (FHIR_JSON, "application/json")
        },
    },
    "responses": {
        200: _answer(
            "The same observation as before, unchanged or corrected; or a Bundle with what became"
            " of each entry.",
            {"oneOf": [OBSERVATION, BUNDLE]},
        ),
        201: _answer("A new observation, committed.", OBSERVATION),
        **_WRONG,
        409: _answer("The identifier names an observation that is not yours.", OUTCOME),
        413: _answer("Too much at once.", OUTCOME),
        415: _answer("Not JSON by its type.", OUTCOME),
        422: _answer("Not FHIR R4, or a rule refuses it: every place with its reason.", OUTCOME),
    },
}
SEARCH: dict[str, Any] = {
    "responses": {
        200: _answer("A searchset; `link` leads to the next page.", BUNDLE),
        **_WRONG,
        404: _answer("No patient whom you may read.", OUTCOME),
    },
}
SEARCH_BY_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "patient": _TEXT,
                        "patient.identifier": _TEXT,
                        "code": _TEXT,
                        "date": _list(_TEXT),
                        "_count": {"type": "integer"},
                        "page": _TEXT,
                    },
                }
            }
        },
    },
    "responses": {**SEARCH["responses"], 415: _answer("Not a form.", OUTCOME)},
}
READ: dict[str, Any] = {
    "responses": {
        200: _answer("The observation.", OBSERVATION),
        **{status: _WRONG[status] for status in (401, 403, 429)},
        404: _answer("No such observation, or none that you may read.", OUTCOME),
    },
}
