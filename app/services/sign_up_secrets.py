"""Phone numbers at rest, and the codes of sign-ups: all under one secret that is not in the database.

The secret is the setting ``SKILLSMAP_SIGN_UP_KEY``, or else a file in the home that is made once. Numbers are encrypted
(Fernet); under a second key (HKDF, RFC 5869) their HMAC tells whether two are the same, and under a third a code comes
out the same for a request that is sent again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.settings import home_settings, sign_up_settings

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
CODE_LENGTH = 12  # 60 bits
CONFUSED = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


@dataclass(frozen=True)
class SignUpKeys:
    """The keys of one secret, and the secrets before it, by which older numbers can still be read."""

    fernet: MultiFernet
    mac_key: bytes
    code_key: bytes

    @classmethod
    def of(cls, texts: list[str]) -> SignUpKeys:
        """Of secrets, the one in use first."""
        roots = [hashlib.sha256(text.encode()).digest() for text in texts]
        fernets = [Fernet(urlsafe_b64encode(_derived(root, b"phone numbers"))) for root in roots]
        return cls(MultiFernet(fernets), _derived(roots[0], b"same person"), _derived(roots[0], b"codes"))

    def encrypted(self, phone: str) -> bytes:
        return self.fernet.encrypt(phone.encode())

    def decrypted(self, token: bytes) -> str | None:
        """The number; None where it was encrypted under a secret that is no longer known."""
        try:
            return self.fernet.decrypt(token).decode()
        except InvalidToken:
            return None

    def mac_of(self, phone: str) -> bytes:
        """The same for the same number, and of no use without the key."""
        return hmac.digest(self.mac_key, phone.encode(), "sha256")

    def code_of(self, request_key: str | None, session_id: int, phone: str) -> str:
        """A code by chance; with the key of a request, the one that the same request had before."""
        if request_key is None:
            return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        digest = hmac.digest(self.code_key, f"{session_id}\n{phone}\n{request_key}".encode(), "sha256")
        number = int.from_bytes(digest[:8], "big")
        return "".join(ALPHABET[number >> 5 * k & 31] for k in range(CODE_LENGTH))


def code_digest(code: str) -> bytes:
    """What is kept of a code, however it is spelt: lower case, with blanks or hyphens, O for 0."""
    return hashlib.sha256(code.upper().translate(CONFUSED).encode()).digest()


@lru_cache(maxsize=1)
def sign_up_keys() -> SignUpKeys:
    """The keys of this service."""
    given = [text.strip() for text in (sign_up_settings().sign_up_key or "").split(",") if text.strip()]
    return SignUpKeys.of(given or [_kept_secret(home_settings().home / "secrets" / "sign-up.key")])


def _kept_secret(path: Path) -> str:
    """The secret in a file that only its owner can read; made where it is not there. Workers agree on one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_urlsafe(32), encoding="ascii")
        try:
            os.link(aside, path)  # fails where another worker was first
        except FileExistsError:
            pass
        aside.unlink()
    return path.read_text(encoding="ascii").strip()


def _derived(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"skillsmap " + purpose).derive(root)
