"""The questionnaires that we ship, and those that a clinic has open.

A clinic has a copy of each shipped version, made when it is first looked for: so a new clinic and a
new version need no step of their own. A version that the clinic has retired stays retired.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from care.models import Questionnaire
from care.questionnaires.form import form_of
from portal import access
from portal.access import Reader
from portal.tenancy import acting_for

PHQ_9 = "phq-9"
CHECK_IN = "recovery-check-in"
SHIPPED = (CHECK_IN, PHQ_9)

# The link id of PHQ-9's ninth item: thoughts of being better off dead, or of hurting oneself.
SELF_HARM = "44260-8"

_FOLDER = Path(__file__).parent / "definitions"


@cache
def definition_of(key: str) -> dict[str, Any]:
    """A shipped questionnaire, as FHIR JSON."""
    definition: dict[str, Any] = json.loads((_FOLDER / f"{key}.json").read_text("utf-8"))
    return definition


def open_questionnaires(reader: Reader) -> list[Questionnaire]:
    """The newest version of each questionnaire of the reader's clinic, unless it is retired."""
    held = _held(reader)
    shipped = {(key, int(definition_of(key)["version"])) for key in SHIPPED}
    if not shipped <= {(row.key, row.version) for row in held}:
        install(reader.organization_id)
        held = _held(reader)
    newest = {row.key: row for row in held}
    return [row for row in newest.values() if row.retired_at is None]


def install(organization_id: UUID) -> None:
    """Give a clinic the shipped versions that it does not have yet."""
    with acting_for(organization_id, system=True):
        for key in SHIPPED:
            definition = definition_of(key)
            Questionnaire.objects.get_or_create(
                organization_id=organization_id,
                key=key,
                version=int(definition["version"]),
                defaults={
                    "title": definition["title"],
                    "is_private": form_of(definition).is_private,
                    "definition": definition,
                },
            )


def _held(reader: Reader) -> list[Questionnaire]:
    rows = access.of_organization(Questionnaire.objects.all(), reader)
    return list(rows.order_by("key", "version"))
