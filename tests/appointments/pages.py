"""The pages of visits, as a patient or a member of the family uses them."""

from zoneinfo import ZoneInfo

from django.utils import timezone

from appointments.models import Appointment


class Pages:
    def __init__(self, person, diary, client) -> None:
        self.person, self.diary, self.client = person, diary, client

    def times(self, **asked):
        return self.client.get(f"/visits/new/{self.diary.wound_check.pk}/", asked)

    def press(self, starts_at, provider=None, **more):
        """Press a free time; the browser follows to what comes next."""
        with_whom = provider or self.diary.cast.ada.provider
        data = {
            "patient": self.diary.cast.ana.patient.pk,
            "visit_type": self.diary.wound_check.pk,
            "time": f"{timezone.localtime(starts_at, ZoneInfo('UTC')):%Y%m%dT%H%MZ}.{with_whom.pk}",
            "mode": "in_person",
        }
        return self.client.post("/visits/holds/", data | more, follow=True)

    def visit(self):
        with self.diary.as_(self.person):
            return Appointment.objects.latest("created_at")


def address_of(response):
    return response.redirect_chain[-1][0]
