"""What a run found, as a table to read and as JSON to compare."""

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Figures = dict[str, float]

# Who stands beside us in one row each: figure, heading.
_COLUMNS = (
    ("w1_p50", "W1 p50 ms"),
    ("w1_p95", "p95"),
    ("w1_p99", "p99"),
    ("w1p_p50", "W1p p50 ms"),
    ("w1p_p95", "p95"),
    ("w1p_p99", "p99"),
    ("w1p_page", "page ms"),
    ("w2_per_core", "W2 deliveries/s of a core"),
    ("w2_rate", "on the clock"),
    ("w2_cpu", "CPU s/million, one by one"),
    ("w2_cpu_backlog", "in backlog"),
    ("w2m_per_core", "5,000: deliveries/s of a core"),
    ("w2m_cpu", "CPU s/million"),
    ("w2b_p50", "W2b p50 ms"),
    ("w2b_p99", "p99"),
    ("w3_rate", "W3 changes/s"),
    ("w3_cpu", "CPU s/million"),
)


class Report:
    """The figures of one run; each may have been measured in several rounds."""

    def __init__(self) -> None:
        self.began = time.time()
        self.load: list[float] = []
        self.fan_out: dict[str, dict[str, list[float]]] = {}
        self.alone: Figures = {}
        self.feed: list[Figures] = []
        self.revoked: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def took(self, contestant: str, figures: Figures) -> None:
        """Keep what one contestant did in one round."""
        kept = self.fan_out.setdefault(contestant, {})
        for name, value in figures.items():
            kept.setdefault(name, []).append(value)
        self.look()

    def look(self) -> None:
        """Note how busy the machine is."""
        self.load.append(os.getloadavg()[0])

    def say(self, note: str) -> None:
        """Something that was left out, and why."""
        self.notes.append(note)

    def medians(self) -> dict[str, Figures]:
        return {
            contestant: {
                name: statistics.median(values)
                for name, values in figures.items()
                if not any(map(math.isnan, values))
            }
            for contestant, figures in self.fan_out.items()
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began)),
            "seconds": round(time.time() - self.began),
            "machine": {
                "system": platform.platform(),
                "python": platform.python_version(),
                "cores": os.cpu_count(),
                "load": [round(each, 2) for each in self.load],
            },
            "fan_out": self.medians(),
            "rounds": self.fan_out,
            "alone": self.alone,
            "feed": self.feed,
            "revoked": self.revoked,
            "notes": self.notes,
        }

    def keep(self, folder: Path) -> Path:
        """Write the JSON; its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / time.strftime("%Y%m%d-%H%M%S.json", time.gmtime(self.began))
        path.write_text(json.dumps(self.as_json(), indent=1))
        return path

    def table(self) -> str:
        """All of it, in Markdown."""
        parts = [self._machine()]
        if self.fan_out:
            parts += [self._side_by_side(), self._ratios()]
        if self.feed:
            parts.append(self._feed())
        if self.revoked:
            parts.append(self._revoked())
        if self.alone:
            rows = [(name, _shown(value)) for name, value in sorted(self.alone.items())]
            parts.append(_table(("figure", "value"), rows))
        return "\n\n".join(parts + self.notes)

    def _machine(self) -> str:
        load = statistics.median(self.load or [0.0])
        return (
            f"{os.cpu_count()} cores, Python {platform.python_version()},"
            f" load {load:.1f} (median), {round(time.time() - self.began)} s"
        )

    def _side_by_side(self) -> str:
        medians = self.medians()
        columns = [
            (name, heading)
            for name, heading in _COLUMNS
            if any(name in figures for figures in medians.values())
        ]
        return _table(
            ("", *(heading for _, heading in columns)),
            [
                (who, *(_shown(figures.get(name)) for name, _ in columns))
                for who, figures in medians.items()
            ],
        )

    def _ratios(self) -> str:
        """Each one's figure divided by ours: above 1 it needs more time or processor than we do."""
        medians = self.medians()
        ours = medians.get("Vigil", {})
        names = ("w1_p50", "w1_p99", "w2_cpu", "w2_cpu_backlog", "w2m_cpu", "w2b_p99", "w3_cpu")
        columns = [name for name in names if name in ours]
        return _table(
            ("ours = 1", *columns),
            [
                (who, *(_ratio(figures.get(name), ours[name]) for name in columns))
                for who, figures in medians.items()
                if who != "Vigil"
            ],
        )

    def _feed(self) -> str:
        names = ("users", "rate", "deliveries", "p50", "p95", "p99", "share", "cpu", "client")
        return _table(
            ("W8 users", *names[1:]),
            [tuple(_shown(line[f"w8_{name}"]) for name in names) for line in self.feed],
        )

    def _revoked(self) -> str:
        shares = ("p50", "p95", "p99")
        return _table(
            ("a right ended by", "pages", "p50 ms", "p95", "p99"),
            [
                (
                    line["revoke_way"],
                    str(line["revoke_count"]),
                    *(_shown(line[f"revoke_{share}"]) for share in shares),
                )
                for line in self.revoked
            ],
        )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _shown(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}"


def _ratio(value: float | None, ours: float) -> str:
    if value is None or not ours:
        return "–"
    ratio = value / ours
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2f}"
