"""What a person sets about their own account."""

from portal.access import Reader
from portal.models import User


def choose_theme(theme: str, *, by: Reader) -> None:
    """Remember the colours a person wants on every device of theirs."""
    User.objects.filter(pk=by.user_id).update(theme=theme)
