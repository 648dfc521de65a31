"""A panel: a fragment for the page that asks, a page of its own for whoever follows its link.

Pages combine apps by address (design section 2): each place is a plain link to its panel, so that
nothing needs JavaScript.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.models import Patient


def panel(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    title: str,
    patient: Patient | None = None,
) -> HttpResponse:
    """Answer with the fragment `template`, or with a whole page of it when htmx did not ask.

    `patient` puts the patient's header above the panel on a clinician's page.
    """
    if request.headers.get("HX-Request"):
        return render(request, template, context)
    reader = request.reader  # type: ignore[attr-defined]
    return render(
        request,
        "portal/panel_page.html",
        {
            **context,
            "panel": template,
            "panel_title": title,
            "header_patient": patient if reader.is_staff else None,
            "layout": "layouts/staff.html" if reader.is_staff else "layouts/patient.html",
        },
    )
