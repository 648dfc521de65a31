"""What Web Push asks of cryptography: a sealed text (RFC 8291) and a signed claim (RFC 8292).

Written on `cryptography`, which we have: the ready-made senders bring an HTTP stack of their own
for these forty lines. RFC 8291's own example is a test.
"""

import base64
import json
import os
import struct

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
# One record holds it all; the padding delimiter of the last record (RFC 8188) ends it.
_RECORD_BYTES = 4096
_LAST = b"\x02"


def sealed(
    text: bytes,
    public_key: bytes,
    secret: bytes,
    *,
    ours: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return `text` as only the browser with this key and secret can open it (aes128gcm).

    Raises ValueError for a key that is no point of the curve. `ours` and `salt` are drawn anew for
    each message; RFC 8291's example names them.
    """
    ours = ours or ec.generate_private_key(CURVE)
    salt = salt or os.urandom(16)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public_key)
    our_point = point_of(ours.public_key())
    shared = ours.exchange(ec.ECDH(), theirs)
    key_material = _expand(_hmac(secret, shared), b"WebPush: info\x00" + public_key + our_point, 32)
    seed = _hmac(salt, key_material)
    key = _expand(seed, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _expand(seed, b"Content-Encoding: nonce\x00", 12)
    head = salt + struct.pack("!LB", _RECORD_BYTES, len(our_point)) + our_point
    return head + AESGCM(key).encrypt(nonce, text + _LAST, None)


def claim(private_key: ec.EllipticCurvePrivateKey, audience: str, until: int, subject: str) -> str:
    """Return the Authorization header that says who sends, to one push service, until a second."""
    parts = [{"typ": "JWT", "alg": "ES256"}, {"aud": audience, "exp": until, "sub": subject}]
    signed = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    r, s = decode_dss_signature(private_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    token = f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"vapid t={token}, k={encoded(point_of(private_key.public_key()))}"


def private_key_of(number: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key of 32 bytes, as VAPID tools write it. Raises ValueError."""
    return ec.derive_private_key(int.from_bytes(number, "big"), CURVE)


def point_of(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 65 bytes by which a public key travels."""
    return public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encoded(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Bytes of base64url, padded or not. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hmac(key: bytes, text: bytes) -> bytes:
    made = hmac.HMAC(key, hashes.SHA256())
    made.update(text)
    return made.finalize()


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    # HKDF-Expand (RFC 5869) for at most one block.
    return _hmac(key, info + b"\x01")[:length]
