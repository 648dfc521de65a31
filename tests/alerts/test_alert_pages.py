"""Pages of alerts: what the worklist, the card, the bar and the chart show, and what acts leave."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from alerts.models import Alert, AlertRecord
from tests.words import words_of

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def page(client_for):
    """`page(ada, "/alerts/")`: what Ada sees there, as text without markup."""

    def page(person, path, **headers):
        answer = client_for(person).get(path, **headers)
        assert answer.status_code == 200, answer.status_code
        return words_of(answer)

    return page


@pytest.fixture
def post(client_for):
    """`post(ada, alert, "acknowledgement", note="…")`: the answer."""

    def post(person, alert, noun, *, fragment=False, **fields):
        client = client_for(person)
        headers = HTMX if fragment else {}
        return client.post(f"/alerts/{alert.pk}/{noun}/", fields, **headers)

    return post


@pytest.fixture
def now(system):
    """`now(alert)`: the alert as it stands."""

    def now(alert):
        with system():
            return Alert.objects.select_related("owner").get(pk=alert.pk)

    return now


@pytest.fixture
def notes(system):
    """`notes(alert, "acknowledged")`: what people said, oldest first."""

    def notes(alert, kind):
        with system():
            records = AlertRecord.objects.filter(alert=alert, kind=kind).order_by("at")
            return [(str(record.user), record.note) for record in records]

    return notes


# The worklist -----------------------------------------------------------------------------------


def test_a_row_says_whom_it_is_about_by_two_identifiers(alert, page, ada):
    text = page(ada, "/alerts/")
    assert "Critical, nobody has it" in text
    assert "Ana Ruiz, 62" in text
    assert "MRN 4471 · born 1964-03-02" in text
    assert "Potassium 6.4 mmol/L" in text
    assert "(limit 6.0)" in text
    # The policy tells the clinicians five minutes after the care team.
    assert re.search(r"every clinician at \d\d:\d\d in 0[45]:\d\d", text)


def test_the_list_is_of_ones_own_patients(alert, page, boris, olga, client_for, ana, admin):
    for stranger in (boris, olga):
        text = page(stranger, "/alerts/")
        assert "No alerts" in text
        assert "Ana" not in text
    for nobody in (ana, admin):
        assert client_for(nobody).get("/alerts/").status_code == 404


def test_an_empty_list_says_when_it_was_looked_at(page, ada):
    assert re.search(r"No alerts Nobody .* Last checked \d\d:\d\d:\d\d", page(ada, "/alerts/"))


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_list_of_another_age_is_a_list_of_now(year, alert, page, ada):
    since = f"{year}-01-01T00:00:00%2B14:00"
    assert "new – show" not in page(ada, f"/alerts/?since={since}")


def test_new_rows_wait_and_critical_ones_do_not(alert, rule, arrives, judged, page, ada, ana):
    since = (alert.raised_at + timedelta(milliseconds=1)).isoformat()
    rule(severity="urgent", what="Pulse", codes=["8867-4"], unit="/min", high="120")
    arrives(ana, "130", code="8867-4", unit="/min", vital=True)
    judged()
    path = reverse("alerts:index") + "?since=" + since.replace("+", "%2B")
    waiting = page(ada, path, **HTMX)
    assert "1 new – show" in waiting
    assert "Pulse" not in waiting
    shown = page(ada, "/alerts/", **HTMX)
    assert "new – show" not in shown
    assert "Pulse 130 /min" in shown
    rule(what="Sodium", codes=["2951-2"], high="155")
    arrives(ana, "160", code="2951-2")
    judged()
    assert "Sodium 160 mmol/L" in page(ada, path, **HTMX)


def test_what_was_closed_lately_is_behind_a_filter(alert, page, post, ada):
    post(ada, alert, "acknowledgement")
    post(ada, alert, "closure", outcome="done")
    assert "Potassium" not in page(ada, "/alerts/")
    assert "Potassium 6.4 mmol/L" in page(ada, "/alerts/?show=closed")


@pytest.mark.parametrize("number", [1, 6])
def test_the_list_costs_as_many_queries_for_many_as_for_one(
    number, rule, arrives, judged, client_for, ada, ana, django_assert_max_num_queries
):
    codes = ["2823-3", "2951-2", "2345-7", "17861-6", "19123-9", "2777-1"]
    for code in codes[:number]:
        rule(what=f"Value {code}", codes=[code], unit="", high="1")
        arrives(
            ana, "900", code=code, unit={"2823-3": "mmol/L", "2951-2": "mmol/L"}.get(code, "mg/dL")
        )
    judged()
    client = client_for(ada)
    client.get("/alerts/")
    with django_assert_max_num_queries(26):
        client.get("/alerts/", **HTMX)


def test_notices_are_closed_together_and_nothing_else_is(
    alert, rule, arrives, judged, alerts_of, client_for, ada, ana, now
):
    rule(severity="notice", what="Weight", codes=["29463-7"], unit="kg", high="100")
    arrives(ana, "120", code="29463-7", unit="kg", vital=True)
    judged()
    notice = next(each for each in alerts_of(ana) if each.severity == "notice")
    client = client_for(ada)
    text = words_of(client.get("/alerts/notices/"))
    assert "Weight 120 kg" in text
    assert client.post("/alerts/notices/", {}).status_code == 422
    answer = client.post("/alerts/notices/", {"alert": [str(alert.pk), str(notice.pk)]})
    assert answer.status_code == 302
    assert now(notice).phase == "closed"
    assert now(alert).phase == "open"


# One alert --------------------------------------------------------------------------------------


def test_the_card_says_everything_in_its_order(alert, page, ada):
    text = page(ada, f"/alerts/{alert.pk}/", **HTMX)
    parts = ["CRITICAL", "Potassium 6.4 mmol/L", "high", "(limit 6.0)", "Raised", "Told", "Ada Lee",
             "not acknowledged", "Next", "every clinician", "What happened", "Raised: 6.4 mmol/L",
             "Told Ada Lee, Noor Haddad"]  # fmt: skip
    places = [text.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)


def test_what_is_not_ones_own_does_not_exist(alert, client_for, boris, olga, ana, admin, post):
    for person in (boris, olga, ana, admin):
        assert client_for(person).get(f"/alerts/{alert.pk}/").status_code == 404
        for noun in ("acknowledgement", "acts", "handover", "snooze", "escalation", "closure"):
            assert post(person, alert, noun, note="x").status_code == 404
        panel = f"/patients/{alert.patient_id}/panels/alerts/"
        assert client_for(person).get(panel).status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"note": "Calling the ward"}, "Calling the ward"),
        ({"note": "half", "quick": "On my way"}, "On my way"),
        ({}, ""),
    ],
)
def test_acknowledging_with_a_line_a_quick_text_or_nothing(
    alert, post, now, notes, page, ada, noor, fields, said
):
    assert post(ada, alert, "acknowledgement", **fields).status_code == 302
    assert now(alert).owner == ada.user
    assert notes(alert, "acknowledged") == [("Ada Lee", said)]
    text = page(noor, f"/alerts/{alert.pk}/", **HTMX)
    assert "Who has it Ada Lee, since" in text
    assert "raised again at" in text
    assert "Acknowledge " not in text


@pytest.mark.parametrize("fragment", [True, False])
def test_the_second_is_told_who_has_it(alert, post, now, client_for, ada, noor, fragment):
    post(ada, alert, "acknowledgement", note="On my way")
    answer = post(noor, alert, "acknowledgement", fragment=fragment)
    if not fragment:
        client = client_for(noor)
        answer = client.post(f"/alerts/{alert.pk}/acknowledgement/", follow=True)
    assert answer.status_code == 200
    assert re.search(r"Ada Lee has it since \d\d:\d\d: On my way\.", words_of(answer))
    assert now(alert).owner == ada.user


def test_a_line_that_is_too_long_is_refused_beside_its_field(alert, post, now, ada):
    answer = post(ada, alert, "acknowledgement", note="x" * 301)
    assert answer.status_code == 422
    assert "Please use 300 letters at most." in words_of(answer)
    assert now(alert).phase == "open"


def test_saying_what_was_done(alert, post, notes, ada):
    post(ada, alert, "acknowledgement")
    assert post(ada, alert, "acts", note=" ").status_code == 422
    assert post(ada, alert, "acts", note="Calcium given").status_code == 302
    assert notes(alert, "acted") == [("Ada Lee", "Calcium given")]


def test_handing_on_to_somebody_of_the_clinic(alert, post, now, page, history, ada, noor, ana):
    text = page(ada, f"/alerts/{alert.pk}/", **HTMX)
    assert "Noor Haddad, nurse" in text
    assert "Olga" not in text
    assert post(ada, alert, "handover", to=str(ana.user.pk)).status_code == 422
    assert post(ada, alert, "handover").status_code == 422
    assert post(ada, alert, "handover", to=str(noor.user.pk), note="In theatre").status_code == 302
    assert now(alert).phase == "open"
    assert "handed_over" in history(alert)
    assert "Handed to Noor Haddad by Ada Lee: “In theatre”" in page(ada, f"/alerts/{alert.pk}/")


def test_who_is_on_call_stands_first_and_is_marked(alert, page, clinic, system, ada, boris):
    from datetime import date, time

    from alerts.models import Rota, Shift

    with system():
        rota = Rota.objects.create(organization=clinic, name="Nights", time_zone="UTC")
        for weekday in range(7):
            Shift.objects.create(
                organization=clinic, rota=rota, user=boris.user, weekday=weekday,
                starts=time(0), ends=time(0), from_on=date(2026, 1, 5),
            )  # fmt: skip
    text = page(ada, f"/alerts/{alert.pk}/", **HTMX)
    assert "Choose a person Boris Fell, clinician – on call Noor Haddad, nurse" in text


def test_a_snooze_needs_a_time_that_is_offered_and_a_reason(alert, post, now, ada):
    assert post(ada, alert, "snooze", minutes="120", reason="Repeat sent").status_code == 422
    assert post(ada, alert, "snooze", minutes="30", reason="").status_code == 422
    assert now(alert).phase == "open"
    assert post(ada, alert, "snooze", minutes="60", reason="Repeat sent").status_code == 302
    assert now(alert).phase == "snoozed"


def test_escalating_tells_the_next_now(alert, post, told, ada):
    assert told(alert) == ["Ada", "Noor"]
    assert post(ada, alert, "escalation").status_code == 302
    assert told(alert) == ["Ada", "Ada", "Boris", "Noor"]


def test_closing_says_how_and_a_critical_alert_is_taken_first(alert, post, now, ada):
    assert "Acknowledge this alert before" in words_of(
        post(ada, alert, "closure", fragment=True, outcome="done")
    )
    post(ada, alert, "acknowledgement")
    assert post(ada, alert, "closure").status_code == 422
    assert post(ada, alert, "closure", outcome="not_needed").status_code == 422
    assert post(ada, alert, "closure", outcome="recovered").status_code == 422
    answer = post(ada, alert, "closure", outcome="not_needed", note="Haemolysed")
    assert answer.status_code == 302
    assert now(alert).outcome == "not_needed"
    late = words_of(post(ada, alert, "acknowledgement", fragment=True))
    assert "This alert is closed." in late


def test_who_was_called_and_closes_it_is_sent_back_to_the_list(
    alert, post, pass_minutes, clinic, boris
):
    from alerts import steps

    pass_minutes(alert, 10)
    steps.take_due(clinic.pk)  # Boris is told, and may see Ana until this ends.
    assert post(boris, alert, "acknowledgement").status_code == 302
    answer = post(boris, alert, "closure", outcome="done")
    assert answer.url == "/alerts/"


# The bar ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/dashboard/", "/patients/", "/messages/", "/visits/", "/account/"]
)
def test_the_bar_lies_over_every_staff_page(alert, page, ada, noor, boris, path):
    for person in (ada, noor):
        text = page(person, path)
        assert "▲▲ CRITICAL Potassium 6.4 mmol/L (limit 6.0)" in text
        assert "Ana Ruiz, 62, MRN 4471, born 1964-03-02" in text
        assert "Acknowledge Potassium 6.4 mmol/L, Ana Ruiz" in text
    assert "CRITICAL" not in page(boris, path)


def test_patients_and_administrators_have_no_bar(alert, page, ana, admin):
    assert "CRITICAL" not in page(ana, "/home/")
    assert "CRITICAL" not in page(admin, "/dashboard/")


def test_acknowledging_in_the_bar_needs_no_script(alert, client_for, now, page, ada, noor):
    answer = client_for(ada).post(
        f"/alerts/{alert.pk}/acknowledgement/", {"from": "bar"}, follow=True
    )
    assert "You have it." in words_of(answer)
    assert now(alert).owner == ada.user
    assert "▲▲ CRITICAL" not in page(noor, "/dashboard/")


def test_in_the_bar_too_the_second_is_told_who_has_it(alert, post, ada, noor):
    post(ada, alert, "acknowledgement", note="On my way")
    answer = post(noor, alert, "acknowledgement", fragment=True, **{"from": "bar"})
    assert answer.status_code == 200
    assert "Potassium 6.4 mmol/L, Ana Ruiz: Ada Lee has it since" in words_of(answer)
    assert "HX-Trigger" not in answer, "a header is logged by many; it names a patient"


def test_handed_on_it_leaves_the_bar_of_whoever_handed_it_until_they_are_told_again(
    alert, post, page, pass_minutes, clinic, ada, noor
):
    from alerts import steps

    post(ada, alert, "handover", to=str(noor.user.pk))
    assert "▲▲ CRITICAL" not in page(ada, "/dashboard/")
    assert "▲▲ CRITICAL" in page(noor, "/dashboard/")
    pass_minutes(alert, 10)
    steps.take_due(clinic.pk)
    assert "▲▲ CRITICAL" in page(ada, "/dashboard/")


def test_a_page_that_was_fetched_was_not_seen(alert, page, notes, client_for, ada, boris):
    page(ada, "/dashboard/")
    page(ada, f"/alerts/{alert.pk}/")
    assert notes(alert, "seen") == []
    for _ in range(2):
        answer = client_for(ada).post("/alerts/sightings/", {"alert": [str(alert.pk)]}, **HTMX)
        assert answer.status_code == 204
    client_for(boris).post("/alerts/sightings/", {"alert": [str(alert.pk), "nonsense"]}, **HTMX)
    assert notes(alert, "seen") == [("Ada Lee", "")]
    assert "/alerts/sightings/" not in client_for(ada).get("/dashboard/").content.decode()


def queries_of(client: Client, path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.get(path)
    return sum("assessment_critical_alerts" in query["sql"] for query in captured)


def test_a_page_asks_for_alerts_once_and_not_again_for_the_count(client_for, ada):
    assert queries_of(client_for(ada), "/patients/") == 1


def test_a_page_asks_nothing_of_alerts_for_who_does_not_answer_them(client_for, ana, admin):
    assert queries_of(client_for(ana), "/home/") == 0
    assert queries_of(client_for(admin), "/patients/") == 0


# The chart --------------------------------------------------------------------------------------


def test_the_chart_has_a_banner_and_a_panel(alert, page, post, ada, ana):
    chart = page(ada, f"/patients/{ana.patient.pk}/")
    assert "CRITICAL: Potassium 6.4 mmol/L (limit 6.0)" in chart
    assert "not acknowledged" in chart
    panel = f"/patients/{ana.patient.pk}/panels/alerts/"
    assert "Not acknowledged" in page(ada, panel, **HTMX)
    post(ada, alert, "acknowledgement")
    post(ada, alert, "closure", outcome="done")
    assert "Closed: Done" in page(ada, panel, **HTMX)
    assert "CRITICAL" not in page(ada, f"/patients/{ana.patient.pk}/panels/alert-banner/", **HTMX)


def test_reading_alerts_is_on_record(alert, page, system, ada):
    from portal.models import AuditEntry

    page(ada, "/alerts/")
    page(ada, f"/alerts/{alert.pk}/")
    with system():
        entries = AuditEntry.objects.filter(actor_id=ada.user.pk)
        assert entries.filter(action="patients.glanced").count() == 2
        assert entries.filter(action="patient.read").count() == 1
