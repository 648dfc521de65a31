"""Links to a password that a command shows to whoever runs it, who hands them on."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import CommandError

GOOD_FOR = (
    f"It is good once, for {settings.PASSWORD_RESET_TIMEOUT // 60} minutes. Whoever has it can"
    " sign in as them: give it to nobody else."
)


def add_site(parser: ArgumentParser) -> None:
    """The option that says where the portal is."""
    parser.add_argument(
        "--site",
        default=settings.SITE_URL,
        metavar="URL",
        help="the portal's address, with which the link begins; default: SITE_URL",
    )


def checked(site: str) -> str:
    """The address, or CommandError."""
    if not site.startswith(("https://", "http://")):
        raise CommandError("Where is the portal? Set SITE_URL, or say --site https://….")
    return site
