"""`manage.py alert_defaults --organization SLUG`: rules and policies that a clinic begins with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from alerts.defaults import install_defaults
from alerts.models import Rota
from portal import tenancy
from portal.models import Organization


class Command(BaseCommand):
    """Adds what is not there yet, switched off; run again, changes nothing."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--rota", metavar="NAME", help="whose on-call the policies tell")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization “{options['organization']}”.")
        with tenancy.acting_for(organization.pk, system=True):
            rota = None
            if options["rota"]:
                rota = Rota.objects.filter(organization=organization, name=options["rota"]).first()
                if rota is None:
                    raise CommandError(f"There is no rota “{options['rota']}”.")
            new = install_defaults(organization.pk, rota_id=rota.pk if rota else None)
        self.stdout.write(
            f"{new} rules added, switched off. Confirm each in the administration: try it on the"
            " last 30 days, then switch it on."
        )
