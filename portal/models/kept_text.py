"""Half-written text that outlives its page: nobody loses what they typed by being signed out."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import OWN, SYSTEM, Policy
from portal.sealing import Place, seal, unseal


class KeptTextQuerySet(models.QuerySet["KeptText"]):
    """Sets of kept texts."""

    def young(self) -> "KeptTextQuerySet":
        """Texts that are still given back."""
        return self.filter(kept_at__gt=timezone.now() - KeptText.LIFETIME)

    def old(self) -> "KeptTextQuerySet":
        """Texts whose time is over."""
        return self.filter(kept_at__lte=timezone.now() - KeptText.LIFETIME)


class KeptText(models.Model):
    """What one person had typed into one field of one page, sealed like the message it may become.

    On the server and not in the browser: the next person at the same computer must not find it
    (ASVS 14.3.3), and the writer finds it again on another device.
    """

    LIFETIME = timedelta(hours=24)
    MAX_CHARACTERS = 20_000
    # A page has a handful of fields; a hundred texts in a day is a fault, or somebody else.
    MAX_TEXTS = 100

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("portal.Organization", models.CASCADE)
    user = models.ForeignKey("portal.User", models.CASCADE, related_name="+")
    path = models.CharField(max_length=200)
    field = models.CharField(max_length=60)
    sealed = models.BinaryField()
    kept_at = models.DateTimeField(default=timezone.now)

    objects = KeptTextQuerySet.as_manager()

    class Meta:
        db_table = "kept_texts"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "path", "field"], name="kept_text_once_per_field"
            ),
            Policy(
                name="kept_texts",
                read=f"{OWN} OR {SYSTEM}",
                # The system seals again with a new key, and forgets what is old; it keeps nothing.
                write=f"{OWN} OR {SYSTEM}",
                insert=OWN,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.path}"

    @property
    def place(self) -> Place:
        """The row that the text is sealed for."""
        return Place(
            table=self._meta.db_table,
            row_id=self.pk,
            organization_id=self.organization_id,
            column="sealed",
        )

    def write(self, text: str, *, at: datetime) -> None:
        """Seal `text` into this row. Does not save."""
        self.sealed = seal(text, self.place)
        self.kept_at = at

    def read(self) -> str:
        """Return the text. Raises CannotOpen when the row was tampered with."""
        return unseal(self.sealed, self.place)

    def reseal(self) -> None:
        """Seal the text with the key that seals now. Does not save."""
        self.sealed = seal(self.read(), self.place)
