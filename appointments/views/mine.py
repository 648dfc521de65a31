"""What patients and their helpers find beside their visits: times kept, offers, waiting lists."""

from typing import Any

from django.utils import timezone

from appointments.models import Hold, Offer, WaitlistEntry
from portal import access
from portal.access import Reader
from portal.models import Patient


def beside_visits(reader: Reader, patient: Patient | None = None) -> dict[str, Any]:
    """Of one patient, or of everybody whose visits the reader may see."""
    of_whom = {"patient": patient} if patient else {}
    holds = access.of_writable_patients(Hold.objects.live(), reader).filter(**of_whom)
    offers = access.of_visible_patients(Offer.objects.open(), reader).filter(**of_whom)
    waiting = WaitlistEntry.objects.filter(ended_at=None)
    entries = access.of_visible_patients(waiting, reader).filter(**of_whom)
    writable = access.writable_patients(reader).living()
    return {
        "holds": holds.select_related("patient", "visit_type"),
        "offers": offers.select_related("patient", "visit_type", "provider").order_by("starts_at"),
        "entries": entries.select_related("patient", "visit_type"),
        "may_book": (writable.filter(pk=patient.pk) if patient else writable).exists(),
        "now": timezone.now(),
    }
