"""Ana has written to her care team: the conversation that most tests begin with."""

from types import SimpleNamespace

import pytest

# Models are imported inside: this file is read before there is a database.


@pytest.fixture
def swelling(ana):
    """What Ana wrote first."""
    from tests.messaging.writing import started_by

    return started_by(ana, ana.patient)


@pytest.fixture
def conversation(swelling):
    """The conversation that Ana began."""
    return swelling.conversation


@pytest.fixture
def change(system):
    """Change what the clinic keeps about people: `change.caregiver(sam, scope="read")`."""
    from django.utils import timezone

    from portal.models import Caregiver, CareTeamMembership, Membership, Patient

    def caregiver(person, **changes):
        with system():
            Caregiver.objects.filter(user=person.user).update(**changes)

    def place(person, **changes):
        with system():
            CareTeamMembership.objects.filter(provider=person.provider).update(**changes)

    def membership(person, **changes):
        with system():
            Membership.objects.filter(user=person.user).update(**changes)

    def dies(person):
        with system():
            Patient.objects.filter(pk=person.patient.pk).update(deceased_at=timezone.now())

    return SimpleNamespace(caregiver=caregiver, place=place, membership=membership, dies=dies)
