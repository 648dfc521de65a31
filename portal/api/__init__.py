"""What every FHIR address has in common: who is calling (`doors`), and what is wrong (`outcomes`).

The addresses themselves are each app's own: `care.api`, `appointments.api`.
"""
