"""The bell: what it counts, what it says, where it leads, and how it falls silent."""

from uuid import uuid4

import pytest
from django.urls import reverse

from notifications.actions import mark_all_read, mark_read, notify, unread
from notifications.lists import lines, newest
from notifications.models import Kind, Notification
from portal.tenancy import acting_for
from tests.words import words_of

HTMX = {"HX-Request": "true"}


def tell(person, patient, kind=Kind.MESSAGE, subject=None, by=None):
    """Let somebody of the patient's team tell a person of something."""
    with acting_for(patient.organization_id, by.user.pk if by else None, system=by is None):
        notify([person.user.pk], kind, patient=patient, subject_id=subject)


def told(person):
    """The lines of a person's list."""
    with acting_for(person.organization.pk, person.user.pk):
        return lines(newest(person.reader), person.reader)


def test_several_about_one_thing_are_one_line_that_counts_them(cast):
    talk, other = uuid4(), uuid4()
    for subject in (talk, other, talk, talk):
        tell(cast.ada, cast.ana.patient, subject=subject)

    assert [line.text for line in told(cast.ada)] == [
        "3 new messages about Ana Ruiz",
        "New message about Ana Ruiz",
    ]


@pytest.mark.parametrize(
    ("kind", "to_her", "to_her_daughter"),
    [
        (Kind.MESSAGE, "You have a new message", "New message about Ana Ruiz"),
        (Kind.CARE_TEAM, "Your care team changed", "The care team of Ana Ruiz changed"),
        (Kind.VISIT, "You have a new or changed visit", "Ana Ruiz has a new or changed visit"),
    ],
)
def test_the_words_fit_their_reader(cast, kind, to_her, to_her_daughter):
    for person in (cast.ana, cast.sam):
        tell(person, cast.ana.patient, kind, uuid4())

    assert [line.text for line in told(cast.ana)] == [to_her]
    assert [line.text for line in told(cast.sam)] == [to_her_daughter]


def test_no_kind_says_anything_clinical(cast):
    for kind in Kind:
        tell(cast.ada, cast.ana.patient, kind, uuid4())
    allowed = {"message", "visit", "care", "team", "sign", "alert", "alerts", "waiting", "vigil"}
    for line in told(cast.ada):
        assert set(line.text.lower().split()) & allowed, line.text


def test_reading_a_line_reads_all_it_stands_for(cast, acting):
    talk = uuid4()
    for _ in range(3):
        tell(cast.ada, cast.ana.patient, subject=talk)
    tell(cast.ada, cast.ana.patient, Kind.VISIT, talk)

    line = next(line for line in told(cast.ada) if line.number == 3)
    with acting(cast.ada):
        mark_read(line.id, by=cast.ada.reader)
        assert unread(cast.ada.reader) == 1


def test_a_notification_is_its_persons_own(cast, acting):
    tell(cast.ada, cast.ana.patient, subject=uuid4())
    line = told(cast.ada)[0]

    for person in (cast.noor, cast.ana, cast.boris, cast.olga):
        with acting(person), pytest.raises(Notification.DoesNotExist):
            mark_read(line.id, by=person.reader)
    with acting(cast.ada):
        assert unread(cast.ada.reader) == 1


def test_all_are_read_at_once_and_only_ones_own(cast, acting):
    for person in (cast.ada, cast.noor):
        for _ in range(3):
            tell(person, cast.ana.patient, subject=uuid4())

    with acting(cast.ada):
        assert mark_all_read(by=cast.ada.reader) == 3
        assert unread(cast.ada.reader) == 0
    with acting(cast.noor):
        assert unread(cast.noor.reader) == 3


def test_the_bell_says_its_count_in_words(cast, client_for):
    client = client_for(cast.ada)
    assert words_of(client.get(reverse("notifications:count"))) == "Notifications"
    tell(cast.ada, cast.ana.patient, subject=uuid4())

    assert "Notifications, 1 not read" in words_of(client.get(reverse("notifications:count")))
    assert "New message about Ana Ruiz" in words_of(client.get(reverse("notifications:bell")))


def test_a_press_on_a_line_reads_it_and_leads_to_the_thing(cast, client_for, acting):
    talk = uuid4()
    tell(cast.ada, cast.ana.patient, subject=talk)
    client = client_for(cast.ada)
    answer = client.post(reverse("notifications:read", args=[told(cast.ada)[0].id]))

    assert answer.url == reverse("messaging:thread", args=[talk])
    with acting(cast.ada):
        assert unread(cast.ada.reader) == 0


def test_marking_all_works_without_scripts_and_with(cast, client_for, acting):
    client = client_for(cast.ada)
    for headers, status in (({}, 302), (HTMX, 200)):
        tell(cast.ada, cast.ana.patient, subject=uuid4())
        answer = client.post(reverse("notifications:read_all"), headers=headers)
        assert answer.status_code == status
        with acting(cast.ada):
            assert unread(cast.ada.reader) == 0


def test_unknown_foreign_and_malformed_are_the_same(cast, client_for):
    tell(cast.ada, cast.ana.patient, subject=uuid4())
    foreign = told(cast.ada)[0].id
    client = client_for(cast.noor)
    answers = [
        client.post(address)
        for address in (
            reverse("notifications:read", args=[foreign]),
            reverse("notifications:read", args=[uuid4()]),
            "/notifications/not-an-id/reading/",
        )
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("name", ["read_all", "read"])
def test_looking_marks_nothing(cast, client_for, name):
    address = reverse(f"notifications:{name}", args=[uuid4()] if name == "read" else [])
    assert client_for(cast.ada).get(address).status_code == 405


def test_the_list_stands_by_day_in_the_clinics_zone(cast, client_for):
    from datetime import UTC, datetime

    from django.utils import timezone

    for _ in range(2):
        tell(cast.ada, cast.ana.patient, subject=uuid4())
    with acting_for(cast.clinic.pk, system=True):
        late = Notification.objects.order_by("pk").first()
        # One in the morning in UTC is the evening before in Boston.
        Notification.objects.filter(pk=late.pk).update(
            created_at=datetime(2026, 3, 3, 1, tzinfo=UTC)
        )

    days = [day for day, _ in client_for(cast.ada).get("/notifications/").context["days"]]
    assert str(days[-1]) == "2026-03-02"
    assert days[0] == timezone.localtime(timezone=cast.clinic.zone).date()


def test_everybody_has_a_list_also_when_it_is_empty(cast, client_for):
    for name in ("ana", "sam", "ada", "admin"):
        page = client_for(getattr(cast, name)).get("/notifications/")
        assert "Nothing new" in page.content.decode(), name


def test_whoever_may_not_see_the_patient_any_more_is_told_nothing(cast, system, acting):
    from django.utils import timezone

    from portal.models import CareTeamMembership

    tell(cast.ada, cast.ana.patient, subject=uuid4())
    with system():
        CareTeamMembership.objects.filter(provider=cast.ada.provider).update(ends_at=timezone.now())

    assert told(cast.ada) == []
    with acting(cast.ada):
        assert unread(cast.ada.reader) == 0
