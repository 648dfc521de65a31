#!/usr/bin/env python3
"""Django's commands, and `manage.py demo`, which makes its own settings before Django needs any.

Whatever a person can mend ends in one plain sentence and a non-zero status.
"""

import os
import sys


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - a person may call it with any python3
        sys.exit("Vigil needs Python 3.11 or newer: run bin/bootstrap, then .venv/bin/python.")
    try:
        import django
    except ImportError:
        sys.exit(
            "Django is not installed for this Python: run bin/bootstrap, then .venv/bin/python."
        )

    if sys.argv[1:2] == ["demo"]:
        from portal.management.demo.command import main as demo

        sys.exit(demo(sys.argv[2:]))

    if not os.environ.get("SECRET_KEY"):
        from portal.management.demo.running import take_its_settings

        take_its_settings()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    # A command is one thread: a pool would only say late, and many times, that nobody answers.
    os.environ.setdefault("DATABASE_POOL", "0")
    from portal import environment

    with environment.said_plainly():
        # A setting that cannot be used is said before anything else.
        django.setup()

    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from portal.operations.outage import is_outage, outage_sentence

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if not is_outage(error):
            raise
        sys.exit(outage_sentence(error))


if __name__ == "__main__":
    main()
