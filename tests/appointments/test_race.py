"""Two hundred want one time: one gets it, and nobody else thinks so. Real commits."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections

from appointments import actions
from appointments.errors import SlotTaken, VisitIsOver
from appointments.models import Appointment, TakenTime
from portal.access import Reader
from portal.identifiers import uuid7
from portal.models import CareTeamMembership, Membership, Patient, Role, User
from portal.tenancy import acting_for
from tests.appointments.diary import Diary
from tests.waiting import wait_until

RACERS = 200
WAITING = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"


class Racer:
    """A patient of Ada's with a browser of their own."""

    def __init__(self, clinic, number: int) -> None:
        self.user = User(email=f"racer{number}@harbour.example", name=f"Racer {number}")
        self.patient = Patient(
            organization=clinic,
            user=self.user,
            mrn=f"R{number}",
            name=self.user.name,
            birth_on="1970-01-01",
        )
        self.organization = clinic
        self.reader = Reader(self.user.pk, clinic.pk, Role.PATIENT)


@pytest.fixture
def racers(committed, cast):
    made = [Racer(cast.clinic, number) for number in range(RACERS)]
    of_clinic = {"organization": cast.clinic}
    with acting_for(cast.clinic.pk, system=True):
        User.objects.bulk_create(racer.user for racer in made)
        Membership.objects.bulk_create(
            Membership(**of_clinic, user=racer.user, role=Role.PATIENT) for racer in made
        )
        Patient.objects.bulk_create(racer.patient for racer in made)
        CareTeamMembership.objects.bulk_create(
            CareTeamMembership(**of_clinic, patient=racer.patient, provider=cast.ada.provider)
            for racer in made
        )
    return made


@pytest.fixture
def room_for_all(committed, database_urls):
    """As many connections as there are racers, if half of what the server has left is enough."""
    with psycopg.connect(database_urls.superuser) as connection:
        allowed = int(connection.execute("SHOW max_connections").fetchone()[0])
        used = connection.execute("SELECT count(*) FROM pg_stat_activity").fetchone()[0]
    return min(RACERS, (allowed - used) // 2)


def race(racers, at_once, act):
    """Let everybody act at the same instant, so many on connections of their own at a time."""
    start = threading.Barrier(at_once)
    waiting = threading.local()

    def run(racer):
        if not hasattr(waiting, "is_over"):
            # Each has their connection before anybody acts.
            with acting_for(racer.organization.pk, racer.user.pk):
                pass
            start.wait(timeout=60)
            waiting.is_over = True
        try:
            return act(racer)
        except SlotTaken as taken:
            return taken

    def leave(_):
        start.wait(timeout=60)
        connections.close_all()

    with ThreadPoolExecutor(at_once) as threads:
        results = list(threads.map(run, racers))
        list(threads.map(leave, range(at_once)))
    return results


def test_two_hundred_race_for_one_time_and_one_gets_it(cast, racers, room_for_all):
    diary = Diary(cast)
    wanted = diary.at("10:00")

    results = race(racers, room_for_all, lambda racer: diary.booked(racer, wanted, racer.patient))

    winners = [result for result in results if isinstance(result, Appointment)]
    losers = [result for result in results if isinstance(result, SlotTaken)]
    assert (len(winners), len(losers)) == (1, RACERS - 1)
    # Everybody else was told so, with other times.
    assert all(loser.next_times for loser in losers)
    assert not any(slot.starts_at == wanted for loser in losers for slot in loser.next_times)
    with acting_for(cast.clinic.pk, system=True):
        assert list(Appointment.objects.values_list("pk", flat=True)) == [winners[0].pk]
        assert TakenTime.objects.count() == 1


def test_holds_and_bookings_race_and_no_two_lie_on_one_another(cast, racers, room_for_all):
    """Some hold, some have it booked by Ada; all of them want the same hour."""
    diary = Diary(cast)
    clocks = ["10:00", "10:15", "10:30"]
    diary.change(diary.wound_check, step_minutes=15)
    crowd = racers[:40]

    def act(racer):
        number = racers.index(racer)
        wanted = diary.at(clocks[number % 3])
        if number % 2:
            return diary.held(racer, wanted, racer.patient)
        with acting_for(cast.clinic.pk, cast.ada.user.pk):
            return actions.book_visit(
                racer.patient.pk,
                starts_at=wanted,
                by=cast.ada.reader,
                provider_id=cast.ada.provider.pk,
                visit_type_id=diary.wound_check.pk,
                key=uuid7(),
            )

    results = race(crowd, min(40, room_for_all), act)

    got = [result for result in results if not isinstance(result, SlotTaken)]
    spans = sorted((result.starts_at, result.ends_at) for result in got)
    assert spans
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(spans))
    with acting_for(cast.clinic.pk, system=True):
        assert TakenTime.objects.count() == len(got)


@pytest.mark.parametrize(
    "says", [actions.record_arrival, actions.record_done, actions.record_no_show]
)
def test_whoever_says_how_a_visit_went_waits_without_holding_it(
    says, committed, cast, database_urls
):
    """Times first and the visit after, all of them: or two who press at once end one another."""
    diary = Diary(cast)
    visit = diary.by_staff(cast.ada, diary.at("10:00"))

    def say():
        try:
            with acting_for(cast.clinic.pk, cast.ada.user.pk):
                says(visit.pk, by=cast.ada.reader)
        except VisitIsOver:
            pass
        finally:
            connections.close_all()

    with (
        psycopg.connect(database_urls.superuser) as times,
        psycopg.connect(database_urls.superuser, autocommit=True) as looking,
        ThreadPoolExecutor(1) as aside,
    ):
        times.execute("SELECT appointments_lock(ARRAY[%s]::uuid[])", [cast.ada.provider.pk])
        said = aside.submit(say)
        wait_until(lambda: looking.execute(WAITING, [times.info.backend_pid]).fetchone())
        looking.execute("SELECT FROM appointments WHERE id = %s FOR UPDATE NOWAIT", [visit.pk])
        times.rollback()
        said.result(60)
