"""SIU: what another system's schedule says of a visit, and that it happens here, once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from appointments.models import Appointment, Change, Reminder
from notifications.models import Notification
from portal.management.hl7.intake import Hl7Intake
from portal.management.hl7.messages import read
from portal.management.hl7.schedules import Numbers, Unclear, numbers_of, plan_of
from portal.management.hl7.visits import TAKEN
from portal.models import Patient
from tests.hl7.samples import ADA, at, header, sample, siu

ZONE = ZoneInfo("America/New_York")


@pytest.fixture
def intake(clinic, cast):
    return Hl7Intake(clinic)


@pytest.fixture
def visits(system):
    def visits():
        with system():
            return list(
                Appointment.objects.select_related("provider", "room").order_by("starts_at")
            )

    return visits


@pytest.fixture
def told(system):
    """`told(person)`: of how many visits somebody was told."""

    def told(person):
        with system():
            return Notification.objects.filter(user_id=person.user.pk, kind="visit").count()

    return told


def refused(taken):
    assert taken.answer.code == "AE"
    (problem,) = taken.answer.problems
    return problem.place


# What a message says -------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["S12", "S13", "S14", "S15", "S17", "S26"])
def test_the_shared_samples_are_read(event):
    message = read(sample(f"SIU-{event}-01.hl7"))
    assert numbers_of(message) == Numbers("12345^SCHApp|GHHSFacility", "36996^SCHApp|GHHSFacility")
    plan = plan_of(message, ZONE)
    # 09:30 to 10:20 at +02:15; SCH-9 says sixty seconds, and SCH-11 a week of another year.
    assert plan.starts_at == datetime(2021, 9, 24, 7, 15, tzinfo=UTC)
    assert plan.ends_at - plan.starts_at == timedelta(minutes=50)
    assert plan.kind == "Biopsy of colon (procedure)"
    assert plan.place == ("Room02, GH Clinic" if event == "S14" else "Room01, GH Clinic")
    assert [person.number for person in plan.people] == ["1210"]


def test_several_services_are_one_visit():
    plan = plan_of(read(sample("SIU-S12-02.hl7")), ZONE)
    assert plan.kind == "CBC Panel-Blood by Automated Count, XR Chest PA and Lateral"
    assert [person.family for person in plan.people] == ["PB", "RT", "GP"]


@pytest.mark.parametrize(
    ("sch", "segments", "minutes"),
    [
        ("P|F|||||Checkup|", ["AIS|1||A^B^L|20261201100000+0000|||45|min"], 45),
        ("P|F|||||Checkup||1|H", ["AIP|1||1^Lee|||20261201100000+0000"], 60),
        ("P|F|||||Checkup||||^^^20261201100000+0000^20261201102000+0000", [], 20),
    ],
)
def test_the_time_is_found_where_the_sender_puts_it(sch, segments, minutes):
    lines = [header("SIU^S12^SIU_S12"), f"SCH|{sch}", *segments]
    plan = plan_of(read("\r".join(lines).encode()), ZONE)
    assert plan.starts_at == datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert plan.ends_at - plan.starts_at == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("tq1", "place"),
    [
        ("", "TQ1^1^7"),
        ("TQ1|1||||||tomorrow", "TQ1^1^7"),
        ("TQ1|1||||||20261201", "TQ1^1^7"),
        ("TQ1|1||||||202612011000", "TQ1^1^7"),
        ("TQ1|1||||||202612011000|202612010900", "SCH^1^11"),
        ("TQ1|1||||||202612011000|202712011000", "SCH^1^11"),
    ],
)
def test_a_time_that_cannot_be_is_refused(tq1, place):
    lines = filter(None, [header("SIU^S12^SIU_S12"), "SCH|P|F", tq1])
    with pytest.raises(Unclear) as unclear:
        plan_of(read("\r".join(lines).encode()), ZONE)
    assert unclear.value.place == place


# What becomes of it --------------------------------------------------------------------------


def test_a_visit_is_booked(intake, visits, diary, ana, ada, told):
    taken = intake.take(siu())
    assert (taken.answer.code, taken.visits) == ("AA", {"new": 1})
    (visit,) = visits()
    assert (visit.kind, visit.place) == ("Knee check", "Room 3, North House")
    assert (visit.starts_at, visit.ends_at) == (at(), at(minute=30))
    assert (visit.patient_id, visit.provider) == (ana.patient.pk, ada.provider)
    assert (visit.room, visit.is_overbooked) == (diary.room, False)
    assert visit.visit_type is None
    assert (told(ana), told(ada)) == (1, 1)


def test_the_same_visit_in_another_message_is_unchanged(intake, visits, ana, told):
    intake.take(siu())
    assert intake.take(siu()).was_known
    assert intake.take(siu(control_id="2")).visits == {"unchanged": 1}
    assert len(visits()) == 1
    assert told(ana) == 1


def test_it_is_called_off_and_reminds_nobody(intake, visits, system):
    intake.take(siu())
    assert intake.take(siu("S15", control_id="2")).visits == {"changed": 1}
    (visit,) = visits()
    assert (visit.status, visit.cancelled_by_id) == ("cancelled", None)
    with system():
        assert not Reminder.objects.filter(ended_at=None).exists()
    assert intake.take(siu("S15", control_id="3")).visits == {"unchanged": 1}


def test_one_booked_by_mistake_says_so(intake, visits):
    intake.take(siu())
    intake.take(siu("S17", control_id="2"))
    assert visits()[0].status == "cancelled"
    assert "by mistake" in visits()[0].cancel_reason


def test_it_is_moved(intake, visits, system):
    intake.take(siu())
    assert intake.take(siu("S13", control_id="2", starts=at(8))).visits == {"changed": 1}
    (visit,) = visits()
    assert visit.starts_at == at(8)
    with system():
        assert [each.kind for each in Change.objects.all()] == ["booked", "moved"]


def test_what_is_modified_changes_and_the_rest_stays(intake, visits):
    intake.take(siu())
    taken = intake.take(siu("S14", "AIS|1||X^Knee X-ray", "AIL|1||W^Room 9", ADA, control_id="2"))
    assert taken.visits == {"changed": 1}
    (visit,) = visits()
    assert (visit.kind, visit.place, visit.room) == ("Knee X-ray", "Room 9", None)
    assert visit.starts_at == at()


def test_who_does_not_come_is_noted(intake, visits):
    intake.take(siu(starts=at(-1)))
    assert intake.take(siu("S26", control_id="2", starts=at(-1))).visits == {"changed": 1}
    assert visits()[0].status == "no_show"


def test_a_change_of_a_visit_that_never_came_books_it(intake, visits):
    assert intake.take(siu("S13")).visits == {"new": 1}
    assert len(visits()) == 1


def test_a_visit_called_off_here_stands_again_when_it_is_planned_anew(intake, visits, ana, told):
    intake.take(siu())
    intake.take(siu("S15", control_id="2"))
    intake.take(siu("S13", control_id="3", starts=at(9)))
    (visit,) = visits()
    assert (visit.status, visit.starts_at, visit.cancel_reason) == ("booked", at(9), "")


@pytest.mark.parametrize("event", ["S15", "S17", "S26"])
def test_what_is_not_known_cannot_be_called_off(intake, visits, event):
    assert refused(intake.take(siu(event))) == "SCH^1^1"
    assert visits() == []


# Whose time it is ----------------------------------------------------------------------------


def test_a_taken_time_refuses_nothing_and_is_told(
    intake, visits, diary, ada, ben, boris, noor, told
):
    diary.by_staff(boris, at(), patient=ben.patient, provider=ada.provider)
    before = told(noor)
    assert intake.take(siu()).visits == {"new": 1}
    of_ana = next(visit for visit in visits() if visit.filler_id)
    assert of_ana.overbook_reason == TAKEN
    assert told(noor) == before + 1


def test_moved_to_a_free_time_it_is_overbooked_no_more(intake, visits, diary, ada, ben, boris):
    diary.by_staff(boris, at(), patient=ben.patient, provider=ada.provider)
    intake.take(siu())
    intake.take(siu("S13", control_id="2", starts=at(hour=15)))
    assert not any(visit.is_overbooked for visit in visits())
    intake.take(siu("S13", control_id="3"))
    assert [visit.overbook_reason for visit in visits() if visit.filler_id] == [TAKEN]


def test_nobody_of_ours_is_no_obstacle(intake, visits):
    intake.take(siu("S12", "AIP|1||1210^GE^Robert"))
    assert visits()[0].provider is None


# Whose visit it is ---------------------------------------------------------------------------


def test_a_number_of_another_patients_visit_moves_nothing(intake, visits, clinic, system):
    intake.take(siu())
    with system():
        Patient.objects.create(
            organization=clinic, mrn="9001", name="Donald Duck", birth_on="1970-01-01"
        )
    other = siu("S13", control_id="2", starts=at(9), number="9001", birth="19700101")
    assert refused(intake.take(other)) == "SCH^1^1"
    assert visits()[0].starts_at == at()


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"number": "none"}, "PID^1^3"),
        ({"birth": "19640303"}, "PID^1^7"),
        ({"sch": "|"}, "SCH^1^1"),
        ({"sch": f"{'9' * 120}|F1"}, "SCH^1^1"),
    ],
)
def test_what_cannot_be_filed_is_refused_with_its_place(intake, visits, changes, place):
    assert refused(intake.take(siu(**changes))) == place
    assert visits() == []


def test_numbers_of_two_visits_are_one_of_neither(intake, visits):
    intake.take(siu(sch="P1|F1"))
    intake.take(siu(sch="P2|F2", control_id="2", starts=at(8)))
    mixed = siu("S13", control_id="3", sch="P1|F2", starts=at(9))
    assert refused(intake.take(mixed)) == "SCH^1^1"
    assert [visit.starts_at for visit in visits()] == [at(), at(8)]


def test_another_systems_same_number_is_another_visit(intake, visits):
    intake.take(siu())
    theirs = siu(control_id="2", starts=at(8)).replace(b"|LAB|", b"|OTHER|")
    assert intake.take(theirs).visits == {"new": 1}
    assert len(visits()) == 2


def test_the_dead_are_not_booked(intake, visits, system, ana):
    with system():
        Patient.objects.filter(pk=ana.patient.pk).update(deceased_at=timezone.now())
    assert refused(intake.take(siu())) == "PID^1^3"
    assert visits() == []


def test_the_samples_in_their_order(intake, visits, clinic, system):
    with system():
        Patient.objects.create(
            organization=clinic, mrn="PATID1234", name="Adam Everyman", birth_on="1988-08-18"
        )
    for name in ("S12-02", "S12-01", "S13-01", "S14-01", "S26-01", "S15-01", "S17-01"):
        assert intake.take(sample(f"SIU-{name}.hl7")).answer.code == "AA", name
    (visit,) = visits()
    assert (visit.status, visit.place) == ("cancelled", "Room02, GH Clinic")
