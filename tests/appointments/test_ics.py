"""Visits in a calendar: the same one changed, never a second one, and nothing clinical."""

from datetime import UTC, timedelta

import pytest
from icalendar import Calendar

from appointments import actions
from appointments.models import CalendarFeed
from portal.logs import masked
from portal.models import AuditEntry, Caregiver, CareTeamMembership, Membership


def file_of(client, visit):
    response = client.get(f"/visits/{visit.pk}/visit.ics")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(response.content)


def event_of(calendar):
    (event,) = calendar.walk("VEVENT")
    return event


@pytest.fixture
def feed(diary, client_for):
    """`feed(ana)`: the address she made, and what a program without a sign-in gets there."""
    from django.test import Client

    def feed(who):
        _, token = diary.do(who, actions.make_feed)
        return lambda: Client().get(f"/calendar/{token}/visits.ics")

    return feed


def events(answer):
    return {str(event["UID"]): event for event in Calendar.from_ical(answer.content).walk("VEVENT")}


def test_a_change_is_the_same_event_with_a_higher_sequence(diary, cast, client_for):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    client = client_for(cast.ana)
    first = event_of(file_of(client, visit))
    assert first["DTSTART"].dt == diary.at("10:00").astimezone(UTC)
    assert (first["STATUS"], first["SEQUENCE"]) == ("CONFIRMED", 0)

    diary.do(cast.noor, actions.move_visit, visit.pk, starts_at=diary.at("11:00"))
    moved = event_of(file_of(client, visit))
    assert moved["UID"] == first["UID"]
    assert (moved["SEQUENCE"], moved["DTSTART"].dt) == (1, diary.at("11:00").astimezone(UTC))
    assert moved["DTSTAMP"].dt >= first["DTSTAMP"].dt

    diary.do(cast.noor, actions.confirm_visit, visit.pk)
    assert event_of(file_of(client, visit))["SEQUENCE"] == 1  # nothing for a calendar to change

    diary.do(cast.noor, actions.cancel_visit, visit.pk)
    off = file_of(client, visit)
    assert (off["METHOD"], event_of(off)["STATUS"]) == ("CANCEL", "CANCELLED")
    assert (event_of(off)["UID"], event_of(off)["SEQUENCE"]) == (first["UID"], 2)


def test_it_says_how_and_where_and_not_what_for(diary, cast, client_for):
    client = client_for(cast.ana)
    text = client.get(
        f"/visits/{diary.booked(cast.ana, diary.at('10:00')).pk}/visit.ics"
    ).content.decode()
    assert "SUMMARY:Visit · Harbour Clinic" in text
    assert "LOCATION:Room 3" in text
    assert "Wound" not in text
    assert "Ana" not in text
    video = event_of(file_of(client, diary.booked(cast.ana, diary.at("12:00"), mode="video")))
    assert str(video["SUMMARY"]) == "Video call · Harbour Clinic"
    assert str(video["LOCATION"]) == "Video call"


def test_long_and_odd_words_are_folded_and_escaped(diary, cast, client_for, system):
    diary.change(diary.room, name="Room 3; wing B, “Süd”", how_to_find="Past the café, " * 12)
    visit = diary.booked(cast.ana, diary.at("10:00"))
    response = client_for(cast.ana).get(f"/visits/{visit.pk}/visit.ics")
    assert all(len(line) <= 75 for line in response.content.split(b"\r\n"))
    location = str(event_of(Calendar.from_ical(response.content))["LOCATION"])
    assert location.startswith("Room 3; wing B, “Süd”, Past the café, ")


def test_a_feed_needs_no_sign_in_and_shows_what_its_owner_may_see(diary, cast, feed, system):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    off = diary.booked(cast.ana, diary.at("14:00"))
    diary.do(cast.ana, actions.cancel_visit, off.pk)

    for who in (cast.ana, cast.sam):
        answer = feed(who)()
        assert answer["Cache-Control"] == "no-store"
        shown = events(answer)
        assert {uid: str(event["STATUS"]) for uid, event in shown.items()} == {
            f"{visit.pk}@vigil": "CONFIRMED",
            f"{off.pk}@vigil": "CANCELLED",
        }
    assert events(feed(cast.ben)()) == {}
    assert events(feed(cast.noor)()) == {}  # she looks after Ana; the visit is with Ada
    assert set(events(feed(cast.ada)())) == {f"{visit.pk}@vigil", f"{off.pk}@vigil"}
    assert b"Ana" not in feed(cast.ada)().content


def test_a_revoked_feed_is_gone_and_a_new_one_ends_the_one_before(diary, cast, feed):
    first = feed(cast.ana)
    second = feed(cast.ana)
    assert (first().status_code, second().status_code) == (404, 200)
    assert diary.do(cast.ana, actions.revoke_feed)
    assert not diary.do(cast.ana, actions.revoke_feed)
    assert second().status_code == 404


def test_a_feed_ends_with_the_right_to_see(diary, cast, feed, system):
    diary.booked(cast.ana, diary.at("10:00"))
    sams, anas, adas = feed(cast.sam), feed(cast.ana), feed(cast.ada)
    with system():
        Caregiver.objects.filter(user=cast.sam.user).delete()
        Membership.objects.filter(user=cast.ana.user).update(ended_at=diary.at("00:00", days=-1))
        CareTeamMembership.objects.filter(provider=cast.ada.provider).delete()
    assert events(sams()) == events(adas()) == {}
    assert anas().status_code == 404


def test_only_the_digest_is_kept_and_no_log_shows_the_address(diary, cast, system):
    _, token = diary.do(cast.ana, actions.make_feed)
    assert token not in masked(f"Not Found: /calendar/{token}/visits.ics")
    with system():
        kept = CalendarFeed.objects.get()
        assert token not in str(vars(kept))
        assert not AuditEntry.objects.filter(detail__icontains=token).exists()


@pytest.mark.parametrize("who", ["ben", "boris", "olga", "carla", "admin"])
def test_a_stranger_has_no_file(diary, cast, client_for, who):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    answer = client_for(getattr(cast, who)).get(f"/visits/{visit.pk}/visit.ics")
    assert answer.status_code == 404


def test_what_is_long_past_leaves_the_feed(diary, cast, feed, system):
    visit = diary.by_staff(cast.noor, diary.at("10:00", days=-90))
    assert visit.starts_at < diary.at("10:00") - timedelta(days=90)
    assert events(feed(cast.ana)()) == {}
