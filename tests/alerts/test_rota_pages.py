"""The pages of a rota: what staff see, and what pressing does."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts.models import Handover, Rota, Shift, ShiftOverride, ShiftSwap

pytestmark = pytest.mark.usefixtures("db")
ZONE = ZoneInfo("America/New_York")


@pytest.fixture
def rota(clinic, system):
    with system():
        return Rota.objects.create(organization=clinic, name="Nights", time_zone=ZONE.key)


@pytest.fixture
def add_shift(rota, system):
    """`add_shift(ada, 2)`: a shift of hers that begins two days from now."""

    def add(person, away, **more):
        day = timezone.localtime(timezone=ZONE).date() + timedelta(days=away)
        with system():
            shift = Shift.objects.create(
                organization=rota.organization,
                rota=rota,
                name="Night",
                user=person.user if person else None,
                weekday=day.weekday(),
                starts=time(20),
                ends=time(8),
                from_on=day,
                **more,
            )
        return [rota.pk, shift.series, day]

    return add


def see(client, turn):
    page = client.get(reverse("alerts:rota_calendar", args=[turn[0]]) + f"?from={turn[2]}")
    assert page.status_code == 200
    return page.content.decode()


def test_without_a_rota_the_page_says_what_to_do(client_for, ada, admin):
    assert "No rota yet" in client_for(ada).get(reverse("alerts:rota")).content.decode()
    assert "Make a rota" in client_for(admin).get(reverse("alerts:rota")).content.decode()


def test_the_calendar_names_people_hours_zone_and_gaps(client_for, add_shift, ada, noor):
    turn = add_shift(ada, 2)
    page = see(client_for(noor), turn)
    assert "Ada Lee" in page
    assert "20:00–08:00" in page
    assert "America/New_York" in page
    assert "Nobody" in page
    assert "Empty in the next seven days" in page


def test_five_weeks_show_every_turn(client_for, add_shift, rota, ada):
    add_shift(ada, 1)
    page = client_for(ada).get(reverse("alerts:rota_calendar", args=[rota.pk]), {"show": "month"})
    assert 4 <= page.content.decode().count("Ada Lee (you)") <= 5


@pytest.mark.parametrize("asked", ["2026-02-31", "nonsense", "9999-12-31", "0001-01-01"])
def test_a_strange_date_is_this_week(client_for, rota, ada, asked):
    page = client_for(ada).get(reverse("alerts:rota_calendar", args=[rota.pk]), {"from": asked})
    assert "Today</span>" in page.content.decode()


def test_a_turn_is_taken_by_a_press(client_for, add_shift, ada, boris):
    turn, browser = add_shift(ada, 2), client_for(boris)
    page = browser.get(reverse("alerts:rota_turn", args=turn)).content.decode()
    assert "Take this shift from Ada Lee" in page
    answer = browser.post(
        reverse("alerts:rota_taking", args=turn), {"instead_of": ada.user.pk}, follow=True
    )
    assert "This shift is yours." in answer.content.decode()
    assert "Boris Fell (you)" in see(browser, turn)


def test_who_comes_second_reads_it_beside_the_shift(client_for, add_shift, ada, boris, noor):
    turn, took = add_shift(ada, 2), {"instead_of": ada.user.pk}
    client_for(boris).post(reverse("alerts:rota_taking", args=turn), took)
    answer = client_for(noor).post(reverse("alerts:rota_taking", args=turn), took)
    assert answer.status_code == 422
    assert "Somebody else has this shift now" in answer.content.decode()


def test_what_was_taken_can_be_undone(client_for, add_shift, system, ada, boris):
    turn, browser = add_shift(ada, 2), client_for(boris)
    browser.post(reverse("alerts:rota_taking", args=turn), {"instead_of": ada.user.pk})
    with system():
        override = ShiftOverride.objects.get()
    assert "Undo" in browser.get(reverse("alerts:rota_turn", args=turn)).content.decode()
    assert (
        "Undo" not in client_for(ada).get(reverse("alerts:rota_turn", args=turn)).content.decode()
    )
    browser.post(reverse("alerts:rota_withdrawal", args=[override.pk]))
    assert "Ada Lee" in see(browser, turn)


def test_an_illness_leaves_a_marked_hole(client_for, add_shift, ada):
    turn, browser = add_shift(ada, 2), client_for(ada)
    browser.post(reverse("alerts:rota_leaving", args=turn))
    assert "rota__entry--empty" in see(browser, turn)
    page = browser.get(reverse("alerts:rota_turn", args=turn)).content.decode()
    assert "Empty" in page
    assert "cannot do it" in page


def test_a_swap_is_asked_and_agreed(client_for, add_shift, system, ada, boris):
    hers, his = add_shift(ada, 2), add_shift(boris, 3)
    gives = f"{hers[1]}/{hers[2]}"
    page = client_for(ada).get(reverse("alerts:rota_turn", args=his)).content.decode()
    assert f'value="{gives}"' in page
    client_for(ada).post(reverse("alerts:rota_swap", args=his), {"gives": gives})
    with system():
        swap = ShiftSwap.objects.get()
    assert "You asked Boris Fell to swap" in see(client_for(ada), hers)
    assert "Ada Lee asks you to swap" in see(client_for(boris), hers)
    client_for(boris).post(reverse("alerts:rota_agreement", args=[swap.pk]))
    page = see(client_for(boris), hers)
    assert "asks you to swap" not in page
    assert "Boris Fell (you)" in page


def test_a_swap_with_nonsense_is_refused_in_words(client_for, add_shift, ada, boris):
    add_shift(ada, 2)
    his = add_shift(boris, 3)
    for gives in ("", "x/y", f"{his[1]}/2026-99-99"):
        answer = client_for(ada).post(reverse("alerts:rota_swap", args=his), {"gives": gives})
        assert answer.status_code == 422


def test_a_note_stays_for_the_next_shift(client_for, rota, ada, noor):
    address = reverse("alerts:rota_handovers", args=[rota.pk])
    client_for(ada).post(address, {"note": "The pager is in room 3."})
    page = client_for(noor).get(reverse("alerts:rota_calendar", args=[rota.pk]))
    assert "The pager is in room 3." in page.content.decode()


@pytest.mark.parametrize("note", ["", "  ", "\0", "x" * 501])
def test_an_empty_or_endless_note_is_refused(client_for, rota, system, ada, note):
    answer = client_for(ada).post(reverse("alerts:rota_handovers", args=[rota.pk]), {"note": note})
    assert answer.status_code == 422
    with system():
        assert not Handover.objects.exists()


def test_a_turn_that_is_over_offers_nothing(client_for, add_shift, ada, boris):
    turn = add_shift(ada, -5)
    page = client_for(boris).get(reverse("alerts:rota_turn", args=turn)).content.decode()
    assert "This shift is over" in page
    assert "Take this shift" not in page


def test_a_date_without_a_turn_is_not_there(client_for, add_shift, ada):
    rota, series, day = add_shift(ada, 2)
    address = reverse("alerts:rota_turn", args=[rota, series, day + timedelta(days=1)])
    assert client_for(ada).get(address).status_code == 404


def test_an_edit_in_the_administration_keeps_the_past(client_for, add_shift, system, admin, ada):
    rota_id, series, day = add_shift(ada, -7)
    with system():
        shift = Shift.objects.get(series=series)
    prefix = "shifts"
    answer = client_for(admin).post(
        reverse("admin:alerts_rota_change", args=[rota_id]),
        {
            "name": "Nights",
            "time_zone": ZONE.key,
            "is_round_the_clock": "on",
            f"{prefix}-TOTAL_FORMS": 1,
            f"{prefix}-INITIAL_FORMS": 1,
            f"{prefix}-0-id": shift.pk,
            f"{prefix}-0-rota": rota_id,
            f"{prefix}-0-name": "Night",
            f"{prefix}-0-user": ada.user.pk,
            f"{prefix}-0-weekday": shift.weekday,
            f"{prefix}-0-starts": "21:00",
            f"{prefix}-0-days": 1,
            f"{prefix}-0-ends": "07:00",
            f"{prefix}-0-every": 1,
            f"{prefix}-0-position": 1,
            f"{prefix}-0-from_on": shift.from_on,
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    with system():
        before, after = Shift.objects.filter(series=series).order_by("from_on")
    assert (before.starts, after.starts) == (time(20), time(21))
    assert before.until_on == after.from_on - timedelta(days=1) >= day


@pytest.mark.parametrize("number", [1, 9])
def test_the_administration_costs_as_many_queries_for_many_shifts_as_for_one(
    client_for, add_shift, rota, admin, ada, noor, number, django_assert_max_num_queries
):
    for away in range(number):
        add_shift((ada, noor)[away % 2], away)
    client = client_for(admin)
    address = reverse("admin:alerts_rota_change", args=[rota.pk])
    client.get(address)
    with django_assert_max_num_queries(26):
        page = client.get(address).content.decode()
    # The browser's own fields, and every shift with its holder.
    assert page.count('type="date"') == 2 * (number + 1)
    assert page.count(f'<option value="{ada.user.pk}" selected>') == (number + 1) // 2
