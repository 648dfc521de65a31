"""manage.py verify_audit: is every entry of the audit log as it was written?"""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal import audit_anchors, audit_chain
from portal.audit_anchors import Anchor
from portal.management import verification
from portal.management.verification import Deviation

# Of one that made the chain anew there is a deviation for each minute since.
MOST_SHOWN = 50


class Command(BaseCommand):
    help = (
        "Recompute the hash chain of the audit log, and name the entries that were changed,"
        " removed, put in or never sealed. With anchors from outside the database it also shows"
        " that the whole chain was made anew. Ends with status 1 when anything is not as it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchors",
            type=Path,
            default=settings.AUDIT_ANCHOR_FILE or None,
            metavar="FILE",
            help="a file of anchors, or lines of the worker's log; default: AUDIT_ANCHOR_FILE",
        )
        parser.add_argument("--json", action="store_true", help="one JSON document, for machines")

    def handle(self, *, anchors: Path | None, **options: Any) -> None:
        self.compared = 0
        shown: list[Deviation] = []
        count: Counter[str] = Counter()
        try:
            for deviation in chain(verification.whole(), self._anchored(anchors)):
                count[deviation.kind] += 1
                if len(shown) < MOST_SHOWN:
                    shown.append(deviation)
        except OSError as error:
            raise CommandError(f"“{error.filename}” cannot be read: {error.strerror}.") from None
        if anchors is not None and not self.compared:
            raise CommandError(f"“{anchors}” holds no anchor.")
        if options["json"]:
            self._write_document(count, shown)
        else:
            self._say(count, shown)
        if count:
            sys.exit(1)

    def _anchored(self, path: Path | None) -> Iterator[Deviation]:
        if path is not None:
            yield from verification.anchored(self._counted(path))

    def _counted(self, path: Path) -> Iterator[tuple[int, Anchor | None]]:
        for line in audit_anchors.read(path):
            self.compared += 1
            yield line

    def _write_document(self, count: Counter[str], shown: list[Deviation]) -> None:
        head = audit_chain.head()
        document = {
            "problems": count.total(),
            "seals": head.number if head else 0,
            "digest": head.digest.hex() if head else None,
            "anchors": self.compared,
            "kinds": count,
            "deviations": [
                {
                    "kind": deviation.kind,
                    "what": deviation.what,
                    "entry": str(deviation.entry) if deviation.entry else None,
                    "seal": deviation.seal,
                }
                for deviation in shown
            ],
        }
        self.stdout.write(json.dumps(document, ensure_ascii=False, indent=1))

    def _say(self, count: Counter[str], shown: list[Deviation]) -> None:
        for deviation in shown:
            self.stdout.write(f"{self.style.ERROR(f'{deviation.kind:13}')} {deviation.what}.")
        if more := count.total() - len(shown):
            self.stdout.write(f"… and {more:,} more.")
        head = audit_chain.head()
        if head is None:
            self.stdout.write("Nothing is sealed yet.")
        else:
            self.stdout.write(
                f"{head.number:,} seals, the last of {head.sealed_at:%Y-%m-%d %H:%M:%S} UTC:"
                f" {head.digest.hex()}"
            )
        if self.compared:
            self.stdout.write(f"Held against {self.compared:,} anchors from outside.")
        else:
            self.stdout.write(
                "Not held against anchors: a chain that was made anew would not show."
            )
        if not count:
            self.stdout.write(self.style.SUCCESS("The audit log is as it was sealed."))
