"""Web Push's cryptography against the example of its own standard."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from notifications.channels.push_crypto import (
    claim,
    decoded,
    encoded,
    point_of,
    private_key_of,
    sealed,
)

# RFC 8291, appendix A.
TEXT = b"When I grow up, I want to be a watermelon"
OURS = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
THEIRS = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT, SECRET = "DGv6ra1nlYgDCS1FRnbzlw", "BTBZMqHH6r4Tts7J_aSIgg"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
    "a-fN"
)


def test_the_standards_own_example():
    made = sealed(
        TEXT,
        decoded(THEIRS),
        decoded(SECRET),
        ours=private_key_of(decoded(OURS)),
        salt=decoded(SALT),
    )
    assert encoded(made) == SEALED


def test_no_two_messages_are_sealed_alike():
    made = {sealed(TEXT, decoded(THEIRS), decoded(SECRET)) for _ in range(2)}
    assert len(made) == 2


@pytest.mark.parametrize("key", [b"", b"\x04" + b"\x01" * 64, decoded(THEIRS)[:-1]])
def test_a_key_that_is_no_point_is_refused(key):
    with pytest.raises(ValueError, match=r".+"):
        sealed(TEXT, key, decoded(SECRET))


def test_a_claim_names_its_audience_and_is_signed():
    key = private_key_of(decoded(OURS))
    scheme, token, shown = claim(key, "https://push.example", 1800000000, "mailto:a@b.c").split(" ")
    head, body, signature = token.removeprefix("t=").removesuffix(",").split(".")

    assert scheme == "vapid"
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    assert json.loads(decoded(body)) == {
        "aud": "https://push.example",
        "exp": 1800000000,
        "sub": "mailto:a@b.c",
    }
    assert shown == f"k={encoded(point_of(key.public_key()))}"
    raw = decoded(signature)
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    key.public_key().verify(
        encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256())
    )
