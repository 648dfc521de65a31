"""The doors of views: who may come in, and to whose record.

A view is either for anyone (sign-in), for members (`members_only`), or for some roles
(`for_roles`). A wrong role gets the same 404 as an unknown address. A patient's record is fetched
through `patient_or_404`, which also puts the reading on record.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from portal import access, audit
from portal.access import Reader
from portal.models import Patient, Role

View = Callable[..., HttpResponse]

STAFF = (Role.NURSE, Role.CLINICIAN, Role.ADMIN)
CLINICAL = (Role.NURSE, Role.CLINICIAN)
PATIENTS = (Role.PATIENT, Role.CAREGIVER)


def members_only(view: View) -> View:
    """Let in whoever is signed in to an organization; others are sent to sign in.

    A fragment asked for by a page that is no longer signed in gets a bare 401: the page's own
    script clears it and offers to sign in, where a redirect would put a sign-in form into a panel.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.reader is None:  # type: ignore[attr-defined]
            if request.headers.get("HX-Request"):
                return HttpResponse(status=401)
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return guarded


def for_roles(*roles: Role) -> Callable[[View], View]:
    """Let in members with one of `roles`; for others the address does not exist."""

    def decorate(view: View) -> View:
        @wraps(view)
        @members_only
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.reader.role not in roles:  # type: ignore[attr-defined]
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def reader_of(request: HttpRequest) -> Reader:
    """The reader of a view behind one of the doors above."""
    reader: Reader | None = request.reader  # type: ignore[attr-defined]
    if reader is None:
        raise Http404
    return reader


def patient_or_404(request: HttpRequest, patient_id: UUID, *, what: str) -> Patient:
    """Return a patient whose record the reader may read, or answer 404; records the reading.

    `what` is a word for the part that is read (`chart`, `vitals`).
    """
    reader = reader_of(request)
    patient = access.visible_patients(reader).filter(pk=patient_id).first()
    if patient is None:
        raise Http404
    note_reading(request, patient, what=what)
    return patient


def note_glance(request: HttpRequest, *, what: str, patients: int) -> None:
    """Put on record that a part of the dashboard showed something of several patients.

    Once for each page: what the dashboard asks for again when something happens is one reading.
    """
    reader = reader_of(request)
    if request.page.must_record("dashboard"):  # type: ignore[attr-defined]
        audit.record(
            "patients.glanced",
            organization_id=reader.organization_id,
            actor_id=reader.user_id,
            patients=patients,
            what=what,
        )


def note_reading(request: HttpRequest, patient: Patient, *, what: str) -> None:
    """Say that the page shows a patient's record, and put that on record.

    A refresh that an event caused is not recorded again: the page that it refreshes already is.
    """
    reader, page = reader_of(request), request.page  # type: ignore[attr-defined]
    page.patient_id = patient.pk
    if page.must_record(f"patient:{patient.pk}"):
        audit.record(
            "patient.read",
            organization_id=reader.organization_id,
            actor_id=reader.user_id,
            subject=patient,
            patient_id=patient.pk,
            what=what,
        )
