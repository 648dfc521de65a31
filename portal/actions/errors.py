"""Why an act of this app is refused.

Refused
├── PatientDeceased        nobody invites a patient who has died
├── AlreadyHasAccount      the patient signs in already
├── AddressTaken           the address belongs to the account of another patient of this clinic
├── InvitationClosed       the link was used, withdrawn, guessed at too often, or is too old
├── LastAdministrator      the organization would be left without one
├── OwnMembership          nobody ends their own place by accident
├── BelongsElsewhere       the user is also a member of another organization
└── AccountRevoked         a revoked service account gets no other key
"""


class Refused(Exception):
    """An act that the rules of the portal do not allow; `words` says so to the person."""

    words = "That is not possible."


class PatientDeceased(Refused):
    words = "This patient has died. No invitation can be sent."


class AlreadyHasAccount(Refused):
    words = "This patient can sign in already."


class AddressTaken(Refused):
    words = "This e-mail address belongs to another patient. Please use a different one."


class InvitationClosed(Refused):
    words = "This invitation can no longer be used."


class LastAdministrator(Refused):
    words = "This is the last administrator. Make somebody else an administrator first."


class OwnMembership(Refused):
    words = "You cannot change your own place. Ask another administrator."


class BelongsElsewhere(Refused):
    words = (
        "This person also belongs to another organization. End their place in yours instead:"
        " it has the same effect here."
    )


class AccountRevoked(Refused):
    words = "This account is revoked. Make another one."
