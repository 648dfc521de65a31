"""The job worker: takes jobs from PostgreSQL and does them until it is asked to stop."""

from django.core.management.base import BaseCommand, CommandError
from procrastinate.contrib.django import app

from portal.operations.startup import CannotServe, refuse_unless_servable

# A worker that listens makes every job's insert notify, which takes a lock that all commits share
# (design section 4). Looking twice a second costs two small queries.
LOOK_EVERY_SECONDS = 0.5

# A job that is cut off is done again by the next worker: better than a stop that takes minutes.
STOP_SECONDS = 2.0


class Command(BaseCommand):
    """`manage.py worker`."""

    help = "Do the jobs that wait in the database, until stopped."

    def add_arguments(self, parser):
        parser.add_argument("--jobs", type=int, default=4, help="how many at once (default 4)")

    def handle(self, *args, **options):
        try:
            refuse_unless_servable()
        except CannotServe as refusal:
            raise CommandError(str(refusal)) from None
        with app.replace_connector(app.connector.get_worker_connector()) as worker:
            worker.run_worker(
                name="vigil",
                concurrency=options["jobs"],
                listen_notify=False,
                fetch_job_polling_interval=LOOK_EVERY_SECONDS,
                shutdown_graceful_timeout=STOP_SECONDS,
                delete_jobs="successful",
            )
