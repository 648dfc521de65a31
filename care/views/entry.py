"""A patient, or somebody who cares for one, enters a reading."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from care.actions import record_vital_sign
from care.errors import ImplausibleReading, ReadingError
from care.forms.reading import KINDS, UNITS, ReadingForm
from care.models import Source, VitalSign
from care.subject import Subject, subject_or_none
from care.wording import meaning_of, why_not
from portal.access import of_visible_patients, writable_patients
from portal.doors import PATIENTS, for_roles, reader_of
from portal.models import Patient


@require_safe
@for_roles(*PATIENTS)
def new_reading(request: HttpRequest) -> HttpResponse:
    """Ask what was measured."""
    subject = subject_or_none(request, what="entry")
    context = {
        "subject": subject,
        "patient": subject.patient if subject else None,
        "may_add": subject is not None and _may_add(request, subject),
        "kinds": KINDS,
    }
    return render(request, "care/new_reading.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def new_reading_of(request: HttpRequest, word: str) -> HttpResponse:
    """Ask for the numbers of one kind; save them, or ask whether they are right."""
    if word not in KINDS:
        raise Http404
    subject = subject_or_none(request, what="entry")
    if subject is None or not _may_add(request, subject):
        return redirect(reverse("care:new_reading") + _whose(subject))
    kind = KINDS[word]
    if request.method == "POST":
        form = ReadingForm(kind, request.POST)
        if form.is_valid() and (saved := _save(request, subject.patient, form)):
            return saved
    else:
        form = ReadingForm(kind, initial={"unit": _unit_used(request, subject.patient, kind.code)})
    context = {
        "subject": subject,
        "patient": subject.patient,
        "kind": kind,
        "meaning": meaning_of(kind.code),
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "care/new_reading_of.html", context, status=status)


def _save(request: HttpRequest, patient: Patient, form: ReadingForm) -> HttpResponse | None:
    taken = form.taken
    try:
        reading = record_vital_sign(
            patient.pk,
            code=taken.code,
            value=taken.value,
            components=taken.components,
            unit=taken.unit,
            measured_at=form.cleaned_data["at"],
            by=reader_of(request),
            source=Source.PATIENT,
            is_right=taken.is_right,
            key=form.cleaned_data["key"],
        )
    except Patient.DoesNotExist:
        raise Http404 from None
    except ImplausibleReading:
        form.asked = [form.typed]
        return None
    except ReadingError as error:
        form.add_error(None, why_not(error))
        return None
    return redirect(reverse("care:reading", args=[patient.pk, reading.pk]) + "?saved=1")


def _may_add(request: HttpRequest, subject: Subject) -> bool:
    patients = writable_patients(reader_of(request)).living()
    return patients.filter(pk=subject.patient.pk).exists()


def _unit_used(request: HttpRequest, patient: Patient, code: str) -> str:
    """The unit that this patient's device showed last time."""
    units = [unit for unit, _ in UNITS.get(code, [])]
    if not units:
        return ""
    rows = of_visible_patients(VitalSign.objects.valid(), reader_of(request))
    last = rows.filter(patient=patient, code=code, source=Source.PATIENT).first()
    return last.reported_unit if last and last.reported_unit in units else units[0]


def _whose(subject: Subject | None) -> str:
    return f"?patient={subject.patient.pk}" if subject else ""
