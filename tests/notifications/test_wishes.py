"""How a person wishes to be told: the page, what it keeps, and who may not."""

import re
from datetime import time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications import jobs
from notifications.channels.push_crypto import encoded
from notifications.models import Channel, Device, Kind, Phone, Wishes
from notifications.situation import choices_of, wanted
from portal import mail
from portal.tenancy import acting_for

PAGE = "/account/notifications/"
FAMILY = {"kind_message": ["email"], "kind_visit": [], "kind_care_team": [], "hourly_cap": "6"}


@pytest.fixture
def kept(cast):
    """What is kept of one person: `kept(cast.ana, Wishes)`."""

    def rows(person, model):
        with acting_for(person.organization.pk, person.user.pk):
            return list(model.objects.filter(user=person.user))

    return rows


def wants(person, kind):
    with acting_for(person.organization.pk, person.user.pk):
        chosen = choices_of(person.organization.pk, person.user.pk)
        return set(wanted(kind, person.reader, chosen))


def send_codes():
    """Do the jobs that send codes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE task_name = 'notifications.send_code'"
            " RETURNING args ->> 'organization_id', args ->> 'phone_id'"
        )
        for organization_id, phone_id in cursor.fetchall():
            jobs.send_code(organization_id=organization_id, phone_id=phone_id)


@pytest.mark.parametrize(
    ("who", "offered"),
    [
        ("ana", {"message", "visit", "reminder", "offer", "care_team"}),
        ("sam", {"message", "visit", "reminder", "offer", "care_team"}),
        ("ada", {"alert", "message", "visit", "care_team", "invitation"}),
        ("admin", {"alarm"}),
    ],
)
def test_everybody_chooses_among_what_reaches_them(cast, client_for, who, offered):
    page = client_for(getattr(cast, who)).get(PAGE).content.decode()
    assert set(re.findall(r'name="kind_(\w+)"', page)) == offered
    assert ('name="important_channel"' in page) is (who == "ada")


def test_a_choice_is_kept_and_shown_again(cast, client_for, kept, text_provider):
    browser = client_for(cast.ana)
    sent = FAMILY | {
        "kind_message": ["email", "sms"], "quiet_from": "22:00", "quiet_until": "07:00",
        "time_zone": "Europe/Berlin", "hourly_cap": "3", "digest_at": "08:00",
    }  # fmt: skip
    assert browser.post(PAGE, sent).status_code == 302

    # Push is off today, so it was not asked about and stays as it was.
    assert wants(cast.ana, Kind.MESSAGE) == {Channel.EMAIL, Channel.SMS, Channel.WEB_PUSH}
    assert wants(cast.ana, Kind.VISIT) == {Channel.WEB_PUSH}
    (wishes,) = kept(cast.ana, Wishes)
    assert (wishes.quiet_from, wishes.quiet_until) == (time(22), time(7))
    assert (wishes.hourly_cap, wishes.digest_at) == (3, time(8))
    page = browser.get(PAGE).content.decode()
    assert 'value="22:00"' in page
    assert '<option value="Europe/Berlin" selected>' in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"quiet_from": "22:00"}, "Quiet time needs a start and an end."),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "must end at another time"),
        ({"hourly_cap": "0"}, "from 1 to 60"),
        ({"time_zone": "Mars/Base"}, "Please choose from the list."),
        ({"kind_message": ["carrier pigeon"]}, "Please choose from the list."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_not_kept(cast, client_for, kept, wrong, words):
    answer = client_for(cast.ana).post(PAGE, FAMILY | wrong)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert kept(cast.ana, Wishes) == []


def test_a_clinic_without_any_way_out_says_so_and_keeps_what_was_chosen(cast, client_for, settings):
    before = wants(cast.ana, Kind.VISIT)
    settings.EMAIL_BACKEND = mail.NO_SERVER
    browser = client_for(cast.ana)
    page = browser.get(PAGE).content.decode()
    for words in ("does not send e-mail", "does not send text", "does not send push", "bell only"):
        assert words in page
    assert browser.post(PAGE, {"hourly_cap": "6"}).status_code == 302
    assert wants(cast.ana, Kind.VISIT) == before


def test_a_patient_cannot_choose_what_is_for_staff(cast, client_for):
    client_for(cast.ana).post(PAGE, FAMILY | {"kind_alert": ["email"]})
    assert wants(cast.ana, Kind.ALERT) == set()


def test_a_number_is_used_once_its_code_came_back(cast, client_for, kept, text_provider):
    browser = client_for(cast.ana)
    browser.post(reverse("notifications:phone"), {"number": "+1 (617) 555-0123"})
    send_codes()
    (request,) = text_provider.arrived
    code = re.search(rb"(\d{6})", request.body.split(b"Body=")[1])[1].decode()
    (phone,) = kept(cast.ana, Phone)
    assert (phone.number, phone.confirmed_at) == ("+16175550123", None)
    assert code not in phone.code_digest
    assert "…123" in browser.get(PAGE).content.decode()

    browser.post(reverse("notifications:phone_code"), {"code": code})
    assert kept(cast.ana, Phone)[0].confirmed_at is not None
    browser.post(reverse("notifications:phone_removal"))
    assert kept(cast.ana, Phone)[0].number == ""


def test_a_code_can_be_guessed_at_five_times(cast, client_for, kept):
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        phone = Phone(organization=cast.clinic, user=cast.ana.user, number="+16175550123")
        code = phone.make_code()
        phone.save()
    browser, wrong = client_for(cast.ana), "000000" if code != "000000" else "111111"
    for _ in range(Phone.MAX_GUESSES):
        answer = browser.post(reverse("notifications:phone_code"), {"code": wrong})
        assert answer.status_code == 422
    browser.post(reverse("notifications:phone_code"), {"code": code})
    assert kept(cast.ana, Phone)[0].confirmed_at is None


def test_an_old_code_is_worth_nothing(cast):
    phone = Phone(organization=cast.clinic, user=cast.ana.user, number="+16175550123")
    code = phone.make_code()
    assert phone.is_code(code)
    phone.code_made_at = timezone.now() - Phone.CODE_LIFETIME - timedelta(seconds=1)
    assert not phone.is_code(code)


def test_a_number_gets_no_more_than_five_codes_a_day(cast, client_for, kept, text_provider):
    browser = client_for(cast.ana)
    for number in range(Phone.MAX_CODES_A_DAY):
        answer = browser.post(reverse("notifications:phone"), {"number": f"+1617555010{number}"})
        assert answer.status_code == 302
        browser.post(reverse("notifications:phone_removal"))
    answer = browser.post(reverse("notifications:phone"), {"number": "+16175550123"})
    assert "too many codes" in answer.content.decode()


def subscription(endpoint="https://fcm.googleapis.com/fcm/send/1"):
    return {
        "endpoint": endpoint,
        "public_key": encoded(b"\x04" * 65),
        "secret": encoded(b"s" * 16),
    }


def subscribe(browser, body):
    return browser.post(
        reverse("notifications:devices"), body, content_type="application/json",
        headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"},
    )  # fmt: skip


def test_a_browser_is_kept_once_named_and_removed(cast, client_for, kept):
    browser = client_for(cast.ada)
    for _ in range(2):
        assert subscribe(browser, subscription()).status_code == 204
    (device,) = kept(cast.ada, Device)
    assert device.browser == "Firefox on Windows"
    # Not by somebody else.
    client_for(cast.noor).post(reverse("notifications:device_removal"), {"device": device.pk})
    assert kept(cast.ada, Device)
    browser.post(reverse("notifications:device_removal"), {"device": device.pk})
    assert kept(cast.ada, Device) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        (subscription() | {"secret": "short"}, 400),
        (subscription() | {"public_key": 7}, 400),
        (subscription("https://10.0.0.1/"), 422),
        (subscription("https://" + "a" * 1000), 400),
    ],
)
def test_what_is_no_subscription_is_refused(cast, client_for, kept, body, status):
    assert subscribe(client_for(cast.ada), body).status_code == status
    assert kept(cast.ada, Device) == []


def test_a_person_has_ten_browsers_and_the_oldest_makes_room(cast, client_for, kept):
    browser = client_for(cast.ada)
    for number in range(11):
        subscribe(browser, subscription(f"https://fcm.googleapis.com/{number}"))
    endpoints = {device.endpoint for device in kept(cast.ada, Device)}
    assert len(endpoints) == 10
    assert "https://fcm.googleapis.com/0" not in endpoints


def test_the_worker_is_served_from_the_root_and_answers_no_page(client, db):
    answer = client.get("/service-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert b'"fetch"' not in answer.content
    assert b"caches" not in answer.content
