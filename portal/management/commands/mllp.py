"""manage.py mllp: HL7 v2 messages over TCP (MLLP) into one organization."""

import asyncio
import ipaddress
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.management.hl7.intake import Hl7Intake
from portal.management.hl7.listener import Limits, Listener
from portal.models import Organization
from portal.operations.startup import CannotServe, refuse_unless_servable

# Registered with IANA for HL7.
PORT = 2575


class Command(BaseCommand):
    help = (
        "Listen for HL7 v2 results (ORU^R01) by MLLP and answer each when it is stored. "
        "Without encryption and passwords: beyond this machine, put a tunnel in front."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--host", default="127.0.0.1", help="default: this machine only")
        parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0 for any")
        parser.add_argument(
            "--largest",
            type=int,
            default=Limits.message_bytes,
            metavar="BYTES",
            help=f"of one message; default {Limits.message_bytes:,}",
        )

    def handle(self, *, organization: str, host: str, port: int, **options: Any) -> None:
        try:
            refuse_unless_servable()
        except CannotServe as refusal:
            raise CommandError(str(refusal)) from None
        clinic = Organization.objects.filter(slug=organization).first()
        if clinic is None:
            raise CommandError(f"There is no organization “{organization}”.")
        listener = Listener(Hl7Intake(clinic), Limits(message_bytes=options["largest"]))
        try:
            asyncio.run(self._run(listener, host, port))
        except OSError as error:
            raise CommandError(f"Cannot listen at {host}:{port}: {error.strerror}.") from None

    async def _run(self, listener: Listener, host: str, port: int) -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        for address, bound in await listener.start(host, port):
            self.stdout.write(f"Listening for {listener.receiver} at {address}:{bound}")
            if not ipaddress.ip_address(address).is_loopback:
                self.stderr.write("Whoever reaches this address can send results, in the clear.")
        self.stdout.flush()
        await ended.wait()
        await listener.stop()
