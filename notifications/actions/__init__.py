"""Every write of this app: telling, reading, and how a person wishes to be told."""

from notifications.actions.reading import (
    mark_all_read,
    mark_read,
    mark_read_about,
    own,
    unread,
)
from notifications.actions.telling import cancel_sends, notify

__all__ = [
    "cancel_sends",
    "mark_all_read",
    "mark_read",
    "mark_read_about",
    "notify",
    "own",
    "unread",
]
