"""What arrives at a mail server, a provider of texts and a push service: the words, and nothing
more."""

import json
from datetime import timedelta
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notifications.channels import email, http, sms, web_push
from notifications.channels.message import AddressGone, Message, NotSent
from notifications.channels.push_crypto import decoded, encoded, point_of
from notifications.channels.wording import line
from portal import mail
from tests.notifications.servers import drip, holding_server, silent_server
from tests.waiting import ended

ONE = Message(uuid4(), 1, is_important=False)
CALL = Message(uuid4(), 1, is_important=True)


def opened(body, key, secret):
    """What a browser reads (RFC 8291, written from its side)."""
    salt, length = body[:16], body[20]
    sender = body[21 : 21 + length]
    shared = key.exchange(
        ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    )

    def mac(with_key, text):
        made = hmac.HMAC(with_key, hashes.SHA256())
        made.update(text)
        return made.finalize()

    info = b"WebPush: info\x00" + point_of(key.public_key()) + sender + b"\x01"
    seed = mac(salt, mac(mac(secret, shared), info))
    content_key = mac(seed, b"Content-Encoding: aes128gcm\x00\x01")[:16]
    nonce = mac(seed, b"Content-Encoding: nonce\x00\x01")[:12]
    text = AESGCM(content_key).decrypt(nonce, body[21 + length :], None)
    assert text.endswith(b"\x02")
    return text[:-1]


def test_a_mail_says_one_line_and_where_to_go(postbox):
    identifier = email.send(CALL, "ada@harbour.example")

    (mail,) = postbox.mails
    assert mail["Subject"] == "Vigil: something needs you"
    assert mail["To"] == "ada@harbour.example"
    assert mail["Message-ID"] == identifier == f"<{CALL.id}@localhost>"
    body = mail.get_content()
    assert body.startswith("Vigil: something needs you.")
    assert "https://portal.example/notifications/" in body
    for word in ("Harbour", "Ada", "alert", "patient", "urgent"):
        assert word not in mail["Subject"] + body


def test_every_try_of_one_mail_has_one_name(postbox):
    assert email.send(ONE, "a@b.example") == email.send(ONE, "a@b.example")


@pytest.mark.parametrize(
    ("refusal", "error", "is_final"),
    [
        ("550 5.1.1 no such mailbox", AddressGone, True),
        ("451 4.7.1 try later", NotSent, False),
    ],
)
def test_a_refused_mail_says_its_code_and_no_address(postbox, refusal, error, is_final):
    postbox.refusal = refusal
    with pytest.raises(error) as raised:
        email.send(ONE, "ada@harbour.example")
    assert raised.value.is_final is is_final
    assert raised.value.code == f"smtp_{refusal[:3]}"


def test_no_mail_server_is_a_failure_that_passes(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(NotSent) as raised:
        email.send(ONE, "ada@harbour.example")
    assert (raised.value.code, raised.value.is_final) == ("unreachable", False)


def test_without_a_mail_server_the_channel_is_off(settings):
    settings.EMAIL_BACKEND = mail.NO_SERVER
    assert not email.is_on()
    with pytest.raises(NotSent):
        email.send(ONE, "ada@harbour.example")


def test_a_text_reaches_the_provider_in_its_own_form(text_provider):
    assert sms.send("+16175550123", line(CALL)) == "SM1"

    (request,) = text_provider.arrived
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["Authorization"] == "Basic QUMxOnNlY3JldA=="
    assert parse_qs(request.body.decode()) == {
        "To": ["+16175550123"],
        "From": ["+16175550100"],
        "Body": ["Vigil: something needs you."],
    }


@pytest.mark.parametrize(
    ("answer", "code", "is_final", "retry_after"),
    [
        ((400, {}, b'{"code": 21211}'), "twilio_21211", True, None),
        ((400, {}, b'{"code": 21610}'), "twilio_21610", True, None),
        ((401, {}, b'{"code": 20003}'), "http_401", False, None),
        ((429, {"Retry-After": "7"}, b"{}"), "http_429", False, timedelta(seconds=7)),
        ((503, {}, b"down for +16175550123"), "http_503", False, None),
        ((201, {}, b"<html>"), "http_201", True, None),
    ],
)
def test_what_a_provider_refuses(text_provider, answer, code, is_final, retry_after):
    text_provider.answers = [answer]
    with pytest.raises(NotSent) as raised:
        sms.send("+16175550123", "Vigil")
    error = raised.value
    assert (error.code, error.is_final, error.retry_after) == (code, is_final, retry_after)


def test_a_line_that_breaks_leaves_unknown_what_a_refused_one_does_not(text_provider, settings):
    with silent_server() as url:
        settings.SMS_API_URL = url
        with pytest.raises(NotSent) as raised:
            sms.send("+16175550123", "Vigil")
    assert (raised.value.code, raised.value.is_unknown) == ("no_answer", True)
    # Nobody listens there any more.
    with pytest.raises(NotSent) as raised:
        sms.send("+16175550123", "Vigil")
    assert (raised.value.code, raised.value.is_unknown) == ("unreachable", False)


@pytest.mark.parametrize(
    "url",
    [
        f"https://{'a' * 64}.push.example/sub",  # longer than a name's part may be
        "https://push..example/sub",
        "https://push.example:port/sub",
    ],
)
def test_an_address_that_cannot_be_one_is_not_tried_again(url):
    with pytest.raises(NotSent) as raised:
        http.post(url, b"", {})
    assert (raised.value.code, raised.value.is_final) == ("unusable_address", True)


def test_without_a_provider_the_channel_is_off(settings):
    settings.SMS_PROVIDER = ""
    assert not sms.is_on()
    with pytest.raises(NotSent):
        sms.send("+16175550123", "Vigil")


def test_only_the_browser_reads_a_push(push_service):
    key, secret = ec.generate_private_key(ec.SECP256R1()), b"s" * 16
    web_push.send(
        CALL, f"{push_service.url}/to/1", encoded(point_of(key.public_key())), encoded(secret)
    )

    (request,) = push_service.arrived
    assert request.path == "/to/1"
    assert request.headers["Content-Encoding"] == "aes128gcm"
    assert request.headers["Urgency"] == "high"
    assert request.headers["TTL"] == "3600"
    assert b"Vigil" not in request.body
    assert json.loads(opened(request.body, key, secret)) == {
        "id": str(CALL.id),
        "line": "Vigil: something needs you.",
    }
    claim = request.headers["Authorization"].split("t=")[1].split(".")[1]
    assert json.loads(decoded(claim))["aud"] == push_service.url


@pytest.mark.parametrize(
    ("status", "error"), [(404, AddressGone), (410, AddressGone), (429, NotSent), (500, NotSent)]
)
def test_what_a_push_service_refuses(push_service, status, error):
    push_service.answers = [(status, {}, b"")]
    key = encoded(point_of(ec.generate_private_key(ec.SECP256R1()).public_key()))
    with pytest.raises(error) as raised:
        web_push.send(ONE, f"{push_service.url}/1", key, encoded(b"s" * 16))
    assert raised.value.is_final is (error is AddressGone)


@pytest.mark.parametrize(
    ("endpoint", "is_known"),
    [
        ("https://fcm.googleapis.com/fcm/send/1", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/1", True),
        ("http://fcm.googleapis.com/1", False),
        ("https://fcm.googleapis.com:8443/1", False),
        ("https://fcm.googleapis.com.evil.example/1", False),
        ("https://evilpush.services.mozilla.com.example/1", False),
        ("https://x@fcm.googleapis.com/1", False),
        ("https://169.254.169.254/latest/", False),
        ("https://localhost/", False),
        ("https://[::1]/", False),
        ("https://[::1%25.push.apple.com]/1", False),
        ("https://127.0.0.1[v1.push.apple.com/1", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_the_server_knocks_only_at_push_services(settings, endpoint, is_known):
    settings.INSECURE_HTTP = False
    assert web_push.is_known_service(endpoint) is is_known


def test_a_provider_that_draws_its_answer_out_is_cut_off(monkeypatch):
    """A letter ten times a second: no single wait is ever long."""
    monkeypatch.setattr(http, "LONGEST_SECONDS", 0.5)
    with holding_server(drip) as slow:
        with pytest.raises(NotSent) as raised:
            ended(lambda: http.post(f"http://{slow.host}:{slow.port}/", b"", {}))
    assert (raised.value.code, raised.value.is_unknown) == ("timeout", True)
