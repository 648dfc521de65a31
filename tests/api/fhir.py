"""Observations as programs send them."""

from datetime import timedelta

from django.utils import timezone

PATH = "/api/observations/"
SYSTEM = "urn:gateway"
FUTURE = "2099-01-01T00:00:00Z"


def heart_rate(patient=None, number="1", value=72, **changes):
    """A FHIR Observation of a pulse, of the patient with an id, else of Ana by record number."""
    at = timezone.now() - timedelta(minutes=5)
    subject = (
        {"reference": f"Patient/{patient}"}
        if patient
        else {"identifier": {"type": {"coding": [{"code": "MR"}]}, "value": "4471"}}
    )
    return {
        "resourceType": "Observation",
        "identifier": [{"system": SYSTEM, "value": number}],
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": subject,
        "effectiveDateTime": at.replace(microsecond=0).isoformat(),
        "valueQuantity": {
            "value": value,
            "unit": "beats/minute",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        },
    } | changes


def bundle(*resources, type="batch"):
    """A Bundle that asks for each of the resources to be created."""
    return {
        "resourceType": "Bundle",
        "type": type,
        "entry": [
            {"resource": resource, "request": {"method": "POST", "url": "Observation"}}
            for resource in resources
        ],
    }


def issues(answer):
    """The mistakes of an OperationOutcome, as (path, code)."""
    assert answer["Content-Type"] == "application/fhir+json"
    assert answer.json()["resourceType"] == "OperationOutcome"
    return [(each.get("expression", [""])[0], each["code"]) for each in answer.json()["issue"]]
