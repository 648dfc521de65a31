"""The number to which a person wants text messages."""

import hashlib
import secrets
from datetime import timedelta

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import OWN, SYSTEM, Policy, stays

# E.164: plus, country code, at most fifteen digits.
validate_number = RegexValidator(
    r"^\+[1-9]\d{6,14}\Z", "Write the number with its country code, such as +1 617 555 0100."
)


class Phone(models.Model):
    """A number, and since when it is known to be this person's. Unconfirmed, it gets one code."""

    CODE_LIFETIME = timedelta(minutes=10)
    # A code has a million values: five guesses, then another code.
    MAX_GUESSES = 5
    # Each code is a message that somebody pays for, maybe to a stranger's number.
    MAX_CODES_A_DAY = 5

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.PROTECT, related_name="+")
    user = models.ForeignKey("portal.User", models.PROTECT, related_name="+")
    # Empty once it was taken away; the count of codes stays.
    number = models.CharField(max_length=16, blank=True, validators=[validate_number])
    confirmed_at = models.DateTimeField(null=True)
    code_digest = models.CharField(max_length=64, blank=True)
    code_made_at = models.DateTimeField(null=True)
    guesses = models.PositiveSmallIntegerField(default=0)
    # The day that is being counted, and how many codes it has had.
    codes_on = models.DateField(null=True)
    codes_made = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "notification_phones"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="phone_once_per_person"),
            Policy(
                name="notification_phones",
                read=f"{SYSTEM} OR {OWN}",
                write=f"{SYSTEM} OR {OWN}",
            ),
        ]
        triggers = [stays("organization", "user")]

    def __str__(self) -> str:
        return self.ending

    @property
    def ending(self) -> str:
        """The last digits: enough to recognise one's own number."""
        return f"…{self.number[-3:]}"

    def make_code(self) -> str:
        """Give the number a new code of six digits and return it. Not saved."""
        code = f"{secrets.randbelow(1_000_000):06}"
        self.code_digest = self._digest_of(code)
        self.code_made_at = timezone.now()
        self.guesses = 0
        return code

    def is_code(self, code: str) -> bool:
        """Whether this is the code that was sent, while it holds."""
        return (
            self.code_made_at is not None
            and timezone.now() - self.code_made_at < self.CODE_LIFETIME
            and self.guesses < self.MAX_GUESSES
            and secrets.compare_digest(self.code_digest, self._digest_of(code))
        )

    def _digest_of(self, code: str) -> str:
        # Against a look over a shoulder at the table; a million codes are soon tried by whoever
        # has it, and by then the code is worth nothing.
        return hashlib.sha256(f"{self.pk}:{self.number}:{code}".encode()).hexdigest()
