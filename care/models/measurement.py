"""What vital signs and results have in common: something measured, of somebody, at a time."""

from decimal import Decimal
from typing import Self

from django.db import models
from django.utils import timezone

from care.numerals import numeral_of
from portal.identifiers import uuid7


class Status(models.TextChoices):
    """How far a measurement is to be trusted: the FHIR value set `observation-status`."""

    REGISTERED = "registered", "Registered"
    PRELIMINARY = "preliminary", "Preliminary"
    FINAL = "final", "Final"
    AMENDED = "amended", "Amended"
    CORRECTED = "corrected", "Corrected"
    CANCELLED = "cancelled", "Cancelled"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
    UNKNOWN = "unknown", "Unknown"


class Source(models.TextChoices):
    """Where a measurement came from."""

    IMPORT = "import", "Record"
    PATIENT = "patient", "Home"
    CLINICIAN = "clinician", "Care team"
    DEVICE = "device", "Device"
    API = "api", "Other system"
    HL7 = "hl7", "Laboratory"


# Nothing clinical is deleted: a mistake is marked and left out of every list.
WITHDRAWN = (Status.ENTERED_IN_ERROR, Status.CANCELLED)


# Beyond the limits at which the laboratory itself telephones (HL7 table 0078).
CRITICAL_FLAGS = ("HH", "LL", "AA")


class MeasurementQuerySet(models.QuerySet["Measurement"]):
    """Sets of measurements."""

    def valid(self) -> Self:
        """Measurements that were not withdrawn as a mistake."""
        return self.exclude(status__in=WITHDRAWN)

    def used(self) -> Self:
        """Measurements that count: rules judge them, scores take them, plots draw them."""
        return self.valid().filter(is_implausible=False)

    def coded(self, codes: "tuple[str, ...] | frozenset[str]") -> Self:
        """Measurements with one of these codes: the same thing is coded in more than one way."""
        return self.filter(code__in=codes)


class Measurement(models.Model):
    """A value with its code, unit and time, as it was reported.

    A blood pressure has no value of its own but two `components`, each a mapping with `code`,
    `display`, `value` (a decimal as text) and `unit`. Never group by `display`: the same code comes
    with many texts.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of their own: every query comes with the patient, which the indexes below begin with.
    organization = models.ForeignKey("portal.Organization", models.PROTECT, db_index=False)
    patient = models.ForeignKey("portal.Patient", models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(max_length=40)
    code = models.CharField(max_length=64, help_text="LOINC")
    code_system = models.CharField(max_length=200, default="http://loinc.org")
    display = models.TextField()
    value = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    text_value = models.TextField(blank=True)
    unit = models.CharField(max_length=40, blank=True, help_text="UCUM")
    components = models.JSONField(default=list, blank=True)
    # What the sender wrote, where `value` was converted into the analyte's own unit.
    reported_value = models.CharField(max_length=40, blank=True)
    reported_unit = models.CharField(max_length=40, blank=True)
    # No living person has this value. Kept, shown as not used, never judged and never scored.
    is_implausible = models.BooleanField(default=False)
    method = models.CharField(max_length=120, blank=True, help_text="How it was measured")
    # The range and the judgement that came with the value, if any did.
    range_low = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    range_high = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    interpretation = models.CharField(max_length=8, blank=True, help_text="HL7 v3: N, H, L, HH …")
    measured_at = models.DateTimeField()
    # A report may know the day only; then no page may print a time.
    time_is_known = models.BooleanField(default=True)
    source = models.CharField(max_length=9, choices=Source.choices, default=Source.IMPORT)
    # The program with a key that sent it, if one did: it alone may correct it under its identifier.
    sent_by = models.ForeignKey(
        "portal.ServiceAccount",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.FINAL)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.display} {self.measured_at:%Y-%m-%d %H:%M}"

    @property
    def known_value(self) -> Decimal | None:
        """The number that rules compare: the value, or of “>600” the nearest that it can be.

        A laboratory reports what is beyond its scale as “>600”: it is 600 at least, and a rule for
        450 must see it. “<5” may be anything below, and is 5 to a rule for low values.
        """
        if self.value is not None:
            return self.value
        found = numeral_of(self.text_value)
        return found.number if found and not found.rest else None

    def component(self, code: str) -> Decimal | None:
        """The value of the component with this code, such as the systolic pressure."""
        for part in self.components:
            if part["code"] == code and part.get("value") is not None:
                return Decimal(part["value"])
        return None
