"""What patients and their helpers find beside their visits: times kept, offers, waiting lists."""

from typing import Any

from django.utils import timezone

from appointments.models import Hold, Offer, WaitlistEntry
from portal import access
from portal.access import Reader


def beside_visits(reader: Reader) -> dict[str, Any]:
    """Of everybody whose visits the reader may see."""
    holds = access.of_writable_patients(Hold.objects.live(), reader)
    offers = access.of_visible_patients(Offer.objects.open(), reader)
    entries = access.of_visible_patients(WaitlistEntry.objects.filter(ended_at=None), reader)
    writable = access.writable_patients(reader).living()
    return {
        "holds": holds.select_related("patient", "visit_type"),
        "offers": offers.select_related("patient", "visit_type", "provider").order_by("starts_at"),
        "entries": entries.select_related("patient", "visit_type"),
        "may_book": writable.exists(),
        "now": timezone.now(),
    }
