"""Where the links of e-mails lead: to us, whatever a request says of itself."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from procrastinate.contrib.django.models import ProcrastinateJob

from portal import environment
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def site_of_job(client, ana):
    def site_of_job(**headers):
        client.post("/password/reset/", {"email": ana.user.email}, **headers)
        return [job.args["site"] for job in ProcrastinateJob.objects.all()]

    return site_of_job


def test_a_host_that_is_not_ours_is_refused(site_of_job):
    assert site_of_job(HTTP_HOST="evil.example") == []


def test_the_address_that_was_set_is_used(site_of_job, settings):
    settings.SITE_URL = "https://portal.clinic.example/"
    settings.ALLOWED_HOSTS = ["*"]
    assert site_of_job(HTTP_HOST="evil.example") == ["https://portal.clinic.example/"]


def test_without_one_the_port_is_not_the_strangers_choice(site_of_job, settings):
    settings.INSECURE_HTTP = False
    assert site_of_job(HTTP_HOST="testserver:9999") == ["https://testserver/"]


def test_a_demo_names_its_port(site_of_job):
    assert site_of_job(HTTP_HOST="127.0.0.1:8123") == ["http://127.0.0.1:8123/"]


def test_a_host_forwarded_by_somebody_is_not_asked(site_of_job):
    assert site_of_job(HTTP_X_FORWARDED_HOST="evil.example") == ["http://testserver/"]


@pytest.mark.parametrize("hosts", ["*", ".clinic.example", "portal.clinic.example,*"])
def test_a_wildcard_needs_an_address(hosts):
    finished = subprocess.run(
        [sys.executable, "-c", "import portal.settings"],
        cwd=ROOT,
        env=os.environ | {"ALLOWED_HOSTS": hosts, "SITE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode != 0
    assert "The setting SITE_URL is missing" in finished.stderr


@pytest.mark.parametrize(
    "value",
    ["portal.example", "https://", "ftp://a.example", "https://a.example/x", "https://u@a.example"],
)
def test_what_is_no_address_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("SITE_URL", value)
    with pytest.raises(ImproperlyConfigured, match="SITE_URL"):
        environment.site_url("SITE_URL", https=False)


def test_a_clinic_has_no_plain_links(monkeypatch):
    monkeypatch.setenv("SITE_URL", "http://a.example")
    with pytest.raises(ImproperlyConfigured, match="https"):
        environment.site_url("SITE_URL", https=True)


def test_the_address_ends_with_one_slash(monkeypatch):
    monkeypatch.setenv("SITE_URL", "https://a.example:8443")
    assert environment.site_url("SITE_URL", https=True) == "https://a.example:8443/"
