"""`manage.py simulate`: let a few demo patients live."""

import random
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.management.demo.simulator import Simulator, acts
from portal.models import Organization


class Command(BaseCommand):
    """Records a reading or writes a message for a demo patient every few seconds."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=float, default=6.0, help="seconds, on average")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The simulator writes only where DEMO=1 is set.")
        organization = Organization.objects.filter(slug="demo").first()
        if organization is None:
            raise CommandError("There is no demo clinic: run `manage.py demo_clinic` first.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        chance = random.Random()
        for _act in acts(Simulator(organization, chance)):
            # Uneven, as people are.
            if stop.wait(chance.uniform(0.4, 1.6) * options["every"]):
                return
