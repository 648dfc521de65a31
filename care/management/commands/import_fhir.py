"""manage.py import_fhir: FHIR R4 files into one organization."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from care.fhir.dates import Dates, latest_day
from care.fhir.documents import Document, Unreadable, documents, spooled
from care.fhir.intake import TYPES, Intake
from care.fhir.outcome import Fate, Outcome
from care.management.progress import progress_on
from portal.models import Organization, Provider
from portal.tenancy import acting_for

# What is printed of each run: the rest of a thousand refusals would bury the summary.
MOST_REFUSALS_SHOWN = 50


class Command(BaseCommand):
    help = (
        "Import FHIR R4 bundles and single resources: files, folders, or “-” for standard input. "
        "Importing again changes what has changed and doubles nothing. "
        "Ends with status 1 when anything was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, or - for stdin")
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument(
            "--care-team",
            nargs="+",
            action="extend",
            default=[],
            metavar="EMAIL",
            help="put these providers on the care team of every patient imported",
        )
        parser.add_argument(
            "--shift-dates-to",
            type=_day,
            metavar="YYYY-MM-DD",
            help="move every date by one fixed number of days, so that the newest becomes this day",
        )

    def handle(self, *, paths: list[str], organization: str, **options: Any) -> None:
        clinic = Organization.objects.filter(slug=organization).first()
        if clinic is None:
            raise CommandError(f"There is no organization “{organization}”.")
        with acting_for(clinic.pk, system=True):
            team = [_provider(clinic, email) for email in options["care_team"]]
        console = Console(file=self.stderr, soft_wrap=True, highlight=False)  # type: ignore[arg-type]
        spool = spooled(sys.stdin.buffer) if "-" in paths else None
        try:
            files = _documents(paths, spool)
            shift = _shift(files, options["shift_dates_to"])
            intake = Intake(clinic, dates=Dates(clinic.zone, shift), care_team=team)
            run = _Run(intake, console)
            began = time.monotonic()
            run.take(files)
            seconds = time.monotonic() - began
        finally:
            if spool is not None:
                spool.path.unlink()
        run.report(seconds, shift)
        if run.refused:
            raise CommandError("Some of it was refused; the rest was imported.", returncode=1)


class _Run:
    """One run of the command: takes every document, keeps counts, prints refusals."""

    def __init__(self, intake: Intake, console: Console) -> None:
        self.intake, self.console = intake, console
        self.total = Outcome()
        self.refused = 0

    def take(self, files: list[Document]) -> None:
        """Take every document, then once more what waited for a resource of a later one."""
        waiting: dict[Document, frozenset[int]] = {}
        with progress_on(self.console) as progress:
            task = progress.add_task("Importing", total=sum(file.size for file in files), rate="")
            began = time.monotonic()
            for file in files:
                outcome = self._take(file)
                if outcome.deferred:
                    waiting[file] = frozenset(outcome.deferred)
                rate = self.total.resources / max(time.monotonic() - began, 0.001)
                progress.update(
                    task,
                    advance=file.size,
                    rate=f"{self.total.resources:,} resources · {rate:,.0f}/s",
                )
            for file, indices in waiting.items():
                self._take(file, indices)

    def _take(self, file: Document, only: frozenset[int] | None = None) -> Outcome:
        try:
            items = file.items(only)
        except Unreadable as error:
            self._say(file.label, str(error))
            return Outcome()
        outcome = self.intake.take(items, is_last_chance=only is not None)
        for refusal in outcome.refusals:
            self._say(f"{file.label}[{refusal.index}] {refusal.resource}", refusal.reason)
        self.total.add(outcome)
        return outcome

    def _say(self, place: str, reason: str) -> None:
        self.refused += 1
        if self.refused <= MOST_REFUSALS_SHOWN:
            self.console.print(f"refused {place}: {reason}", markup=False, style="red")

    def report(self, seconds: float, shift: int) -> None:
        """Print the counts by type."""
        counts: dict[str, dict[Fate, int]] = defaultdict(lambda: defaultdict(int))
        for (kind, fate), count in self.total.fates.items():
            counts[kind][fate] += count
        table = Table("", *(fate.value for fate in Fate if fate is not Fate.SKIPPED))
        for column in table.columns[1:]:
            column.justify = "right"
        for kind in [*TYPES, "?"]:
            if not counts[kind].keys() - {Fate.SKIPPED}:
                continue
            row = (counts[kind][fate] for fate in Fate if fate is not Fate.SKIPPED)
            table.add_row(kind, *(f"{count:,}" if count else "·" for count in row))
        self.console.print(table)
        skipped = {kind: fates[Fate.SKIPPED] for kind, fates in counts.items()}
        if any(skipped.values()):
            listed = ", ".join(f"{count:,} {kind}" for kind, count in skipped.items() if count)
            self.console.print(f"Skipped, because the portal does not keep them: {listed}.")
        if self.refused > MOST_REFUSALS_SHOWN:
            self.console.print(f"{self.refused - MOST_REFUSALS_SHOWN:,} more refusals not shown.")
        moved = f", every date moved by {shift:,} days" if shift else ""
        self.console.print(
            f"{self.total.resources:,} resources in {seconds:.1f} s{moved}: "
            + ", ".join(f"{self.total.of(fate):,} {fate}" for fate in Fate)
            + "."
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is not a day such as 2026-11-21.") from None


def _provider(clinic: Organization, email: str) -> Provider:
    provider = Provider.objects.filter(organization=clinic, user__email=email.lower()).first()
    if provider is None:
        raise CommandError(f"“{email}” is no provider of {clinic.name}.")
    return provider


def _documents(paths: list[str], spool: Document | None) -> list[Document]:
    """Every document under the paths. Names only: what is in them is read one at a time."""
    files = []
    for text in paths:
        if text == "-" and spool is not None:
            files.append(spool)
            continue
        path = Path(text)
        if not path.exists():
            raise CommandError(f"“{text}” does not exist.")
        found = list(documents([path]))
        if not found:
            raise CommandError(f"“{text}” holds no .json file.")
        files += found
    return files


def _shift(files: list[Document], newest: date | None) -> int:
    """By how many days to move every date so that the newest becomes `newest`."""
    if newest is None:
        return 0
    days = []
    for file in files:
        try:
            day = latest_day(
                item.resource for item in file.items() if isinstance(item.resource, dict)
            )
        except Unreadable:
            continue  # refused, with the reason, when it is imported
        if day is not None:
            days.append(day)
    if not days:
        raise CommandError("Nothing in this import has a date, so no date can be shifted.")
    return (newest - max(days)).days
