"""The closed-loop report: its page and its file, and who reads what of it."""

import csv
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from alerts import actions
from alerts.models import Alert, Outcome
from tests.words import words_of

ROWS = "/alerts/report/rows/"


@pytest.fixture
def acting_as(acting):
    """`acting_as(ada, actions.acknowledge, alert)`: what Ada does."""

    def acting_as(person, act, alert, **fields):
        with acting(person):
            act(alert.pk, by=person.reader, **fields)

    return acting_as


@pytest.fixture
def as_old_as(system):
    """`as_old_as(alert, 45)`: as if its result had come so many minutes ago."""

    def as_old_as(alert, minutes):
        at = timezone.now() - timedelta(minutes=minutes)
        with system():
            Alert.objects.filter(pk=alert.pk).update(available_at=at)

    return as_old_as


@pytest.fixture
def page(client_for):
    """`page(ada)`: the report as Ada reads it, without markup."""

    def page(person, path="/alerts/report/"):
        answer = client_for(person).get(path)
        assert answer.status_code == 200
        return words_of(answer)

    return page


def table(client, path=ROWS):
    answer = client.get(path)
    assert answer["Content-Type"].startswith("text/csv")
    assert "no-store" in answer["Cache-Control"]
    return list(csv.DictReader(answer.content.decode().splitlines()))


def test_without_alerts_it_says_so(page, ada):
    assert "No alerts in these days" in page(ada)


def test_each_stage_has_its_share_and_times(alert, acting_as, as_old_as, page, ada):
    acting_as(ada, actions.acknowledge, alert, note="On my way")
    acting_as(ada, actions.act, alert, note="Calcium given")
    as_old_as(alert, 45)
    text = page(ada)
    assert re.search(r"Told 0 % 0 of 1 5 min 4\d min 4\d min", text)
    assert re.search(r"Seen – – 4\d min 4\d min", text)
    assert re.search(r"Acknowledged 0 % 0 of 1 30 min 4\d min 4\d min", text)
    assert re.search(r"Acted on 100 % 1 of 1 1 h 4\d min 4\d min", text)
    assert re.search(r"Potassium 6.4 mmol/L Ana Ruiz, MRN 4471.* The result was judged late", text)


def test_who_ends_an_urgent_alert_has_taken_it_and_acted(
    rule, arrives, judged, alerts_of, acting_as, client_for, ada, ana
):
    rule(severity="urgent", high="6.0")
    arrives(ana, "6.4")
    judged()
    (alert,) = alerts_of(ana)
    acting_as(ada, actions.close, alert, outcome=Outcome.DONE)
    (row,) = table(client_for(ada))
    assert (row["acknowledged in time"], row["acted on in time"]) == ("yes", "yes")


def test_what_rested_on_a_mistake_is_left_out(alert, system, page, ada):
    with system():
        now = timezone.now()
        Alert.objects.filter(pk=alert.pk).update(
            phase="closed", closed_at=now, outcome=Outcome.WRONG_VALUE
        )
    assert "No alerts in these days" in page(ada)


def test_administrators_read_numbers_of_all_and_nothing_of_anybody(
    alert, as_old_as, page, client_for, admin, boris
):
    as_old_as(alert, 45)
    text = page(admin)
    assert "All of Harbour Clinic" in text
    assert "0 of 1" in text
    assert "The result was judged late" in text
    for word in ("Ana", "4471", "Potassium", "6.4 mmol", f"/alerts/{alert.pk}/"):
        assert word not in client_for(admin).get("/alerts/report/").content.decode()
        assert word not in client_for(admin).get(ROWS).content.decode()
    assert len(table(client_for(admin))) == 1
    # Who watches over none of these patients has nothing to report.
    assert "No alerts in these days" in page(boris)
    assert table(client_for(boris)) == []


def test_another_clinic_and_patients_have_none_of_it(
    alert, page, client_for, other_admin, olga, ana
):
    for person in (other_admin, olga):
        assert "No alerts in these days" in page(person)
        assert table(client_for(person)) == []
    assert client_for(ana).get("/alerts/report/").status_code == 404
    assert client_for(ana).get(ROWS).status_code == 404


def test_the_file_has_times_and_reasons_and_is_on_record(
    alert, as_old_as, acting_as, client_for, system, ada
):
    from portal.models import AuditEntry

    acting_as(ada, actions.acknowledge, alert)
    as_old_as(alert, 45)
    (row,) = table(client_for(ada), f"{ROWS}?days=7")
    assert row["alert"] == str(alert.pk)
    assert row["severity"] == "critical"
    assert float(row["acknowledged after (min)"]) == pytest.approx(45, abs=1)
    assert row["acknowledged in time"] == "no"
    assert row["acted on at"] == ""
    assert "Told: The result was judged late" in row["reasons"]
    with system():
        entry = AuditEntry.objects.get(action="alerts.report_exported")
    assert (entry.actor_id, entry.detail) == (ada.user.pk, {"days": 7, "alerts": 1})


def test_the_span_is_one_of_those_offered(alert, as_old_as, client_for, ada):
    as_old_as(alert, 60 * 24 * 10)
    client = client_for(ada)
    assert len(table(client, f"{ROWS}?days=7")) == 0
    assert len(table(client, f"{ROWS}?days=30")) == 1
    for nonsense in ("", "1000000", "x"):
        assert len(table(client, f"{ROWS}?days={nonsense}")) == 1


@pytest.mark.parametrize("number", [1, 5])
def test_it_costs_as_many_queries_for_many_as_for_one(
    number, rule, arrives, judged, client_for, ada, ana, django_assert_max_num_queries
):
    for code in ["2345-7", "17861-6", "19123-9", "2777-1", "3094-0"][:number]:
        rule(what=f"Value {code}", codes=[code], unit="mg/dL", high="1")
        arrives(ana, "900", code=code, unit="mg/dL")
    judged()
    client = client_for(ada)
    client.get("/alerts/report/")
    with django_assert_max_num_queries(24):
        client.get("/alerts/report/")
