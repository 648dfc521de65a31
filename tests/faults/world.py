"""The cast of all tests, seated in a run's database and signed in: prints it as JSON.

python -m tests.faults.world
"""

import json
import os

import django


def main() -> None:
    django.setup()
    from django.conf import settings

    # A real hasher costs a quarter of a second for each of them.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from tests.cast import CAST, people, seat, signed_in

    seat()
    told = {
        "cookie": settings.SESSION_COOKIE_NAME,
        "csrf": settings.CSRF_COOKIE_NAME,
        "people": [
            {
                "name": person.user.name,
                "user": str(person.user.pk),
                "session": signed_in(person).cookies[settings.SESSION_COOKIE_NAME].value,
            }
            for person in people()
        ],
        "patients": [
            {"id": str(who.patient.pk), "organization": str(who.organization.pk)}
            for who in people()
            if who.patient
        ],
        # Whose places on a care team come and go during the run.
        "places": [
            {
                "id": str(place.pk),
                "organization": str(place.organization.pk),
                "patient": str(place.patient.pk),
                "user": str(clinician.user.pk),
            }
            for place in CAST.teams
            for clinician in (CAST.noor, CAST.boris)
            if place.provider == clinician.provider
        ],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    main()
