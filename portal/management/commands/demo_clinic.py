"""`manage.py demo_clinic`: make the demo's two clinics, once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.management.demo.clinic import make_demo_clinic, make_other_clinic


class Command(BaseCommand):
    """Makes Demo Clinic and Other Clinic with made-up people; run again, changes nothing."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        # Accounts with a password that everybody knows have no place on a clinic's own server.
        if not settings.DEMO:
            raise CommandError("The demo clinic is made only where DEMO=1 is set.")
        if "owner" not in settings.DATABASES:
            raise CommandError("Clinics are made by the owner: set DATABASE_OWNER_URL.")
        for name, made in (("Demo", make_demo_clinic()), ("Other", make_other_clinic())):
            if made:
                self.stdout.write(f"{name} Clinic is ready.")
