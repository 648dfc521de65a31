"""Strangers ask for e-mails and guess passwords: what that sets off is limited, and not told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from portal import jobs
from portal.allowances import PASSWORD_RESET, REFUSED_SIGN_IN
from portal.models import Allowance
from realtime.places import place_of

NOBODY = "somebody-{}@nowhere.example"


def ask(email, place="203.0.113.7"):
    return Client(REMOTE_ADDR=place).post("/password/reset/", {"email": email})


def deferred(name):
    return ProcrastinateJob.objects.filter(task_name=name).count()


@pytest.mark.usefixtures("db")
def test_one_place_sets_off_only_so_many_jobs_and_is_not_told():
    answers = {ask(NOBODY.format(each)).url for each in range(PASSWORD_RESET.per_place + 5)}

    assert answers == {"/password/reset/sent/"}
    assert deferred("portal.send_password_reset") == PASSWORD_RESET.per_place


@pytest.mark.usefixtures("db")
def test_many_places_set_off_only_so_many_for_one_account(ana):
    for each in range(PASSWORD_RESET.per_account + 5):
        ask(ana.user.email.upper() if each % 2 else ana.user.email, f"203.0.113.{each}")

    assert deferred("portal.send_password_reset") == PASSWORD_RESET.per_account


@pytest.mark.usefixtures("db")
def test_another_place_is_not_in_the_same_boat(ana):
    for each in range(PASSWORD_RESET.per_place + 1):
        ask(NOBODY.format(each))
    before = deferred("portal.send_password_reset")
    ask(ana.user.email, "198.51.100.1")

    assert deferred("portal.send_password_reset") == before + 1


@pytest.mark.usefixtures("db")
def test_the_next_hour_is_another_one(ana):
    for _ in range(PASSWORD_RESET.per_account + 1):
        ask(ana.user.email)
    Allowance.objects.update(until=timezone.now() - timedelta(seconds=1))
    ask(ana.user.email)

    assert deferred("portal.send_password_reset") == PASSWORD_RESET.per_account + 1


@pytest.mark.usefixtures("db")
def test_guessing_passwords_fills_no_table_of_jobs(settings):
    # A real guesser changes the address before the lock: here it would only slow the test down.
    settings.AXES_ENABLED = False
    for each in range(REFUSED_SIGN_IN.per_place + 5):
        guess = {"username": NOBODY.format(each), "password": "a guess"}
        assert Client(REMOTE_ADDR="203.0.113.7").post("/sign-in/", guess).status_code == 422

    assert deferred("portal.record_refused_sign_in") == REFUSED_SIGN_IN.per_place


@pytest.mark.usefixtures("committed")
def test_processes_that_count_at_the_same_moment_all_count():
    def at_once(number):
        try:
            return ask(NOBODY.format(number)).url
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as strangers:
        asked = list(strangers.map(at_once, range(PASSWORD_RESET.per_place + 10)))

    assert len(asked) == PASSWORD_RESET.per_place + 10
    assert deferred("portal.send_password_reset") == PASSWORD_RESET.per_place


@pytest.mark.usefixtures("db")
def test_the_table_does_not_say_who_asked_nor_for_whom(ana):
    ask(ana.user.email, "203.0.113.7")
    kept = str(list(Allowance.objects.values_list()))

    assert Allowance.objects.count() == 2
    assert ana.user.email not in kept
    assert "203.0.113.7" not in kept


@pytest.mark.usefixtures("db")
def test_it_is_forgotten_when_the_hour_is_over(ana):
    ask(ana.user.email)
    jobs.forget_allowances(0)
    assert Allowance.objects.count() == 2
    Allowance.objects.update(until=timezone.now() - timedelta(seconds=1))
    jobs.forget_allowances(0)
    assert not Allowance.objects.exists()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("", "", True),
    ],
)
def test_a_place_is_what_one_stranger_has(one, other, same):
    places = [place_of(each) for each in (one, other)]
    assert (places[0] == places[1]) is same
