"""Telling somebody once of one occasion, whoever says it again."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

from django.db import connections

from notifications.actions import notify
from notifications.models import Kind, Notification
from portal.tenancy import acting_for


def tell(people, patient, *, by=None, once="step 1"):
    with acting_for(patient.organization_id, by.user.pk if by else None, system=by is None):
        return notify(
            [person.user.pk for person in people],
            Kind.ALERT,
            patient=patient,
            subject_id=uuid4(),
            once=once,
            is_important=True,
        )


def number_told(organization):
    with acting_for(organization.pk, system=True):
        return Notification.objects.filter(kind=Kind.ALERT).count()


def test_a_second_telling_of_one_occasion_tells_only_who_was_left_out(cast):
    patient = cast.ana.patient

    assert tell([cast.ada], patient) == [cast.ada.user.pk]
    assert tell([cast.ada, cast.noor], patient) == [cast.noor.user.pk]
    assert tell([cast.ada], patient, once="step 2") == [cast.ada.user.pk]
    assert number_told(cast.clinic) == 3


def test_a_colleague_learns_who_was_told_though_not_what_they_read(cast):
    assert tell([cast.noor], cast.ana.patient, by=cast.ada) == [cast.noor.user.pk]
    assert tell([cast.noor], cast.ana.patient, by=cast.ada) == []


def test_without_an_occasion_each_telling_counts(cast):
    for _ in range(2):
        assert tell([cast.ada], cast.ana.patient, once="") == [cast.ada.user.pk]
    assert number_told(cast.clinic) == 2


def test_what_is_about_no_patient_names_its_organization(cast):
    with acting_for(cast.clinic.pk, system=True):
        told = notify(
            [cast.admin.user.pk],
            Kind.ALARM,
            patient=None,
            organization_id=cast.clinic.pk,
            once="alarm 1",
        )
    assert told == [cast.admin.user.pk]


def test_two_workers_with_the_same_step_tell_once(committed, cast):
    together = Barrier(2)

    def step():
        try:
            together.wait(60)
            return tell([cast.ada, cast.noor], cast.ana.patient)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        told = [
            user for done in [workers.submit(step), workers.submit(step)] for user in done.result()
        ]

    assert sorted(told) == sorted([cast.ada.user.pk, cast.noor.user.pk])
    assert number_told(cast.clinic) == 2
