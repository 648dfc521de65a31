"""Static files whose address tells their content: kept for a year, never asked for again.

There is no build step: `{% static %}` adds a digest of the file as `?v=`. An answer may be kept for
ever only where that digest is the file's. While an upgrade rolls, a page of one version asks a
process of the other: it gets the file of that process, and may not keep it under this address.
"""

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

FOR_EVER = "max-age=31536000, public, immutable"
ASK_AGAIN = "no-cache"


# In letters: a number in an address could be taken for a reading by whoever searches a page.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@cache
def digest_of(name: str) -> str | None:
    """The first twelve digits of the file's SHA-256, in letters; None where there is no file."""
    found = finders.find(name)
    if not isinstance(found, str) or not Path(found).is_file():
        return None
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12].translate(_LETTERS)


class AddressedStorage(StaticFilesStorage):
    """Addresses with the digest of what they lead to."""

    def url(self, name: str | None) -> str:
        """The address of a file; one that is not there gets its address without a digest."""
        address: str = super().url(name)
        digest = digest_of(name) if name else None
        return f"{address}?v={digest}" if digest else address


class StaticFiles(WhiteNoiseMiddleware):
    """Serves static files; says for how long an answer may be kept by the digest asked for."""

    @staticmethod
    def serve(static_file: object, request: HttpRequest) -> HttpResponse:
        """Answer with a file, whole: an ASGI server would read one that streams at once too, in
        another thread, and warn of it."""
        streamed = WhiteNoiseMiddleware.serve(static_file, request)
        content = b"".join(streamed.streaming_content)
        streamed.close()
        response = HttpResponse(content, status=streamed.status_code, headers=streamed.headers)
        wanted = request.GET.get("v")
        if wanted is not None:
            name = request.path_info.removeprefix(settings.STATIC_URL)
            response["Cache-Control"] = FOR_EVER if wanted == digest_of(name) else ASK_AGAIN
        return response
