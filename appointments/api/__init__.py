"""FHIR R4 Appointments and Slots over REST: `/api/appointments/`, `/api/slots/`.

`doors` says who is calling; to a person a booking is what it is on the pages (`persons`), a program
books what patients may book themselves (`programs`). `asking` reads what is asked for, `resources`
shows what is there, `refusing` says in FHIR what the actions refuse.
"""
