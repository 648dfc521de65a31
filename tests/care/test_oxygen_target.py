"""Who prescribes that a patient's saturation is scored by scale 2, and until when it holds."""

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from care import oxygen_target
from care.early_warning import scale_at
from care.models import OxygenTarget
from care.news2 import Scale
from portal.models import Patient


def test_an_ended_target_is_kept_and_holds_no_longer(ana, ada, acting, system):
    with acting(ada):
        oxygen_target.prescribe(ana.patient.pk, reason="COPD", by=ada.reader)
        # Twice is one target.
        oxygen_target.prescribe(ana.patient.pk, reason="again", by=ada.reader)
        oxygen_target.end(ana.patient.pk, by=ada.reader)
    with system():
        target = OxygenTarget.objects.get()
        assert (target.reason, target.ended_by_id) == ("COPD", ada.user.pk)
        assert scale_at(ana.patient, timezone.now()) == Scale.ONE


@pytest.mark.parametrize("name", ["noor", "boris", "ana", "sam", "admin", "olga"])
def test_nobody_but_a_clinician_of_the_team_prescribes_it(ana, cast, acting, name):
    who = getattr(cast, name)
    with acting(who), pytest.raises(Patient.DoesNotExist):
        oxygen_target.prescribe(ana.patient.pk, reason="COPD", by=who.reader)


@pytest.mark.parametrize("name", ["noor", "boris", "ana", "admin"])
def test_the_database_lets_nobody_else_prescribe_either(ana, cast, acting, name):
    who = getattr(cast, name)
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with acting(who), refused, transaction.atomic():
        OxygenTarget.objects.create(
            organization=ana.organization, patient=ana.patient, reason="x", prescribed_by=who.user
        )
