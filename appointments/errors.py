"""What can be wrong with a visit.

AppointmentError
├── EndsBeforeItStarts
└── PatientIsDeceased
"""


class AppointmentError(Exception):
    """A visit that cannot be."""


class EndsBeforeItStarts(AppointmentError):
    """The end is not after the start."""


class PatientIsDeceased(AppointmentError):
    """Nobody visits the dead."""
