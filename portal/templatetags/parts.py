"""What templates need from Python to put parts together: scripts by name, initials from names.

Markup does not belong here; it lives in templates/parts.
"""

import json
from functools import cache
from pathlib import PurePosixPath

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@cache
def script_paths() -> tuple[PurePosixPath, ...]:
    """Paths of our ES modules below static/js, in a stable order."""
    root = settings.BASE_DIR / "static" / "js"
    return tuple(sorted(PurePosixPath(path.relative_to(root)) for path in root.rglob("*.js")))


@register.simple_tag(takes_context=True)
def import_map(context: template.Context) -> str:
    """Give every module of ours its bare name: static/js/realtime/socket.js is `realtime/socket`.

    Modules import each other by these names only. A relative import would miss the hash that a
    static files storage puts into the name.
    """
    return format_html(
        '<script type="importmap" nonce="{}">{}</script>',
        getattr(context.get("request"), "csp_nonce", ""),
        _imports(),
    )


@cache
def _imports() -> SafeString:
    names = {str(path.with_suffix("")): static(f"js/{path}") for path in script_paths()}
    # Paths and file names of our own tree: nothing here comes from a person.
    return mark_safe(json.dumps({"imports": names}))  # noqa: S308


@register.simple_tag
@cache
def style_sheets() -> str:
    """Link every style sheet, in the order of parts/stylesheets.html."""
    return render_to_string("parts/stylesheets.html")


@register.simple_tag
@cache
def module_scripts() -> str:
    """Load every module that lies directly in static/js: one custom element a file.

    One tag each, so that one broken module does not take the others with it.
    """
    return format_html_join(
        "\n",
        '<script type="module" src="{}"></script>',
        ((static(f"js/{path}"),) for path in script_paths() if len(path.parts) == 1),
    )


@register.filter
def initials(name: object) -> str:
    """First letters of the first and the last word: "Ana María Ruiz" gives "AR"."""
    words = [word for word in str(name or "").split() if word[0].isalpha()]
    if not words:
        return "?"
    ends = words[:1] if len(words) == 1 else [words[0], words[-1]]
    return "".join(word[0] for word in ends).upper()
