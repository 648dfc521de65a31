"""Goal."""

from typing import Any

from care.fhir.coding import SNOMED, chosen, code_of, codes_of
from care.fhir.entry import Context, Entry
from care.fhir.errors import Refused
from care.models import Goal


def read(resource: Any, context: Context) -> Entry:
    """A row of `goals`; what is due is the first target's date."""
    code = code_of(resource.description, prefer=SNOMED)
    if not code.display:
        raise Refused("description has neither a coding nor a text")
    achievement = codes_of([resource.achievementStatus] if resource.achievementStatus else [])
    known = [each for each in achievement if each in Goal.Achievement.values]
    due = next((each.dueDate for each in resource.target or [] if each.dueDate), None)
    fields = {
        **code.fields(),
        "status": chosen(resource.lifecycleStatus, Goal.Status, "lifecycleStatus"),
        "achievement": next(iter(known), ""),
        "due_on": context.dates.day(due),
    }
    return Entry(Goal, context.patient(resource.subject), fields)
