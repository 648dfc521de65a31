"""The job worker: takes jobs from PostgreSQL and does them until it is asked to stop."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from procrastinate import App
from procrastinate.contrib.django import app

from portal.lanes import LANES
from portal.operations.startup import CannotServe, refuse_unless_servable

# A worker that listens makes every job's insert notify, which takes a lock that all commits share
# (design section 4). Looking twice a second costs two small queries for each lane.
LOOK_EVERY_SECONDS = 0.5

# A job that is cut off is done again by the next worker: better than a stop that takes minutes.
STOP_SECONDS = 2.0

# For what the event loop itself hands to threads, such as looking up the database's name.
SPARE_THREADS = 2


class Command(BaseCommand):
    """`manage.py worker`."""

    help = "Do the jobs that wait in the database, until stopped."

    def add_arguments(self, parser):
        parser.add_argument(
            "--jobs", type=int, default=4, help="how many at once in each lane (default 4)"
        )

    def handle(self, *args, **options):
        slots = options["jobs"]
        _have_a_connection_for_each(slots * len(LANES))
        try:
            refuse_unless_servable()
        except CannotServe as refusal:
            raise CommandError(str(refusal)) from None
        with app.replace_connector(app.connector.get_worker_connector()) as worker:
            asyncio.run(_work(worker, slots))


def _have_a_connection_for_each(jobs: int) -> None:
    """What hangs keeps its connection, which must not be the one that a judgement waits for."""
    pool = settings.DATABASES["default"]["OPTIONS"].get("pool")
    if pool:
        pool["max_size"] = max(pool["max_size"], jobs)


async def _work(worker: App, slots: int) -> None:
    """Run every lane until one ends or a signal comes; raise what ended it."""
    is_told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, is_told_to_stop.set)
    # As many threads as slots: the loop's own are fewer, and what hangs would have all of them.
    loop.set_default_executor(ThreadPoolExecutor(slots * len(LANES) + SPARE_THREADS))
    async with worker.open_async():
        lanes = [
            asyncio.create_task(_lane(worker, name, queues, slots))
            for name, queues in LANES.items()
        ]
        stopping = asyncio.create_task(is_told_to_stop.wait())
        # A lane that ends by itself cannot go on. Then none does: whoever started us begins anew.
        await asyncio.wait([stopping, *lanes], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for lane in lanes:
            lane.cancel()
        for ended in await asyncio.gather(*lanes, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


async def _lane(worker: App, name: str, queues: list[str] | None, slots: int) -> None:
    await worker.run_worker_async(
        name=f"vigil {name}",
        queues=queues,  # type: ignore[arg-type]  # None is every queue
        concurrency=slots,
        install_signal_handlers=False,
        listen_notify=False,
        fetch_job_polling_interval=LOOK_EVERY_SECONDS,
        shutdown_graceful_timeout=STOP_SECONDS,
        delete_jobs="successful",
    )
