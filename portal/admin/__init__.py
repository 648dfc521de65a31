"""What an administrator sets, in Django's admin: people, teams, the organization, what happened.

Only what is registered with a `portal.admin.base.PortalAdmin` is there: such a page asks the
reader's membership for every right, narrows every list to the organization, and puts every write on
record.
"""

from portal.admin import (
    audit,
    invitations,
    lockout,
    organization,
    patients,
    people,
    service_accounts,
)

__all__ = [
    "audit",
    "invitations",
    "lockout",
    "organization",
    "patients",
    "people",
    "service_accounts",
]
