"""Small FHIR resources, written by us, for what the sample data does not show."""

from typing import Any


def patient(ident: str = "p1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": ident,
        "identifier": [
            {
                "type": {"coding": [{"code": "MR"}]},
                "system": "urn:harbour:mrn",
                "value": f"MRN-{ident}",
            }
        ],
        "name": [{"use": "official", "family": "Vega", "given": ["Lucía"]}],
        "gender": "female",
        "birthDate": "1970-05-06",
        **changes,
    }


def observation(ident: str = "o1", about: str = "Patient/p1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]
        },
        "subject": {"reference": about},
        "effectiveDateTime": "2026-03-01T08:00:00-05:00",
        "valueQuantity": {"value": 72, "unit": "/min", "code": "/min"},
        **changes,
    }


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": f"urn:uuid:{resource.get('id', '')}", "resource": resource}
            for resource in resources
        ],
    }
