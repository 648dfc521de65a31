"""While alerts fail, whoever relies on them is told, and nobody else."""

import psycopg
import pytest

OPEN = """
    INSERT INTO auditor_alarms (id, organization_id, kind, number, found_at)
    VALUES (gen_random_uuid(), %s, %s, 3, now())
"""
WORDS = "Alerts may come late or not at all since"


@pytest.fixture
def owner(committed, database_urls):
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def fails(owner):
    """`fails(clinic)`: the auditor finds that the alerts of a clinic fail."""

    def fails(clinic, kind="worker_silent"):
        owner.execute(OPEN, [clinic.pk, kind])

    return fails


@pytest.fixture
def said(client_for):
    """`said(person)`: whether a page says so to them."""
    return lambda person, path="/dashboard/": WORDS in client_for(person).get(path).text


@pytest.mark.parametrize("kind", ["step_late", "no_next_step", "unjudged", "worker_silent"])
def test_clinical_staff_read_it_over_every_page(fails, said, clinic, ada, kind):
    assert not said(ada)
    fails(clinic, kind)
    assert said(ada)
    assert said(ada, "/patients/")
    assert said(ada, "/alerts/bar/")


def test_it_says_the_day_when_that_was_another(fails, client_for, owner, clinic, ada):
    fails(clinic)
    owner.execute("UPDATE auditor_alarms SET found_at = '2026-03-04 09:30+00'")
    assert f"{WORDS} Wed 4 Mar, " in client_for(ada).get("/dashboard/").text


def test_it_is_gone_with_the_alarm(fails, said, owner, clinic, ada):
    fails(clinic)
    fails(clinic, "unjudged")
    owner.execute("UPDATE auditor_alarms SET ended_at = now() WHERE kind = 'unjudged'")
    assert said(ada)
    owner.execute("UPDATE auditor_alarms SET ended_at = now()")
    assert not said(ada)


def test_another_clinic_does_not_hear_of_it(fails, said, other_clinic, ada):
    fails(other_clinic)
    assert not said(ada)


def test_patients_are_told_nothing(fails, client_for, clinic, ana):
    """They are not to judge whether to rely on it: the page of each says that it is no alarm."""
    fails(clinic)
    assert WORDS not in client_for(ana).get("/home/", follow=True).text
