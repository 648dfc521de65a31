"""Real sets of vital signs, through the door and into the record: they score as the chart says.

All 812 are scored by the pure function in test_news2; here some of them take the way that a
clinician's set takes, rounding and storing included.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from care.actions import Taken, record_vital_signs
from care.early_warning import rescore
from care.models import Source, VitalSign
from care.vital_signs import BREATHING, CONSCIOUSNESS, OXYGEN, OXYGEN_FLOW, PULSE, TEMPERATURE
from tests.care.conftest import samples
from tests.care.test_news2 import adult_sets, expected

CODES = {
    "pulse": PULSE,
    "respiration": BREATHING,
    "temperature": TEMPERATURE,
    "saturation": OXYGEN,
    # The samples have the systolic pressure in a column of its own.
    "systolic": "85354-9",
}
EVERY = 40


@pytest.fixture
def sets():
    return adult_sets(samples("smart-tsv"))[::EVERY]


def taken(values):
    """A set as a clinician would enter it, on air and awake, the diastolic pressure made up."""
    for name, code in CODES.items():
        if name == "systolic":
            yield Taken(code, components={"8480-6": values[name], "8462-4": values[name] / 2})
        else:
            yield Taken(code, values[name])
    yield Taken(OXYGEN_FLOW, values["pulse"] * 0)
    yield Taken(CONSCIOUSNESS, text="Alert")


def test_real_sets_are_scored_in_the_record_as_on_the_chart(sets, ana, ada, acting, system):
    assert len(sets) == 21
    now = timezone.now()
    for number, values in enumerate(sets, 1):
        at = now - timedelta(hours=number)
        with acting(ada):
            record_vital_signs(
                ana.patient.pk, taken(values), measured_at=at, by=ada.reader,
                source=Source.CLINICIAN,
            )  # fmt: skip
        with system():
            score = rescore(ana.patient, at)
        wanted = {name: expected(name, value) for name, value in values.items()}
        assert score.parts == wanted | {"oxygen": 0, "consciousness": 0}
        assert score.total == sum(wanted.values())
    with system():
        assert not VitalSign.objects.filter(is_implausible=True).exists()
