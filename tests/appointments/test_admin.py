"""The administration of the calendar: kinds of visits, hours, days off, rules."""

from datetime import time

import pytest
from django.urls import reverse

from appointments.models import Availability, Holiday, Rules, VisitType

pytestmark = pytest.mark.usefixtures("db")
DAY = 24 * 60


@pytest.fixture
def office(client_for, admin):
    return client_for(admin)


def errors_in(answer):
    return answer.context["adminform"].form.errors.as_text() if answer.context else ""


def of_type(cast, **more):
    hours = {
        "availability-TOTAL_FORMS": "1",
        "availability-INITIAL_FORMS": "0",
        "availability-0-provider": str(cast.ada.provider.pk),
        "availability-0-weekday": "0",
        "availability-0-starts": "09:00",
        "availability-0-ends": "12:00",
    }
    return (
        hours
        | {
            "name": "Wound check",
            "is_active": "on",
            "self_scheduling": "on",
            "modes": ["in_person", "phone"],
            "minutes": "20",
            "step_minutes": "0",
            "buffer_before_minutes": "0",
            "buffer_after_minutes": "5",
            "lead_minutes": "60",
            "horizon_days": "60",
            "notice_minutes": "1440",
            "how_to_prepare": "",
            "asked": "Do you have a fever?\nIs the wound wet?",
        }
        | more
    )


def test_an_administrator_makes_a_visit_type_with_its_hours(office, cast, system):
    answer = office.post(reverse("admin:appointments_visittype_add"), of_type(cast))
    assert answer.status_code == 302, errors_in(answer)
    with system():
        made = VisitType.objects.get()
        hours = Availability.objects.get()
    assert made.organization_id == hours.organization_id == cast.clinic.pk
    assert made.modes == ["in_person", "phone"]
    assert [question["text"] for question in made.questions] == [
        "Do you have a fever?",
        "Is the wound wet?",
    ]
    assert (hours.provider_id, hours.starts) == (cast.ada.provider.pk, time(9))


def test_a_question_that_stays_keeps_the_key_of_its_answers(office, cast, system):
    office.post(reverse("admin:appointments_visittype_add"), of_type(cast))
    with system():
        made = VisitType.objects.get()
    again = of_type(cast, asked="Is the wound wet?\nDo you cough?") | {
        "availability-TOTAL_FORMS": "0"
    }
    answer = office.post(reverse("admin:appointments_visittype_change", args=[made.pk]), again)
    assert answer.status_code == 302, errors_in(answer)
    with system():
        assert VisitType.objects.get().questions == [
            made.questions[1],
            {"key": "do-you-cough", "text": "Do you cough?"},
        ]


@pytest.mark.parametrize(
    "changes",
    [
        {"asked": "The same?\nThe same?"},
        {"modes": []},
        {"minutes": "0"},
        {"availability-0-ends": "08:00"},
        {"availability-0-provider": "00000000-0000-0000-0000-000000000000"},
    ],
)
def test_what_cannot_be_is_refused_in_words(office, cast, system, changes):
    answer = office.post(reverse("admin:appointments_visittype_add"), of_type(cast, **changes))
    assert answer.status_code == 200
    with system():
        assert not VisitType.objects.exists()


def test_a_provider_of_another_clinic_is_not_offered(office, cast):
    page = office.get(reverse("admin:appointments_visittype_add")).content.decode()
    assert "Ada Lee" in page
    assert "Olga Stein" not in page


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("7 days, 48 h, 2 h", [7 * DAY, 2 * DAY, 120]),
        ("2h, 2 h, 30 min", [120, 30]),
        ("", []),
    ],
)
def test_reminders_are_written_as_people_write(office, system, written, minutes):
    rules = {"hold_minutes": "5", "offers_at_once": "3", "offer_minutes": "120"}
    answer = office.post(
        reverse("admin:appointments_rules_add"), rules | {"reminder_minutes": written}
    )
    assert answer.status_code == 302, errors_in(answer)
    with system():
        made = Rules.objects.get()
    assert made.reminder_minutes == minutes
    page = office.get(reverse("admin:appointments_rules_change", args=[made.pk])).content.decode()
    assert "2 h" in page or not minutes
    # One row is enough.
    assert office.get(reverse("admin:appointments_rules_add")).status_code == 404


@pytest.mark.parametrize("written", ["soon", "1 2 h", "1h,2h,3h,4h,5h,6h,7h"])
def test_other_words_are_refused(office, system, written):
    rules = {"hold_minutes": "5", "offers_at_once": "3", "offer_minutes": "120"}
    answer = office.post(
        reverse("admin:appointments_rules_add"), rules | {"reminder_minutes": written}
    )
    assert answer.status_code == 200
    with system():
        assert not Rules.objects.exists()


def test_a_holiday_is_taken_away_again_and_that_is_on_record(office, cast, system):
    from portal.models import AuditEntry

    day = {"on": "2027-05-01", "name": "Labour Day"}
    office.post(reverse("admin:appointments_holiday_add"), day)
    with system():
        made = Holiday.objects.get()
    address = reverse("admin:appointments_holiday_delete", args=[made.pk])
    assert office.post(address, {"post": "yes"}).status_code == 302
    with system():
        assert not Holiday.objects.exists()
        assert AuditEntry.objects.filter(action="holiday.deleted").exists()
