"""Bookings as programs send them."""

APPOINTMENTS, SLOTS = "/api/appointments/", "/api/slots/"
FIND, HOLD, BOOK = (f"{APPOINTMENTS}${name}" for name in ("find", "hold", "book"))


def parameters(**named):
    """A Parameters resource: references and texts by name; `_` stands for `-`."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name.replace("_", "-"), **_value(value)} for name, value in named.items()
        ],
    }


def by_number(number):
    """A patient by the clinic's record number."""
    return {"type": {"coding": [{"code": "MR"}]}, "value": number}


def patient_of(person):
    """A patient by their id."""
    return f"Patient/{person.patient.pk}"


def entries(answer):
    """The resources of a searchset."""
    assert answer.status_code == 200, answer.content
    assert answer.json()["resourceType"] == "Bundle"
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def slot_of(resource):
    """The slot of an Appointment."""
    return resource["slot"][0]["reference"]


def _value(value):
    if isinstance(value, dict):
        return {"resource": value} if "resourceType" in value else {"valueIdentifier": value}
    return {"valueReference": {"reference": value}} if "/" in value else {"valueString": value}
