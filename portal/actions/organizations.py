"""Being in one organization or another."""

from uuid import UUID

from portal.models import User


def remember_organization(organization_id: UUID, *, user_id: UUID) -> None:
    """Offer this organization first when the user signs in again."""
    User.objects.filter(pk=user_id).update(last_organization_id=organization_id)
