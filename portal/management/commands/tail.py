"""manage.py tail: what passes on a topic, as it passes; identifiers and kinds, nothing else."""

import getpass
import json
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal import audit, tenancy
from portal.management.doctor.catalogue import ENGINE, row, rows
from portal.models import Organization

LOOK_EVERY_SECONDS = 0.25
ACTION = "realtime.tailed"

# The columns of the record stay in the database: only their size is shown.
_EVENTS = """
    SELECT seq, kind, coalesce(operation, ''), coalesce(table_name, ''), coalesce(row_id, ''),
        topics, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        round(extract(epoch FROM sequenced_at - created_at) * 1000, 1)::float8,
        octet_length(concat(record, old_record))
    FROM realtime_events
    WHERE organization_id = %(organization)s AND %(topic)s = ANY(topics)
"""
_HEAD = "SELECT log_epoch, last_seq FROM realtime_relay"
_NAMES = ("seq", "kind", "operation", "table", "row", "topics", "at", "waited_ms", "bytes")


class Command(BaseCommand):
    help = (
        "Follow the events of one topic (patient:ID, care:ID, admin:ID, user:ID …): position, time,"
        " kind, table, row, how long it waited for its position, and its size. Nothing of what a"
        " row says is shown. That you looked is kept in the organization's audit log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("topic")
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--last", type=int, default=10, metavar="N", help="begin with N older")
        parser.add_argument("--seconds", type=float, help="end after so long; default: Ctrl-C")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *, topic: str, organization: str, **options: Any) -> None:
        if ENGINE not in settings.DATABASES:
            raise CommandError("The log is read as the engine: set DATABASE_ENGINE_URL.")
        clinic = Organization.objects.filter(slug=organization).first()
        if clinic is None:
            raise CommandError(f"There is no organization “{organization}”.")
        # Before anything is shown: who looks and is not on record has not looked.
        with tenancy.acting_for(clinic.pk, system=True):
            audit.record(
                ACTION,
                organization_id=clinic.pk,
                actor_id=None,
                topic=topic[:200],
                account=getpass.getuser(),
            )
        try:
            self._follow({"organization": clinic.pk, "topic": topic}, **options)
        except KeyboardInterrupt:
            return

    def _follow(
        self, asked: dict[str, Any], last: int, seconds: float | None, json: bool, **_: Any
    ) -> None:
        until = time.monotonic() + (float("inf") if seconds is None else seconds)
        # The head first: what is put into the log while the older ones are shown is not left out.
        epoch, seq = row(_HEAD, using=ENGINE)
        older = rows(
            f"{_EVENTS} AND seq <= %(head)s ORDER BY seq DESC LIMIT %(last)s",
            {**asked, "head": seq, "last": last},
            using=ENGINE,
        )
        self._show(older[::-1], as_json=json)
        while time.monotonic() < until:
            now, head = row(_HEAD, using=ENGINE)
            if now != epoch:
                # After a restore or a failover it may stand lower: it would be silent until then.
                self.stderr.write("The log is another one now; it goes on from its head.")
                epoch, seq = now, head
            newer = rows(
                f"{_EVENTS} AND seq > %(after)s ORDER BY seq LIMIT 500",
                {**asked, "after": seq},
                using=ENGINE,
            )
            self._show(newer, as_json=json)
            if newer:
                seq = newer[-1][0]
            else:
                time.sleep(LOOK_EVERY_SECONDS)

    def _show(self, events: list[tuple[Any, ...]], *, as_json: bool) -> None:
        for event in events:
            told = dict(zip(_NAMES, event, strict=True))
            if as_json:
                self.stdout.write(json.dumps(told))
            else:
                self.stdout.write(
                    f"{told['seq']:>10}  {told['at']}  {told['kind']:8}{told['operation']:9}"
                    f"{told['table']} {told['row']}  {told['waited_ms']} ms  {told['bytes']} B"
                )
        self.stdout.flush()
