"""Organizations, people, and who is cared for by whom."""

from portal.models.access_grant import AccessGrant
from portal.models.allowance import Allowance
from portal.models.audit import AuditEntry
from portal.models.audit_seal import AuditSeal, UnsealedEntry
from portal.models.invitation import Invitation
from portal.models.kept_text import KeptText
from portal.models.organization import Membership, Organization, Role
from portal.models.patient import Caregiver, Patient, Sex
from portal.models.provider import CareTeamMembership, Provider
from portal.models.service_account import Scope, ServiceAccount
from portal.models.session import Session
from portal.models.user import User

__all__ = [
    "AccessGrant",
    "Allowance",
    "AuditEntry",
    "AuditSeal",
    "CareTeamMembership",
    "Caregiver",
    "Invitation",
    "KeptText",
    "Membership",
    "Organization",
    "Patient",
    "Provider",
    "Role",
    "Scope",
    "ServiceAccount",
    "Session",
    "Sex",
    "UnsealedEntry",
    "User",
]
