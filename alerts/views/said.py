"""What a page says about what was just tried."""

from dataclasses import dataclass

from alerts.cards import finding
from alerts.models import Alert


@dataclass(frozen=True)
class Said:
    """A sentence; `in_full` also says about which alert and whom.

    That is for the page alone: a message of Django's is kept in a cookie until it is shown.
    """

    words: str
    was_done: bool = True
    in_full: str = ""

    @property
    def level(self) -> str:
        """As `parts/toast.html` names it."""
        return "success" if self.was_done else "info"


def about(alert: Alert) -> str:
    """“Potassium 6.9 mmol/L, Ana Ruiz”."""
    return f"{finding(alert)}, {alert.patient.name}"
