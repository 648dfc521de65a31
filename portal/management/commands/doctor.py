"""manage.py doctor: is everything as it should be, and if not, what is to be done?"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.management.doctor.examination import AREAS, Wishes, examine
from portal.management.doctor.finding import Finding, State


class Command(BaseCommand):
    help = (
        "Look at settings, database, roles, policies, triggers, functions, indexes, relay, bus and"
        " worker, and say how to mend what is not well. Changes nothing and shows nothing of"
        " anybody's record. Ends with status 1 when there is a problem."
    )
    # It is for the moments in which these fail.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("areas", nargs="*", metavar="area", help=f"only: {', '.join(AREAS)}")
        parser.add_argument("--json", action="store_true", help="one JSON document, for machines")
        parser.add_argument(
            "--roundtrip",
            action="store_true",
            help="make changes (entries of the audit log) and time them to the hearer;"
            " with --site also to sockets of each web process",
        )
        parser.add_argument("--organization", metavar="SLUG", help="where to make them")
        parser.add_argument(
            "--site",
            nargs="?",
            const=settings.SITE_URL,
            metavar="URL",
            help="look at the portal from outside, through its proxy; default: SITE_URL",
        )

    def handle(self, *, areas: list[str], **options: Any) -> None:
        if unknown := [name for name in areas if name not in AREAS]:
            raise CommandError(f"There is no area “{unknown[0]}”: {', '.join(AREAS)}.")
        if options["site"] == "":
            raise CommandError("Say which address to look at: --site https://portal.example/")
        wishes = Wishes(
            tuple(areas), options["roundtrip"], options["organization"], options["site"]
        )
        found = []
        for finding in examine(wishes):
            found.append(finding)
            if not options["json"]:
                self._say(finding)
        count = {state: sum(each.state == state for each in found) for state in State}
        if options["json"]:
            document = {"problems": count[State.PROBLEM], "findings": [asdict(f) for f in found]}
            self.stdout.write(json.dumps(document, ensure_ascii=False, indent=1))
        else:
            self.stdout.write(
                f"\n{count[State.OK]} well, {count[State.WARNING]} to look at,"
                f" {count[State.PROBLEM]} to mend."
            )
        if count[State.PROBLEM]:
            sys.exit(1)

    def _say(self, finding: Finding) -> None:
        style = {
            State.OK: self.style.SUCCESS,
            State.WARNING: self.style.WARNING,
            State.PROBLEM: self.style.ERROR,
        }[finding.state]
        self.stdout.write(f"{style(f'{finding.state:8}')} {finding.area:10} {finding.what}.")
        if finding.mend:
            self.stdout.write(f"{'':20}→ {finding.mend}.")
        self.stdout.flush()
