"""How bad it is: three words that a rule may use."""

from django.db import models


class Severity(models.TextChoices):
    """Critical must end in a person's acknowledgement; urgent may end by recovery; notice is a row
    in a list."""

    CRITICAL = "critical", "CRITICAL"
    URGENT = "urgent", "Urgent"
    NOTICE = "notice", "Notice"

    @property
    def rank(self) -> int:
        """The higher, the worse."""
        return {"critical": 3, "urgent": 2, "notice": 1}[self.value]

    @property
    def marks(self) -> str:
        """The mark beside the word, so that colour is never alone."""
        return {"critical": "▲▲ ***", "urgent": "▲ **", "notice": "● *"}[self.value]
