"""`manage.py password_link EMAIL`: a link to a password, for whom no e-mail reaches."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.actions.passwords import hand_out_link
from portal.management import handing_out


class Command(BaseCommand):
    """Shows a link behind which somebody chooses a password. That it was shown is on record."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        handing_out.add_site(parser)

    def handle(self, *, email: str, site: str, **options: Any) -> None:
        link = hand_out_link(email, site=handing_out.checked(site))
        if link is None:
            raise CommandError("Nobody with this address may sign in.")
        self.stdout.write(f"{link}\n\n{handing_out.GOOD_FOR}")
