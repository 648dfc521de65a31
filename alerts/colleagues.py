"""To whom an alert can be handed: the clinic's other nurses and clinicians, those on call first."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.models import Rota
from alerts.on_call import roster_of
from portal import access
from portal.access import CARE_ROLES, Reader
from portal.models import Membership, Role


@dataclass(frozen=True)
class Colleague:
    """Somebody who can be asked to take an alert."""

    user_id: UUID
    name: str
    role: Role
    is_on_call: bool

    @property
    def label(self) -> str:
        """As a list names them: “Noor Haddad, nurse – on call”."""
        on_call = " – on call" if self.is_on_call else ""
        return f"{self.name}, {self.role.label.lower()}{on_call}"


def colleagues_of(reader: Reader, now: datetime) -> list[Colleague]:
    """Everybody but the reader."""
    on_call = {
        user_id
        for rota in access.of_organization(Rota.objects.all(), reader)
        for user_id in roster_of(rota).on_call(now)
    }
    members = (
        Membership.objects.active()
        .filter(organization_id=reader.organization_id, role__in=CARE_ROLES)
        .exclude(user_id=reader.user_id)
        .values_list("user_id", "user__name", "role")
    )
    found = [
        Colleague(user_id, name, Role(role), user_id in on_call) for user_id, name, role in members
    ]
    return sorted(found, key=lambda each: (not each.is_on_call, each.name))
