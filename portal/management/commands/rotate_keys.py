"""Seal all texts again with the first key of ENCRYPTION_KEYS."""

from django.core.management.base import BaseCommand, CommandError

from portal.management.rotation import NoOrganization, rotate
from portal.sealing import primary_key_id


class Command(BaseCommand):
    """`manage.py rotate_keys`."""

    help = (
        "Seal all texts again with the first key of ENCRYPTION_KEYS. Put the new key first, keep"
        " the old one behind it, restart every process, run this; when it says that nothing is"
        " left, take the old key away. Stopped in the middle, run it again."
    )

    def handle(self, *args, **options):
        tallies = []
        try:
            for tally in rotate():
                tallies.append(tally)
                self.stdout.write(f"{tally.table}: {tally.resealed:,} sealed again")
        except NoOrganization:
            raise CommandError(
                "There is no organization in this database: is DATABASE_URL the right one?"
            ) from None
        unopened = [f"{tally.table} {row}" for tally in tallies for row in tally.unopened]
        if unopened:
            raise CommandError(
                f"{len(unopened):,} texts do not open with any key of ENCRYPTION_KEYS. Keep every"
                " old key. The first of them: " + ", ".join(unopened[:5])
            )
        if left := sum(tally.left for tally in tallies):
            raise CommandError(
                f"{left:,} texts were sealed with an older key meanwhile: a process still runs with"
                " the old settings. Restart it and run this again."
            )
        self.stdout.write(f"Every text is sealed with the key “{primary_key_id()}”.")
