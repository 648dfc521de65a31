"""Keeping half-written text for its writer."""

from django.db import transaction
from django.utils import timezone

from portal.access import Reader, of_reader
from portal.models import KeptText


class TooMuchText(Exception):
    """More than the portal keeps for one person; what was kept before is still there."""


@transaction.atomic
def keep_text(path: str, field: str, text: str, *, by: Reader) -> None:
    """Keep what was typed into a field of a page; an empty text forgets it.

    Raises TooMuchText when the text, or the number of texts, is over the limit.
    """
    mine = of_reader(KeptText.objects.all(), by)
    if not text.strip():
        mine.filter(path=path, field=field).delete()
        return
    if len(text) > KeptText.MAX_CHARACTERS:
        raise TooMuchText
    now = timezone.now()
    kept = mine.select_for_update(of=["self"]).filter(path=path, field=field).first()
    if kept is None:
        mine.old().delete()
        if mine.count() >= KeptText.MAX_TEXTS:
            raise TooMuchText
        kept = KeptText(
            organization_id=by.organization_id, user_id=by.user_id, path=path, field=field
        )
    kept.write(text, at=now)
    if kept._state.adding:
        # Two tabs may keep the same field for the first time at the same moment: either will do.
        KeptText.objects.bulk_create([kept], ignore_conflicts=True)
    else:
        kept.save(update_fields=["sealed", "kept_at"])
