"""What the description of the API says about FHIR bodies: the parts that count here.

The whole of Observation is FHIR's to describe (hl7.org/fhir/R4/observation.html); a validator of
all of it checks what comes in.
"""

from typing import Any

from portal.api.openapi import (
    CONCEPT,
    OUTCOME,
    TEXT,
    WRONG,
    answered,
    list_of,
    object_of,
    one_of,
    sent,
)

_QUANTITY = object_of(
    "A value with its unit, in UCUM. Known analytes are converted into one unit of their own.",
    value={"type": "number"},
    unit=TEXT,
    system=TEXT,
    code=TEXT,
    comparator={"type": "string", "enum": ["<", "<=", ">=", ">"]},
)
_IDENTIFIER = object_of(system=TEXT, value=TEXT, type=CONCEPT)
OBSERVATION = object_of(
    "A FHIR R4 Observation.",
    ["resourceType", "status", "code", "subject"],
    resourceType=one_of("Observation"),
    id={"type": "string", "format": "uuid", "readOnly": True},
    identifier=list_of(_IDENTIFIER),
    status=TEXT,
    category=list_of(CONCEPT),
    code=CONCEPT,
    subject=object_of(
        "Patient/ with an id of this portal, or an identifier of type MR with the record number.",
        reference=TEXT,
        identifier=_IDENTIFIER,
    ),
    effectiveDateTime=TEXT,
    valueQuantity=_QUANTITY,
    valueString=TEXT,
    component=list_of(object_of(code=CONCEPT, valueQuantity=_QUANTITY, valueString=TEXT)),
    interpretation=list_of(CONCEPT),
    referenceRange=list_of(object_of(low=_QUANTITY, high=_QUANTITY)),
)
# What a person has entered has no identifier of a sender.
_SENT = OBSERVATION | {"required": [*OBSERVATION["required"], "identifier"]}
BUNDLE = object_of(
    "A FHIR R4 Bundle.",
    ["resourceType", "type"],
    resourceType=one_of("Bundle"),
    type=TEXT,
    link=list_of(object_of(relation=TEXT, url=TEXT)),
    entry=list_of(
        object_of(
            fullUrl=TEXT,
            resource=OBSERVATION,
            request=object_of(method=one_of("POST"), url=one_of("Observation")),
            response=object_of(status=TEXT, location=TEXT, outcome=OUTCOME),
        )
    ),
)


SEND: dict[str, Any] = {
    "requestBody": sent(_SENT, BUNDLE),
    "responses": {
        200: answered(
            "The same observation as before, unchanged or corrected; or a Bundle with what became"
            " of each entry.",
            {"oneOf": [OBSERVATION, BUNDLE]},
        ),
        201: answered("A new observation, committed.", OBSERVATION),
        **WRONG,
        409: answered("The identifier names an observation that is not yours.", OUTCOME),
        413: answered("Too much at once.", OUTCOME),
        415: answered("Not JSON by its type.", OUTCOME),
        422: answered("Not FHIR R4, or a rule refuses it: every place with its reason.", OUTCOME),
    },
}
SEARCH: dict[str, Any] = {
    "responses": {
        200: answered("A searchset; `link` leads to the next page.", BUNDLE),
        **WRONG,
        404: answered("No patient whom you may read.", OUTCOME),
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
                        "patient": TEXT,
                        "patient.identifier": TEXT,
                        "code": TEXT,
                        "date": list_of(TEXT),
                        "_count": {"type": "integer"},
                        "page": TEXT,
                    },
                }
            }
        },
    },
    "responses": {**SEARCH["responses"], 415: answered("Not a form.", OUTCOME)},
}
READ: dict[str, Any] = {
    "responses": {
        200: answered("The observation.", OBSERVATION),
        **{status: WRONG[status] for status in (401, 403, 429)},
        404: answered("No such observation, or none that you may read.", OUTCOME),
    },
}
