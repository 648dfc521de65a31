"""How much a stranger has used of what strangers may do."""

from django.db import models


class Allowance(models.Model):
    """What one network place, or one account, has used in the window that is open now.

    Global: it is counted before anybody is known. `key` is a keyed digest, so that the table does
    not say who asked, nor for whom. Written by `portal.allowances` alone.
    """

    key = models.CharField(max_length=64, primary_key=True)
    used = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "allowances"

    def __str__(self) -> str:
        return f"{self.used} until {self.until:%Y-%m-%d %H:%M}"
