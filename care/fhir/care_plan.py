"""CarePlan, with its activities."""

import re
from typing import Any

from care.fhir.coding import SNOMED, chosen, code_of
from care.fhir.entry import Context, Entry
from care.fhir.text import clean
from care.models import CarePlan, CarePlanActivity

_TAGS = re.compile(r"<[^<>]*>")
# Categories that every plan of a profile has say nothing about this one.
_EVERY_PLAN = ("assess-plan", "734163000")


def read(resource: Any, context: Context) -> Entry:
    """A row of `care_plans`, called by its title, else by what it is for."""
    codes = [code_of(category, prefer=SNOMED) for category in resource.category or []]
    telling = [code for code in codes if code.code not in _EVERY_PLAN]
    code = next(iter(telling or codes), None)
    title = clean(resource.title) or (code.display if telling and code else "")
    period = resource.period
    fields = {
        "code": code.code if code else "",
        "code_system": code.system if code else "",
        "display": title or clean(resource.description) or "Care plan",
        "status": chosen(resource.status, CarePlan.Status, "status"),
        "starts_on": context.dates.day(period.start if period else resource.created),
        "ends_on": context.dates.day(period.end if period else None),
    }
    activities = [
        _activity(activity.detail) for activity in resource.activity or [] if activity.detail
    ]
    return Entry(CarePlan, context.patient(resource.subject), fields, activities)


def _activity(detail: Any) -> dict[str, Any]:
    code = code_of(detail.code, prefer=SNOMED)
    description = clean(_TAGS.sub(" ", detail.description or ""))
    return {
        **code.fields(),
        "display": code.display or description or "Activity",
        "detail": description if code.display else "",
        "status": chosen(detail.status, CarePlanActivity.Status, "activity.detail.status"),
    }
