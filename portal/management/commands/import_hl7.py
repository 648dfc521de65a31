"""manage.py import_hl7: HL7 v2 files into one organization."""

import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from care.management.progress import progress_on
from portal.management.hl7.answers import Code, Problem
from portal.management.hl7.documents import Document, documents
from portal.management.hl7.intake import PASSED_OVER, REFUSED, Hl7Intake
from portal.models import Organization

# What is printed of each run: the rest of a thousand refusals would bury the summary.
MOST_REFUSALS_SHOWN = 50
FATES = ("new", "changed", "unchanged", PASSED_OVER, REFUSED)
FATES_OF_VISITS = ("new", "changed", "unchanged", REFUSED)


class Command(BaseCommand):
    help = (
        "Import HL7 v2 results (ORU^R01) and visits (SIU): files, folders, or “-” for stdin. "
        "Importing again changes what has changed and doubles nothing. "
        "Ends with status 1 when anything was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, or - for stdin")
        parser.add_argument("--organization", required=True, metavar="SLUG")

    def handle(self, *, paths: list[str], organization: str, **options: Any) -> None:
        clinic = Organization.objects.filter(slug=organization).first()
        if clinic is None:
            raise CommandError(f"There is no organization “{organization}”.")
        console = Console(file=self.stderr, soft_wrap=True, highlight=False)  # type: ignore[arg-type]
        with tempfile.TemporaryDirectory(prefix="vigil-import-") as folder:
            run = _Run(Hl7Intake(clinic), console)
            run.take(_documents(paths, Path(folder)))
        run.report()
        if run.refused:
            raise CommandError("Some of it was refused; the rest was imported.", returncode=1)


class _Run:
    """One run of the command: takes every message, keeps counts, prints refusals."""

    def __init__(self, intake: Hl7Intake, console: Console) -> None:
        self.intake, self.console = intake, console
        self.fates: Counter[str] = Counter()
        self.visits: Counter[str] = Counter()
        self.messages: Counter[tuple[str, str]] = Counter()
        self.refused = 0
        self.seconds = 0.0

    def take(self, files: list[Document]) -> None:
        """Take every message of every file, each in a transaction of its own."""
        began = time.monotonic()
        with progress_on(self.console) as progress:
            task = progress.add_task("Importing", total=sum(file.size for file in files), rate="")
            for file in files:
                for number, data in enumerate(file.messages(), start=1):
                    self._take(f"{file.label}[{number}]", data)
                rate = self.messages.total() / max(time.monotonic() - began, 0.001)
                words = f"{self.messages.total():,} messages · {rate:,.0f}/s"
                progress.update(task, advance=file.size, rate=words)
        self.seconds = time.monotonic() - began

    def _take(self, label: str, data: bytes) -> None:
        taken = self.intake.take(data)
        kind = taken.message.kind if taken.message is not None else "?"
        state = "known already" if taken.was_known else str(taken.answer.code)
        self.messages[kind, state] += 1
        self.fates += taken.fates
        self.visits += taken.visits
        for problem in taken.answer.problems:
            self._say(f"{label} {kind}", problem)

    def _say(self, place: str, problem: Problem) -> None:
        self.refused += 1
        if self.refused <= MOST_REFUSALS_SHOWN:
            line = f"refused {place} {problem.place}: {problem.reason}"
            self.console.print(line, markup=False, style="red")

    def report(self) -> None:
        """Print what became of the messages, their readings and visits."""
        columns = (*(str(code) for code in Code), "known already")
        table = Table("", *columns)
        for column in table.columns[1:]:
            column.justify = "right"
        for kind in sorted({kind for kind, _ in self.messages}):
            counts = (self.messages[kind, column] for column in columns)
            table.add_row(kind, *(f"{count:,}" if count else "·" for count in counts))
        self.console.print(table)
        if self.refused > MOST_REFUSALS_SHOWN:
            self.console.print(f"{self.refused - MOST_REFUSALS_SHOWN:,} more refusals not shown.")
        self.console.print(
            f"{self.messages.total():,} messages in {self.seconds:.1f} s. Readings: "
            + ", ".join(f"{self.fates[fate]:,} {fate}" for fate in FATES)
            + ". Visits: "
            + ", ".join(f"{self.visits[fate]:,} {fate}" for fate in FATES_OF_VISITS)
            + "."
        )


def _documents(paths: list[str], spool: Path) -> list[Document]:
    files: list[Document] = []
    for text in paths:
        if text == "-":
            path = spool / "input.hl7"
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            files.append(Document(path, "standard input"))
            continue
        path = Path(text)
        if not path.exists():
            raise CommandError(f"“{text}” does not exist.")
        found = list(documents([path]))
        if not found:
            raise CommandError(f"“{text}” holds no .hl7 or .txt file.")
        files += found
    return files
