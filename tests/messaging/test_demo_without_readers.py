"""The demo goes on when somebody takes a patient's whole care team away."""

import random

import pytest
from django.utils import timezone

from portal.management.demo import simulator
from portal.management.demo.simulator import Simulator
from portal.models import CareTeamMembership

pytestmark = pytest.mark.usefixtures("cast")


def test_a_patient_whom_nobody_reads_writes_nothing(clinic, ana, system, monkeypatch):
    monkeypatch.setattr(simulator, "WRITES", 1.0)
    with system():
        CareTeamMembership.objects.filter(patient=ana.patient).update(ends_at=timezone.now())
    one = Simulator(clinic, random.Random(1))
    monkeypatch.setattr(one, "_stories", {ana.patient.mrn: next(iter(one._stories.values()))})
    monkeypatch.setattr(one._findings, "report_when_due", lambda now: "")
    assert one.act() == "nothing"
