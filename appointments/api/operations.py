"""Getting a visit: free times under `/api/slots/`, and Argonaut's $find, $hold and $book."""

from collections.abc import Iterable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema
from pydantic import Field

from appointments.api import asking, openapi, resources, searching
from appointments.api.asking import Parameters
from appointments.api.doors import DOORS, Caller, caller_of
from appointments.api.refusing import refusing
from appointments.api.router import clinic_of, router, shown
from appointments.api.slot_names import SlotName
from appointments.calendar import Slot
from appointments.models import Appointment, Hold, VisitType
from portal.api.outcomes import Issue, Unusable, answer
from portal.models import Patient, Provider

slots = Router(auth=DOORS, tags=["Slots"])


class SlotQuery(Schema):
    """What free times may be asked for. Both of the first are needed."""

    patient: str = Field("", max_length=64, description="The id of one patient. Required.")
    service_type: str = Field(
        "", max_length=100, alias="service-type", description="The id of a visit type. Required."
    )
    start: list[str] = Field(
        [], max_length=2, description="Days, with ge, gt, le or lt before each; at most 31 days"
    )
    schedule: str = Field("", max_length=64, description="Schedule/ with the id of a provider")


@slots.get("/", url_name="slots", summary="Free times for one patient", openapi_extra=openapi.SLOTS)
def search_slots(request: HttpRequest, asked: Query[SlotQuery]) -> HttpResponse:
    """A searchset of free times: of one visit type, with the patient's care team."""
    caller = caller_of(request)
    caller.may_read()
    with caller.at_work():
        clinic = clinic_of(caller)
        patient = asking.patient_of(caller, asked.patient)
        visit_type = asking.visit_type_of(caller, asked.service_type, "service-type")
        days = asking.days_of(asked.start, clinic.zone, "start")
        provider_id = (
            asking.uuid_of(asked.schedule, "schedule", "Schedule") if asked.schedule else None
        )
        free = caller.free(visit_type, patient, days.first, days.last, provider_id)
        names = _names(free)
        listed = [resources.slot(each, visit_type, names, clinic.zone) for each in free]
    return answer(searching.bundle(listed, reverse("api:slots")))


@slots.get("/{slot_id}/", url_name="slot", summary="One Slot", openapi_extra=openapi.READ_SLOT)
def read_slot(request: HttpRequest, slot_id: str) -> HttpResponse:
    """Whether a time is still free, for whomever."""
    caller = caller_of(request)
    caller.may_read()
    with caller.at_work():
        zone = clinic_of(caller).zone
        try:
            name = asking.slot_of(slot_id, "id")
            visit_type = asking.visit_type_of(caller, str(name.visit_type_id), "id")
        except Unusable:
            raise _no_slot() from None
        provider = Provider.objects.filter(
            pk=name.provider_id, organization_id=caller.organization_id
        ).first()
        if provider is None:
            raise _no_slot()
        on = name.starts_at.astimezone(zone).date()
        free = caller.open_times(visit_type, provider.pk, on)
        begins = [each for each in free if each.starts_at == name.starts_at]
        wanted = Slot(name.starts_at, name.starts_at + visit_type.duration, provider.pk)
        listed = resources.slot(wanted, visit_type, {provider.pk: provider.name}, zone)
        return answer({**listed, "status": "free" if begins else "busy"})


@router.post(
    "/$find",
    url_name="appointment_find",
    summary="Free times as proposed Appointments",
    openapi_extra=openapi.FIND,
)
def find(request: HttpRequest) -> HttpResponse:
    """Argonaut's $find: `patient`, `visit-type`, `start`, `end` and `practitioner`."""
    caller = caller_of(request)
    caller.may_read()
    asked = Parameters.of(request)
    with caller.at_work():
        clinic = clinic_of(caller)
        patient = _patient(caller, asked)
        visit_type = asking.visit_type_of(caller, asked.text("visit-type"), "visit-type")
        bounds = (("ge", asked.text("start")), ("le", asked.text("end")))
        days = asking.days_of([mark + text for mark, text in bounds if text], clinic.zone, "start")
        practitioner = asked.text("practitioner")
        provider_id = (
            asking.uuid_of(practitioner, "practitioner", "Practitioner") if practitioner else None
        )
        free = caller.free(visit_type, patient, days.first, days.last, provider_id)
        names = _names(free)
        listed = [
            resources.proposed(each, visit_type, patient.pk, names, clinic.zone) for each in free
        ]
    return answer(searching.bundle(listed, ""))


@router.post(
    "/$hold",
    url_name="appointment_hold",
    summary="Keep a free time for a few minutes",
    openapi_extra=openapi.HOLD,
)
def hold(request: HttpRequest) -> HttpResponse:
    """Argonaut's $hold: `patient` and `slot`, or an `appt-resource` as $find gave it."""
    caller = caller_of(request)
    caller.may_write()
    asked = Parameters.of(request)
    with caller.at_work():
        kept = _held(caller, asked)
        zone = clinic_of(caller).zone
        return answer(resources.pending(kept, zone), 201)


@router.post(
    "/$book",
    url_name="appointment_book",
    summary="Book what is held, or a free time at once",
    openapi_extra=openapi.BOOK,
)
def book(request: HttpRequest) -> HttpResponse:
    """Argonaut's $book: `appt-id` of a held time; or what $hold takes, and then both at once."""
    return _booked(caller_of(request), Parameters.of(request))


@router.post(
    "/",
    url_name="appointments",
    summary="Book the free time of a proposed Appointment",
    openapi_extra=openapi.CREATE,
)
def create(request: HttpRequest) -> HttpResponse:
    """The same as $book with an `appt-resource`: slot and patient are what counts in it."""
    offered = asking.resource(request, "Appointment")
    return _booked(caller_of(request), Parameters({"appt-resource": offered}))


def _booked(caller: Caller, asked: Parameters) -> HttpResponse:
    caller.may_write()
    with caller.at_work(), refusing("appt-id"):
        if held := asked.text("appt-id"):
            hold_id = asking.uuid_of(held, "appt-id", "Appointment")
        else:
            patient, _, name = _chosen(caller, asked)
            if (booked := _booked_before(caller, patient, name)) is not None:
                return shown(caller, booked, 200)
            hold_id = _held(caller, asked).pk
        try:
            visit = caller.book(hold_id)
        except Hold.DoesNotExist:
            reason = "names nothing that you hold"
            raise Unusable(404, Issue("not-found", reason, "appt-id")) from None
        return shown(caller, visit, 201)


def _held(caller: Caller, asked: Parameters) -> Hold:
    patient, visit_type, name = _chosen(caller, asked)
    moves = asked.text("moves")
    moves_id = asking.uuid_of(moves, "moves", "Appointment") if moves else None
    with refusing("slot"):
        try:
            kept = caller.hold(
                visit_type, patient, name.provider_id, name.starts_at, asked.text("mode"), moves_id
            )
        except (Patient.DoesNotExist, Provider.DoesNotExist, Appointment.DoesNotExist):
            reason = "This patient is not yours to book for."
            raise Unusable(403, Issue("forbidden", reason, "patient")) from None
    return Hold.objects.select_related("visit_type", "provider").get(pk=kept.pk)


def _chosen(caller: Caller, asked: Parameters) -> tuple[Patient, VisitType, SlotName]:
    """For whom, what and when: from parameters, or from an Appointment as $find gave it."""
    patient, chosen = asking.chosen(asked)
    name = asking.slot_of(chosen, "slot")
    visit_type = asking.visit_type_of(caller, str(name.visit_type_id), "slot")
    if patient:
        return asking.patient_of(caller, patient), visit_type, name
    return _patient(caller, asked), visit_type, name


def _booked_before(caller: Caller, patient: Patient, name: SlotName) -> Appointment | None:
    """The visit that this very request made when it came before."""
    return (
        caller.visits()
        .standing()
        .filter(
            patient=patient,
            provider_id=name.provider_id,
            visit_type_id=name.visit_type_id,
            starts_at=name.starts_at,
        )
        .first()
    )


def _patient(caller: Caller, asked: Parameters) -> Patient:
    return asking.patient_of(caller, asked.text("patient"), asked.record_number("patient"))


def _no_slot() -> Unusable:
    return Unusable(404, Issue("not-found", "There is no such slot."))


def _names(free: Iterable[Slot]) -> dict[UUID, str]:
    providers = Provider.objects.filter(pk__in={each.provider for each in free})
    return dict(providers.values_list("pk", "name"))
