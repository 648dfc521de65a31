"""What became of an import: counts, and the reasons for what was refused."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What happened to one resource."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"  # a type the portal does not keep
    REFUSED = "refused"


@dataclass(frozen=True)
class Refusal:
    """One resource that was refused: its place in the document, what it says it is, and why."""

    index: int
    resource: str
    reason: str


@dataclass
class Outcome:
    """The fates of some resources, and the indices of those that wait for another one."""

    fates: Counter[tuple[str, Fate]] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    deferred: list[int] = field(default_factory=list)

    def count(self, resource_type: str, fate: Fate) -> None:
        """Count one resource."""
        self.fates[resource_type, fate] += 1

    def refuse(self, index: int, resource_type: str, resource: str, reason: str) -> None:
        """Count one resource as refused, with the reason."""
        self.count(resource_type, Fate.REFUSED)
        self.refusals.append(Refusal(index, resource, reason))

    def add(self, other: "Outcome") -> None:
        """Add the counts of another outcome; its refusals and deferrals stay with it."""
        self.fates.update(other.fates)

    @property
    def resources(self) -> int:
        """How many resources were looked at."""
        return self.fates.total()

    def of(self, fate: Fate) -> int:
        """How many resources had one fate."""
        return sum(count for (_, each), count in self.fates.items() if each == fate)
