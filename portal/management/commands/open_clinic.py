"""`manage.py open_clinic SLUG`: make a clinic and its first administrator."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from portal.management import handing_out
from portal.management.opening import AlreadyMember, AlreadyOpen, open_clinic
from portal.models import Organization, User
from portal.password_links import password_link


class Command(BaseCommand):
    """Makes a clinic and its first administrator, who adds everybody else in the administration."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its name in commands: letters, digits, hyphens")
        parser.add_argument("--name", required=True, help="its name on every page")
        parser.add_argument("--time-zone", required=True, help="such as Europe/Berlin")
        parser.add_argument("--locale", default="en", help="en (the default), en-US, de …")
        parser.add_argument("--phone", default="", help="printed on every patient page")
        parser.add_argument("--emergency-phone", default="112", help="default: 112")
        parser.add_argument("--administrator", required=True, metavar="EMAIL")
        parser.add_argument("--administrator-name", required=True, metavar="NAME")
        handing_out.add_site(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in settings.DATABASES:
            raise CommandError("Clinics are made by the owner: set DATABASE_OWNER_URL.")
        site = handing_out.checked(options["site"])
        of_clinic = ("slug", "name", "time_zone", "locale", "phone", "emergency_phone")
        try:
            clinic, administrator = open_clinic(
                Organization(**{name: options[name] for name in of_clinic}),
                User(email=options["administrator"], name=options["administrator_name"]),
            )
        except ValidationError as error:
            named = error.message_dict.items()
            raise CommandError(
                " ".join(f"{name}: {' '.join(words)}" for name, words in named)
            ) from None
        except AlreadyOpen:
            raise CommandError(
                f"“{options['slug']}” has an administrator, who adds the others. Who forgot their"
                " password: manage.py password_link EMAIL."
            ) from None
        except AlreadyMember:
            raise CommandError(
                f"{options['administrator']} has another place in “{options['slug']}”, and would"
                " lose it: name somebody else."
            ) from None
        self.stdout.write(f"{clinic.name} is open; {administrator.name} is its administrator.")
        if administrator.has_usable_password():
            self.stdout.write("They have an account, and sign in with its password.")
        else:
            self.stdout.write(
                f"They choose a password here:\n\n{password_link(administrator, site)}\n\n"
                f"{handing_out.GOOD_FOR}\n"
                f"Another one: manage.py password_link {administrator.email}"
            )
        self.stdout.write(
            "When it has a rota, the rules of its alerts, to be confirmed one by one:"
            f" manage.py alert_defaults --organization {clinic.slug} --rota NAME"
        )
