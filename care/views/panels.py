"""The panels of a patient's chart: each a fragment for htmx and a page of its own.

A panel's root is a live region whose address answers with exactly that region, so a refresh puts
the same thing in the same place. Staff and patients have the same addresses; the words differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language_info
from django.views.decorators.http import require_safe

from care import record
from portal.access import Reader
from portal.doors import members_only, patient_or_404, reader_of
from portal.models import Patient

Contents = Callable[[Patient, Reader], dict[str, Any]]


@dataclass(frozen=True)
class Panel:
    """A part of the record: its name in addresses, its titles, and what it shows."""

    name: str
    title: str  # for staff
    plain_title: str  # for patients
    contents: Contents

    @property
    def template(self) -> str:
        return f"care/_{self.name}.html"


def summary_of(patient: Patient, reader: Reader) -> dict[str, Any]:
    """Who this is in one look: what they recover from, have, take, and when they last measured."""
    shown = record.vital_signs(patient, reader)
    return {
        "recovery": record.recovery(patient, reader),
        "flagged_tiles": [tile for tile in shown["tiles"] if tile.trace.latest.flag],
        "language": language_name(patient.language),
        **record.conditions(patient, reader),
        **record.medications(patient, reader),
        **shown,
    }


def language_name(tag: str) -> str:
    """“es-MX” gives “Spanish”; a tag nobody knows stays as it is."""
    try:
        return str(get_language_info(tag.split("-", maxsplit=1)[0].lower())["name"])
    except KeyError:
        return tag


SUMMARY = Panel("summary", "Summary", "Summary", summary_of)
VITALS = Panel("vitals", "Vital signs", "Readings", record.vital_signs)
PLAN = Panel("plan", "Plan", "Plan", record.plan)
MEDICATIONS = Panel("medications", "Medications", "Medicines", record.medications)
CONDITIONS = Panel("conditions", "Conditions", "Health problems", record.conditions)
LABORATORY = Panel("laboratory", "Laboratory", "Lab results", record.laboratory)
ENCOUNTERS = Panel("encounters", "Encounters", "Visits so far", record.encounters)
PANELS = (SUMMARY, VITALS, PLAN, MEDICATIONS, CONDITIONS, LABORATORY, ENCOUNTERS)


def view_of(panel: Panel) -> Callable[..., HttpResponse]:
    """The view of one panel."""

    @require_safe
    @members_only
    def view(request: HttpRequest, patient_id: UUID) -> HttpResponse:
        patient = patient_or_404(request, patient_id, what=panel.name)
        reader = reader_of(request)
        context = {"patient": patient, "is_team": reader.is_staff}
        context |= panel.contents(patient, reader)
        return fragment_or_page(
            request,
            panel.template,
            context,
            title=panel.title if reader.is_staff else panel.plain_title,
        )

    view.__name__ = f"panel_{panel.name}"
    view.__doc__ = f"Show the panel “{panel.title}”."
    return view


def fragment_or_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, title: str
) -> HttpResponse:
    """Answer htmx with the fragment alone, anybody else with a page around it."""
    if request.htmx and not request.htmx.boosted:  # type: ignore[attr-defined]
        return render(request, template, context)
    return render(request, "care/panel.html", {**context, "fragment": template, "title": title})
