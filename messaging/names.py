"""What the authors and readers of messages are called.

Asked apart from the messages and not joined to them: a message whose author the reader may no
longer know (a family member whose mandate was taken back) must not vanish with the name.
"""

from collections.abc import Iterable
from uuid import UUID

from portal.models import Provider, User

UNKNOWN = "Someone who is no longer here"


class Names(dict[UUID, str]):
    """Names by user; those that the reader may not know have none."""

    def __missing__(self, user_id: UUID) -> str:
        return UNKNOWN


def names_of(user_ids: Iterable[UUID]) -> Names:
    """The names of these users, in one query."""
    return Names(User.objects.filter(pk__in=set(user_ids)).values_list("pk", "name"))


def work_of(user_ids: Iterable[UUID], organization_id: UUID) -> dict[UUID, str]:
    """What the clinicians among these users do ("Ward nurse"), in one query."""
    return dict(
        Provider.objects.filter(
            organization_id=organization_id, user_id__in=set(user_ids)
        ).values_list("user_id", "role")
    )
