"""Facts about the cast's health, and the shared sample data where it is present."""

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

# Where a checkout finds the sample data; the project commits none of it (data/README.md there).
SAMPLES = Path(os.environ.get("SAMPLE_DATA", Path(__file__).resolve().parents[3] / "shared/data"))


def samples(name: str) -> Path:
    """A folder of the sample data; skips the test where it is absent."""
    folder = SAMPLES / name
    if not folder.is_dir():
        pytest.skip(
            f"the sample data “{name}” is not on this machine (SAMPLE_DATA names its folder)"
        )
    return folder


@pytest.fixture
def record_reading(system):
    """`record_reading(ana, "8867-4", 78, hours=2)`: a reading two hours ago, as rows."""
    from care.models import VitalSign
    from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, SYSTOLIC, kind_of

    def record(person, code, value, *, hours=1.0, **fields):
        kind = kind_of(code)
        if code == BLOOD_PRESSURE:
            fields["components"] = [
                {"code": SYSTOLIC, "value": str(value[0]), "unit": "mm[Hg]"},
                {"code": DIASTOLIC, "value": str(value[1]), "unit": "mm[Hg]"},
            ]
        else:
            fields["value"] = Decimal(str(value))
        with system(person.organization):
            return VitalSign.objects.create(
                organization=person.organization,
                patient=person.patient,
                category="vital-signs",
                code=code,
                display=kind.name if kind else code,
                unit=kind.unit if kind else "",
                measured_at=timezone.now() - timedelta(hours=hours),
                **fields,
            )

    return record
