"""manage.py relay: run the relay alone, where web processes do not carry it."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from realtime.relay import Relay


class Command(BaseCommand):
    help = "Move committed changes into the event log and tell the other processes of them."
    # The migrations may be behind or the database away: then it waits for them.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_run())


async def _run() -> None:
    relay = Relay()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, relay.stop)
    try:
        await relay.run()
    finally:
        await relay.bus.close()
