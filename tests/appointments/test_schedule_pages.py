"""The staff's schedule: what a day shows to whom, and what is said of its visits."""

import json
import re
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.actions import block_time, book_visit
from appointments.models import Appointment, Availability, Hold, Status, VisitType
from portal.tenancy import acting_for
from tests.words import words_of

HTMX = {"HX-Request": "true"}


def told(answer) -> str:
    """What the answer to an act says in passing."""
    return json.loads(answer.headers["HX-Trigger"])["toast"]["text"]


@pytest.fixture
def tomorrow(cast):
    """An hour of tomorrow, on Harbour Clinic's clock."""
    day = timezone.localdate(timezone=cast.clinic.zone) + timedelta(days=1)

    def at(hour, minute=0):
        return datetime.combine(day, time(hour, minute), cast.clinic.zone)

    return at


@pytest.fixture
def booked(cast):
    """`booked(ada, ana, at)`: a visit of half an hour with the one who books it."""

    def booked(person, whom, at, **fields):
        with acting_for(person.organization.pk, person.user.pk):
            return book_visit(
                whom.patient.pk,
                by=person.reader,
                starts_at=at,
                **{
                    "kind": "Wound check",
                    "ends_at": at + timedelta(minutes=30),
                    "provider_id": person.provider.pk,
                }
                | fields,
            )

    return booked


@pytest.fixture
def day(client_for):
    """`day(ada, on)`: what the schedule of that day says to Ada."""

    def day(person, on, **asked):
        answer = client_for(person).get("/schedule/", {"on": on.date().isoformat(), **asked})
        assert answer.status_code == 200
        return words_of(answer)

    return day


@pytest.fixture
def post(client_for):
    """`post(ada, visit, "arrival")`: the answer."""

    def post(person, visit, noun, *, fragment=False, **fields):
        headers = HTMX if fragment else {}
        address = f"/schedule/visits/{visit.pk}/{noun}/"
        return client_for(person).post(address, fields, headers=headers)

    return post


@pytest.fixture
def now(system):
    """`now(visit)`: the visit as it stands."""

    def now(visit):
        with system():
            return Appointment.objects.get(pk=visit.pk)

    return now


# The day ----------------------------------------------------------------------------------------


def test_a_line_says_when_who_and_what_for(cast, booked, day, tomorrow):
    booked(cast.ada, cast.ana, tomorrow(10), place="Room 3")

    text = day(cast.ada, tomorrow(10))
    assert "Ada Lee (you) 1 visit" in text
    assert "10:00 –10:30 Ana Ruiz born 2 Mar 1964 · MRN 4471" in text
    assert "Wound check · in person, Room 3" in text
    assert "Eastern (America/New_York)" in text


def test_a_colleague_of_another_team_sees_that_the_time_is_taken_and_nothing_else(
    cast, booked, day, tomorrow
):
    booked(cast.ada, cast.ana, tomorrow(10))

    text = day(cast.boris, tomorrow(10))
    assert "10:00 –10:30 Taken, by a patient of another team" in text
    for secret in ("Ana Ruiz", "4471", "Wound check"):
        assert secret not in text
    assert "Taken" not in day(cast.noor, tomorrow(10)), "whose name one knows is not also taken"


def test_the_time_of_a_visit_that_is_known_is_not_shown_twice_with_its_buffers(
    cast, booked, day, tomorrow, system
):
    with system():
        kind = VisitType.objects.create(
            organization=cast.clinic, name="Check", buffer_before_minutes=10
        )
    booked(cast.ada, cast.ana, tomorrow(10), visit_type_id=kind.pk)
    assert "Taken" not in day(cast.ada, tomorrow(10))


def test_held_and_blocked_time_is_shown_as_such(cast, day, tomorrow, system, acting):
    with system():
        kind = VisitType.objects.create(organization=cast.clinic, name="Physiotherapy")
        Hold.objects.create(
            organization=cast.clinic,
            patient=cast.ana.patient,
            provider=cast.ada.provider,
            visit_type=kind,
            starts_at=tomorrow(9),
            ends_at=tomorrow(9, 30),
            until_at=timezone.now() + timedelta(minutes=5),
        )
    with acting(cast.ada):
        block_time(
            by=cast.ada.reader,
            provider_id=cast.ada.provider.pk,
            starts_at=tomorrow(12),
            ends_at=tomorrow(13),
            reason="Team meeting",
        )
    text = day(cast.ada, tomorrow(9))
    assert "09:00 –09:30 Held for Ana Ruiz Physiotherapy" in text
    assert "12:00 –13:00 Blocked Team meeting" in text
    # Whose patient holds it is not for other teams.
    assert "Ana Ruiz" not in day(cast.boris, tomorrow(9))
    assert "09:00 –09:30 Taken" in day(cast.boris, tomorrow(9))


def test_what_is_open_and_not_taken_is_free(cast, booked, day, tomorrow, system):
    with system():
        kind = VisitType.objects.create(organization=cast.clinic, name="Check")
        Availability.objects.create(
            organization=cast.clinic,
            provider=cast.ada.provider,
            visit_type=kind,
            weekday=tomorrow(0).weekday(),
            starts=time(9),
            ends=time(12),
        )
    booked(cast.ada, cast.ana, tomorrow(10))
    text = day(cast.noor, tomorrow(9))
    assert "09:00 –10:00 Free" in text
    assert "10:30 –12:00 Free" in text


def test_a_day_without_anything_says_so(cast, day, tomorrow):
    assert "Nobody works on this day" in day(cast.ada, tomorrow(0))
    text = day(cast.ada, tomorrow(0), provider=str(cast.ada.provider.pk))
    assert "Ada Lee (you) 0 visits Nothing on this day." in text


def test_the_hour_that_comes_twice_says_which_it_is(cast, booked, day):
    first = datetime(2027, 11, 7, 5, 30, tzinfo=UTC)  # New York: 01:30 EDT
    for at in (first, first + timedelta(hours=1)):
        booked(cast.ada, cast.ana, at, ends_at=at + timedelta(minutes=20))

    text = day(cast.ada, first.astimezone(cast.clinic.zone))
    assert "01:30 EDT –01:50 EDT Ana Ruiz" in text
    assert "01:30 EST –01:50 EST Ana Ruiz" in text
    assert "The clocks go back on this day" in text


# Acts -------------------------------------------------------------------------------------------


def test_an_arrival_is_said_from_the_list_and_the_list_is_told_to_look(
    cast, booked, post, now, tomorrow
):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    answer = post(cast.noor, visit, "arrival", fragment=True, **{"from": "day"})

    assert answer.status_code == 204
    assert set(json.loads(answer.headers["HX-Trigger"])) == {"news", "toast"}
    # Proxies may log a header.
    assert cast.ana.patient.name not in answer.headers["HX-Trigger"]
    assert now(visit).status == Status.ARRIVED


def test_without_scripts_the_list_comes_back(cast, booked, post, tomorrow):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    answer = post(cast.noor, visit, "arrival", **{"from": "day"})
    assert answer.status_code == 302
    assert answer.url == f"/schedule/?on={tomorrow(0):%Y-%m-%d}#visit-{visit.pk}"


def test_who_should_be_here_and_is_not_is_said_to_be_late_or_absent(cast, booked, day, post, now):
    begun = timezone.now() - timedelta(minutes=4)
    visit = booked(cast.ada, cast.ana, begun)
    today = begun.astimezone(cast.clinic.zone)
    assert "Not here yet" in day(cast.ada, today)

    post(cast.ada, visit, "lateness", minutes="15")
    assert "15 min late" in day(cast.ada, today)
    post(cast.ada, visit, "absence")
    assert now(visit).status == Status.NO_SHOW
    post(cast.ada, visit, "reopening")
    assert now(visit).status == Status.BOOKED


def test_a_visit_to_come_is_not_missed(cast, booked, post, now, tomorrow):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    answer = post(cast.ada, visit, "absence", fragment=True)
    assert told(answer) == "This visit can no longer be changed."
    assert now(visit).status == Status.BOOKED


def test_a_visit_is_moved_by_its_form(cast, booked, post, now, tomorrow):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    on = tomorrow(0).date().isoformat()
    answer = post(cast.ada, visit, "move", fragment=True, on=on, at="14:15", reason="Theatre")

    assert answer.status_code == 200
    assert "14:15" in words_of(answer)
    assert "Moved from" in words_of(answer)
    assert now(visit).starts_at == tomorrow(14, 15)


def test_a_time_that_is_gone_is_answered_with_the_next_free_ones(
    cast, booked, post, now, tomorrow, system
):
    with system():
        kind = VisitType.objects.create(organization=cast.clinic, name="Check", minutes=30)
        Availability.objects.create(
            organization=cast.clinic, provider=cast.ada.provider, visit_type=kind,
            weekday=tomorrow(0).weekday(), starts=time(9), ends=time(12),
        )  # fmt: skip
    visit = booked(cast.ada, cast.ana, tomorrow(9), visit_type_id=kind.pk, ends_at=None)
    with system():
        Appointment.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider,
            kind="x", starts_at=tomorrow(10), ends_at=tomorrow(10, 30),
        )  # fmt: skip
    on = tomorrow(0).date().isoformat()
    asked = {"on": on, "at": "10:00", "reason": ""}
    refused = post(cast.ada, visit, "move", fragment=True, **asked)

    assert refused.status_code == 422
    assert "Somebody else has just taken that time. These are free:" in words_of(refused)
    assert now(visit).starts_at == tomorrow(9), "the old time is kept"
    slot = re.search(r'name="slot" value="([^"]+)"[^>]*>[^<]*10:30<', refused.content.decode())[1]
    post(cast.ada, visit, "move", slot=slot, reason="")
    assert now(visit).starts_at == tomorrow(10, 30)


def test_only_a_clinician_books_over_another_visit(cast, booked, post, now, tomorrow):
    booked(cast.boris, cast.ben, tomorrow(10), provider_id=cast.ada.provider.pk)
    visit = booked(cast.ada, cast.ana, tomorrow(9))
    over = {
        "on": tomorrow(0).date().isoformat(),
        "at": "10:00",
        "reason": "",
        "overbook_reason": "Bleeding",
    }
    post(cast.noor, visit, "move", **over)
    assert now(visit).starts_at == tomorrow(9)
    post(cast.ada, visit, "move", **over)
    assert now(visit).starts_at == tomorrow(10)
    assert now(visit).overbook_reason == "Bleeding"


@pytest.mark.parametrize(("which", "hour"), [("1", 5), ("2", 6)])
def test_a_time_that_comes_twice_asks_which(cast, booked, post, now, tomorrow, which, hour):
    visit = booked(cast.ada, cast.ana, tomorrow(9))
    asked = {"on": "2027-11-07", "at": "01:30", "reason": ""}
    refused = post(cast.ada, visit, "move", fragment=True, **asked)

    assert refused.status_code == 422
    assert "The first (EDT)" in words_of(refused)
    assert "The second (EST)" in words_of(refused)
    post(cast.ada, visit, "move", **asked, which=which)
    assert now(visit).starts_at == datetime(2027, 11, 7, hour, 30, tzinfo=UTC)


def test_a_time_that_does_not_come_is_refused(cast, booked, post, now, tomorrow):
    visit = booked(cast.ada, cast.ana, tomorrow(9))
    asked = {"on": "2027-03-14", "at": "02:30", "reason": ""}
    assert "it does not come" in words_of(post(cast.ada, visit, "move", fragment=True, **asked))
    assert now(visit).starts_at == tomorrow(9)


def test_calling_off_takes_a_reason_and_the_line_leaves_the_list(
    cast, booked, post, now, day, tomorrow
):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    refused = post(cast.ada, visit, "cancellation", fragment=True, reason="")
    assert "Say why it is called off." in words_of(refused)

    post(cast.ada, visit, "cancellation", reason="Theatre is full")
    assert now(visit).status == Status.CANCELLED
    assert "1 called off" in day(cast.ada, tomorrow(0))


# Two of the staff -------------------------------------------------------------------------------


def test_a_colleague_sees_who_is_on_a_visit_and_leaves_it_to_them(
    cast, booked, post, now, day, tomorrow
):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    post(cast.ada, visit, "claim")
    assert "You are on this" in day(cast.ada, tomorrow(0))
    assert "Ada Lee is on this" in day(cast.noor, tomorrow(0))

    answer = post(cast.noor, visit, "claim", fragment=True)
    assert answer.status_code == 200
    assert told(answer) == "Ada Lee is on this."
    for noun, fields in (
        ("cancellation", {"reason": "x"}),
        ("move", {"on": tomorrow(0).date().isoformat(), "at": "15:00", "reason": ""}),
    ):
        answer = post(cast.noor, visit, noun, fragment=True, **fields)
        assert told(answer) == "Ada Lee is on this."
    assert now(visit).status == Status.BOOKED
    assert now(visit).starts_at == tomorrow(10)
    # That somebody stands at the desk is no matter of who calls them.
    post(cast.noor, visit, "arrival")
    assert now(visit).status == Status.ARRIVED


def test_who_lets_go_leaves_it_to_the_others(cast, booked, post, now, tomorrow):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    post(cast.ada, visit, "claim")
    post(cast.ada, visit, "claim", let_go="1")
    post(cast.noor, visit, "cancellation", reason="Patient called")
    assert now(visit).status == Status.CANCELLED


@pytest.mark.parametrize("who", ["ben", "boris", "olga", "admin", "ana", "sam"])
def test_a_visit_of_others_is_no_page(cast, booked, client_for, post, now, tomorrow, who):
    visit = booked(cast.ada, cast.ana, tomorrow(10))
    person = getattr(cast, who)
    assert client_for(person).get(f"/schedule/visits/{visit.pk}/").status_code == 404
    assert post(person, visit, "arrival").status_code == 404
    assert now(visit).status == Status.BOOKED


def test_a_day_asks_the_database_as_often_for_one_visit_as_for_many(
    cast, booked, client_for, tomorrow
):
    client = client_for(cast.ada)
    on = {"on": tomorrow(0).date().isoformat()}
    client.get("/schedule/", on)

    def queries():
        with CaptureQueriesContext(connection) as asked:
            client.get("/schedule/", on, headers=HTMX)
        return len(asked)

    booked(cast.ada, cast.ana, tomorrow(8))
    one = queries()
    for hour in range(9, 15):
        booked(cast.ada, cast.ana, tomorrow(hour))
    assert queries() == one
