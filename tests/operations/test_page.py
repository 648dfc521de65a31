"""The operations page: administrators see how delivery goes, now and before, and of whom."""

import uuid
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from portal.operations import kept_totals, measures
from portal.operations.history import (
    DAY,
    HOUR,
    Moment,
    counted,
    moments,
    now_of_all,
    processes,
    usual,
)
from portal.operations.measures import HubMeasures, StreamMeasures
from portal.operations.models import Finding, Grain, HubSample, OrganizationSample, StreamSample
from portal.operations.pictures import pictures
from portal.operations.sampling import forget_old, grain_of, keep_hub, keep_stream
from portal.tenancy import acting_for
from realtime.tally import Totals

FLOWING = StreamMeasures(0.4, 7, 900, 0, 0.0, 0, 0.0)
NOBODYS = uuid.UUID(int=0)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def look(totals=None, **changed):
    values = {
        "sockets": 30, "channels": 30, "by_organization": {}, "unsent_bytes": 0, "position": 900,
        "is_fresh": True, "bus_is_down": False, "totals": totals or Totals(), "hour": Totals(),
        "lately": Totals(), "usual_sockets": None,
    }  # fmt: skip
    return HubMeasures(**(values | changed))


def delivered(number, seconds=0.02):
    totals = Totals(events=number, closed=Counter({1006: number}), watched=number, fresh=number)
    for _ in range(number):
        totals.delivery.add(seconds)
    return totals


@pytest.fixture
def now(db, monkeypatch):
    """Now; the log can be asked and answers that all is well."""
    monkeypatch.setattr(measures, "of_stream", lambda: FLOWING)
    # The middle of a minute, so that what is ten seconds apart is not in two.
    return timezone.now().replace(second=30, microsecond=0)


@pytest.fixture
def all_seen(db):
    with acting_for(None, system=True):
        yield


# The page ---------------------------------------------------------------------------------------


def test_before_anything_was_measured_the_page_says_so(now, admin, client_for):
    answer = client_for(admin).get("/operations/")
    assert answer.status_code == 200
    assert "Nothing was measured in this time" in answer.text
    assert "No process was heard of yet" in answer.text


def test_well_is_said_in_one_sentence(now, admin, client_for):
    keep_hub(look(), timezone.now(), Grain.COARSE)
    assert "Every change is delivered" in client_for(admin).get("/operations/").text


def test_what_is_beyond_its_bound_is_named_with_it(now, admin, client_for, monkeypatch):
    keep_hub(look(), timezone.now(), Grain.COARSE)
    old = StreamMeasures(**(vars(FLOWING) | {"oldest_waiting": 3.2}))
    monkeypatch.setattr(measures, "of_stream", lambda: old)
    shown = client_for(admin).get("/operations/now/").text
    assert "Act: somebody should see to this now" in shown
    assert "Oldest change in the inbox" in shown
    assert "3.2 s" in shown
    assert "&gt; 2 s" in shown


def test_an_administrators_first_page_says_whether_all_is_well(now, admin, client_for, monkeypatch):
    keep_hub(look(), timezone.now(), Grain.COARSE)
    assert "/operations/glance/" in client_for(admin).get("/dashboard/").text
    glance = client_for(admin).get("/operations/glance/").text
    assert "Every change is delivered" in glance
    assert 'href="/operations/"' in glance
    old = StreamMeasures(**(vars(FLOWING) | {"oldest_waiting": 3.2}))
    monkeypatch.setattr(measures, "of_stream", lambda: old)
    glance = client_for(admin).get("/operations/glance/").text
    assert "Act: somebody should see to this now" in glance
    assert "Oldest change in the inbox" in glance


def test_a_share_is_said_in_per_cent_and_a_number_as_it_is(now, admin, client_for):
    keep_hub(look(), timezone.now(), Grain.COARSE)
    words = unescape(strip_tags(client_for(admin).get("/operations/").text))
    assert "Handshakes of nobody we know–Well> 90 %" in "".join(words.split("\n"))
    assert "Dead letters0Well> 0" in "".join(words.split("\n"))


def test_a_delay_is_said_as_its_bounds_are(now, admin, client_for):
    keep_hub(look(), timezone.now() - 20 * SECOND, Grain.COARSE)
    keep_hub(look(delivered(40, 0.09)), timezone.now(), Grain.COARSE)
    words = unescape(strip_tags(client_for(admin).get("/operations/").text))
    assert "Delivery, 95th percentile98 msWell> 500 ms> 2 s" in "".join(words.split("\n"))


def test_delivery_alone_is_not_called_well(now, admin, client_for, all_seen):
    at = timezone.now()
    keep_hub(look(), at, Grain.COARSE)
    Finding.objects.create(rule="x", began_at=at, beyond_at=at, raised_at=at, reason="why")
    assert "Changes are delivered again" in client_for(admin).get("/operations/now/").text


@pytest.fixture
def silent_worker(committed, owner, clinic):
    """The watch over alerts has found that nobody works on them."""
    owner.execute(
        "INSERT INTO auditor_alarms (id, organization_id, kind, number, found_at)"
        " VALUES (gen_random_uuid(), %s, 'worker_silent', 1, now()) ON CONFLICT DO NOTHING",
        [clinic.pk],
    )


def test_what_the_watch_over_alerts_found_is_said_first(
    silent_worker, admin, client_for, monkeypatch
):
    monkeypatch.setattr(measures, "of_stream", lambda: FLOWING)
    keep_hub(look(), timezone.now(), Grain.COARSE)
    shown = client_for(admin).get("/operations/now/").text
    assert "alerts may not be told" in shown
    assert "The job worker gives no sign of life" in shown
    assert "alerts may not be told" in client_for(admin).get("/operations/glance/").text


@pytest.mark.parametrize(("waits", "besides"), [(1.0, "Look at this"), (3.2, "Act: somebody")])
def test_nothing_else_that_is_amiss_hides_it(
    silent_worker, admin, client_for, monkeypatch, waits, besides
):
    """A worker that is gone seals no audit log either, which is a lesser thing."""
    stream = replace(FLOWING, oldest_waiting=waits)
    monkeypatch.setattr(measures, "of_stream", lambda: stream)
    keep_hub(look(), timezone.now(), Grain.COARSE)
    for address in ("/operations/now/", "/operations/glance/"):
        shown = client_for(admin).get(address).text
        assert "banner--critical" in shown
        assert "Act: alerts may not be told" in shown
        assert besides not in shown
        assert "Besides: oldest change in the inbox" in shown


def test_without_the_database_of_the_engine_the_page_still_answers(
    now, admin, client_for, monkeypatch
):
    monkeypatch.setattr(measures, "of_stream", lambda: None)
    assert "The log cannot be read" in client_for(admin).get("/operations/").text


def test_findings_are_shown_while_they_last_and_a_day_after(now, admin, client_for, all_seen):
    at = timezone.now()
    for rule, ended in (("open", None), ("over", at), ("long over", at - timedelta(days=2))):
        Finding.objects.create(
            rule=rule, began_at=at - timedelta(days=3), beyond_at=at, raised_at=at,
            ended_at=ended, reason=f"REASON {rule}",
        )  # fmt: skip
    Finding.objects.create(rule="watched", began_at=at, beyond_at=at, reason="REASON watched")
    shown = client_for(admin).get("/operations/now/").text
    assert "REASON open" in shown
    assert "REASON over" in shown
    assert "REASON long over" not in shown
    assert "REASON watched" not in shown


@pytest.mark.parametrize("span", ["hour", "day"])
def test_each_plot_has_the_same_as_a_table(now, admin, client_for, span):
    for minutes in (40, 20, 0):
        keep_hub(look(delivered(60 - minutes)), now - minutes * MINUTE, Grain.COARSE)
        keep_stream(FLOWING, now - minutes * MINUTE, Grain.COARSE)
    plots = client_for(admin).get(f"/operations/?span={span}").text
    tables = client_for(admin).get(f"/operations/?span={span}&as=tables").text
    assert plots.count('class="plot__canvas"') == 12
    assert tables.count('<section class="card" aria-labelledby="picture-') == 12
    assert tables.count('aria-label="Dead letters, in a table"') == 1


@pytest.mark.parametrize(("sockets", "bound"), [(5, None), (600, 10)])
def test_a_bound_of_less_than_one_lost_socket_is_not_drawn(now, sockets, bound):
    shown = pictures(HOUR, [Moment(now, sockets=sockets)], "Harbour Clinic", None)
    lost = next(picture for picture in shown if picture.key == "reconnects")
    assert (lost.bounds and lost.bounds.look) == bound


def test_a_page_tells_of_its_own_organization_and_of_no_other(
    now, admin, other_admin, client_for, clinic, other_clinic
):
    by = {str(clinic.pk): 23, str(other_clinic.pk): 17}
    keep_hub(look(sockets=40, by_organization=by), now, Grain.COARSE)
    ours = client_for(admin).get("/operations/?as=tables").text
    assert ">23</td>" in ours
    assert ">17</td>" not in ours
    assert "Hill Clinic" not in ours
    assert ">17</td>" in client_for(other_admin).get("/operations/?as=tables").text


def test_row_level_security_alone_keeps_the_samples_from_others(now, cast, acting):
    by = {str(cast.clinic.pk): 23, str(cast.other_clinic.pk): 17}
    keep_hub(look(by_organization=by), now, Grain.COARSE)
    keep_stream(FLOWING, now, Grain.COARSE)
    tables = (HubSample, StreamSample, Finding, OrganizationSample)
    with acting_for(None, system=True):
        Finding.objects.create(rule="x", began_at=now, beyond_at=now)
    for who, sees in (("admin", 1), ("other_admin", 1), ("ada", 0), ("ana", 0)):
        with acting(getattr(cast, who)):
            assert [model.objects.count() for model in tables] == [sees] * 4, who
    with acting(cast.admin):
        assert OrganizationSample.objects.get().sockets == 23
        assert HubSample.objects.all().delete()[0] == 0


# History ----------------------------------------------------------------------------------------


def test_what_happened_between_two_looks_is_their_difference(now, all_seen):
    keep_hub(look(delivered(100)), now - 70 * SECOND, Grain.MINUTE)
    keep_hub(look(delivered(130)), now - 10 * SECOND, Grain.MINUTE)
    [_, last] = moments(HOUR, now, NOBODYS)
    assert last.totals.events == 30
    assert last.totals.closed == {1006: 30}
    assert sum(last.totals.delivery.counts) == 30


def test_a_restart_is_no_fall_and_two_processes_are_added_up(now, all_seen):
    keep_hub(look(delivered(500)), now - 80 * SECOND, Grain.MINUTE, run="before")
    keep_hub(look(delivered(510)), now - 70 * SECOND, Grain.FINE, run="before", is_last=True)
    for run, first in (("after", 20), ("other", 70)):
        keep_hub(look(delivered(0)), now - 20 * SECOND, Grain.COARSE, run=run)
        keep_hub(look(delivered(first)), now - 10 * SECOND, Grain.FINE, run=run)
    before, last = moments(HOUR, now, NOBODYS)
    assert (before.totals.events, last.totals.events) == (10, 90)
    assert (before.sockets, last.sockets) == (30, 60)
    assert counted(now, 300).events == 100
    assert [each.is_silent for each in processes(now)] == [False, False]


def test_of_an_organization_only_its_own_sockets_are_counted(now, all_seen, clinic, other_clinic):
    """Also by whoever sees those of all."""
    by = {str(clinic.pk): 23, str(other_clinic.pk): 17}
    keep_hub(look(sockets=40, by_organization=by), now, Grain.COARSE)
    for organization, sockets in ((clinic, 23), (other_clinic, 17)):
        [moment] = moments(HOUR, now, organization.pk)
        assert (moment.sockets, moment.own_sockets) == (40, sockets)


def test_the_log_is_counted_in_events_a_second(now, all_seen):
    for seconds, seq in ((20, 900), (10, 950)):
        stream = StreamMeasures(**(vars(FLOWING) | {"last_seq": seq}))
        keep_stream(stream, now - seconds * SECOND, Grain.FINE)
    assert moments(HOUR, now, NOBODYS)[-1].events_per_second == 5


def test_a_process_that_stops_telling_is_shown_as_silent(now, all_seen):
    keep_hub(look(), now - 40 * SECOND, Grain.FINE)
    assert [each.is_silent for each in processes(now)] == [True]
    assert now_of_all(now) is None


def test_the_usual_number_needs_an_hour_and_is_that_of_all_processes(now, all_seen):
    for step in range(6):
        for run in ("one", "other"):
            keep_hub(look(sockets=10), now - 10 * step * MINUTE, Grain.COARSE, run=run)
    assert usual(now) is None
    keep_hub(look(sockets=90), now - 60 * MINUTE, Grain.COARSE, run="one")
    assert usual(now) == 30


def test_totals_come_back_as_they_were_kept():
    totals = delivered(4, 0.5)
    totals.refused["Unauthorized"] = 2
    totals.turned_away[429] = 4
    totals.pages_turned_away = 3
    assert kept_totals.read(kept_totals.written(totals)) == totals


def test_old_looks_thin_out_and_are_forgotten(now, all_seen):
    for age in (5 * SECOND, 2 * timedelta(hours=1), 5 * timedelta(hours=1), timedelta(days=3)):
        for grain in Grain:
            keep_hub(look(), now - age, grain)
    forget_old(now)
    kept = {(now - each.at, each.grain) for each in HubSample.objects.all()}
    assert kept == {
        *((5 * SECOND, grain) for grain in Grain),
        (2 * timedelta(hours=1), Grain.MINUTE),
        (2 * timedelta(hours=1), Grain.COARSE),
        (5 * timedelta(hours=1), Grain.COARSE),
    }


def test_the_first_look_of_a_minute_is_kept_longer(now):
    at = now.replace(minute=14, second=55)
    assert grain_of(at, None) == Grain.COARSE
    assert grain_of(at + 2 * SECOND, at) == Grain.FINE
    assert grain_of(at + 10 * SECOND, at) == Grain.MINUTE
    assert grain_of(at + 6 * MINUTE, at) == Grain.COARSE


def test_a_step_of_the_day_shows_its_worst(now, all_seen):
    for minutes, oldest in ((2, 9.0), (1, 0.0)):
        stream = StreamMeasures(**(vars(FLOWING) | {"oldest_waiting": oldest}))
        keep_stream(stream, now.replace(minute=15) - minutes * MINUTE, Grain.COARSE)
    [moment] = moments(DAY, now.replace(minute=15), NOBODYS)
    assert moment.stream.oldest_waiting == 9.0
