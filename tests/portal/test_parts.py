"""What templates need from Python: initials, and our modules by name."""

import json
import re

import pytest
from django.template import Context
from django.templatetags.static import static
from django.test import RequestFactory

from portal.templatetags.parts import import_map, initials, module_scripts


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana María Ruiz", "AR"),
        ("Ana", "A"),
        ("  josé  ortega ", "JO"),
        ("Mary (Molly) Doe", "MD"),
        ("Øyvind Åsen", "ØÅ"),
        ("", "?"),
        (None, "?"),
        ("42", "?"),
    ],
)
def test_initials_are_of_the_first_and_the_last_name(name, letters):
    assert initials(name) == letters


def test_every_module_has_its_bare_name_and_the_map_its_nonce():
    request = RequestFactory().get("/")
    request.csp_nonce = "n0nce"
    tag = import_map(Context({"request": request}))
    assert 'nonce="n0nce"' in tag
    names = json.loads(re.search(r">(.*)</script>", tag)[1])["imports"]
    assert names["realtime/client"] == static("js/realtime/client.js")
    assert names["live-region"] == static("js/live-region.js")


def test_custom_elements_are_loaded_one_by_one_and_what_they_import_is_not():
    tags = module_scripts()
    assert f'<script type="module" src="{static("js/live-region.js")}"></script>' in tags
    assert "realtime/" not in tags
    assert "outage/" not in tags
