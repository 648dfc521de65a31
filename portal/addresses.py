"""Addresses of the portal: which links in e-mails begin with, and which one may be led on to."""

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.http import url_has_allowed_host_and_scheme


def site_of(request: HttpRequest) -> str:
    """The portal's own address, with a slash at its end: `SITE_URL` where it is set.

    Where it is not, the request names the host, and Django has checked that against ALLOWED_HOSTS.
    A port is not checked, so it is left out: whoever has another person's password reset must not
    choose where the link leads. Only a demo, which has no proxy in front, needs its port.
    """
    if settings.SITE_URL:
        return str(settings.SITE_URL)
    if settings.INSECURE_HTTP:
        return request.build_absolute_uri("/")
    host, _ = split_domain_port(request.get_host())
    return f"https://{host}/"


def is_own(request: HttpRequest, address: str) -> bool:
    """Whether an address that came with a request leads to a page of ours.

    A word alone is none: to Django it would be the name of a route.
    """
    return address.startswith(("/", "http://", "https://")) and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
