"""A browser and a place in words, so that a person recognises their own sessions.

Only what is shown back to the person themselves: nothing is decided by it, for anybody can claim
to be any browser.
"""

import ipaddress

from django.http import HttpRequest

# Most specific first: every browser also claims to be the ones before it.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
)


def browser_in_words(user_agent: str) -> str:
    """Return "Firefox on Windows"; "An unknown browser" when it says nothing we know."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if not browser:
        return f"A browser on {system}" if system else "An unknown browser"
    return f"{browser} on {system}" if system else browser


def address_of(request: HttpRequest) -> str:
    """The network address a request came from, as the server in front of us says it."""
    return str(request.META.get("REMOTE_ADDR", ""))


def place_in_words(address: str, here: str) -> str:
    """Say where a session is, seen from a reader at the address `here`."""
    if address == here:
        return "This network"
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return "An unknown network"
    if place.is_loopback:
        return "The computer that Vigil runs on"
    if place.is_private:
        return f"A network inside the house ({address})"
    return f"Another network ({address})"
