"""The accounts of the demo clinic (design section 8): fixed, so that anyone can script against it.

They exist only where `manage.py demo` made them; the sign-in page offers them only with DEMO=1.
"""

from typing import NamedTuple

DEMO_PASSWORD = "vigil-demo"  # noqa: S105 - printed on the front door


class DemoAccount(NamedTuple):
    """One press at the front door."""

    email: str
    who: str
    organization: str


DEMO_ACCOUNTS = (
    DemoAccount("patient@demo.example", "Patient", "Demo Clinic"),
    DemoAccount("caregiver@demo.example", "Caregiver", "Demo Clinic"),
    DemoAccount("clinician@demo.example", "Clinician", "Demo Clinic"),
    DemoAccount("nurse@demo.example", "Nurse", "Demo Clinic"),
    DemoAccount("admin@demo.example", "Administrator", "Demo Clinic"),
    DemoAccount("patient@other.example", "Patient", "Other Clinic"),
    DemoAccount("clinician@other.example", "Clinician", "Other Clinic"),
    DemoAccount("admin@other.example", "Administrator", "Other Clinic"),
)
