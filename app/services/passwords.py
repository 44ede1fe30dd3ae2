"""Passwords: which are taken, how they are kept, how they are compared."""

from __future__ import annotations

import secrets
import unicodedata
from functools import lru_cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from app.errors import ErrorItem, InvalidInput

SHORTEST, LONGEST = 10, 200  # characters
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
_COMMON = """
    1234567890 0123456789 0987654321 9876543210 12345678910 1234567891 11223344556677 1122334455 123456789a a123456789
    123456789abc abc123456789 1234qwerasdf qwertyuiop qwertyuiop123 qwerty12345 qwerty123456 1q2w3e4r5t 1qaz2wsx3edc
    qazwsxedcrfv zaq12wsxcde3 asdfghjkl123 password12 password123 password1234 passw0rd123 p@ssw0rd123 p@ssword123
    administrator admin12345 admin123456 admin@12345 admin@123456 welcome123 welcome2025 changeme123 letmein1234
    iloveyou123 woaini1314 woaini520520 5201314520 1314520520 aini1314520 guangzhou123 guangzhou2025 guangzhou2026
    yangcheng123 yangcheng2025 yangcheng2026 jiayouzhan123 skillsmap123 abcdefghij abcd123456 abc1234567 aa12345678
    qq123456789 wang123456789 zhang123456789 88888888888 1357924680 2468013579 147258369000 1472583690 monkey123456
"""
COMMON = frozenset(_COMMON.split())

_hasher = PasswordHash((Argon2Hasher(),))
_turns = BoundedSemaphore(4)  # one hash takes 64 MB and all of a core for some 50 ms


def normalized(password: str) -> str:
    """Full-width and composed characters as one form: an input method must not decide whether a password is right."""
    return unicodedata.normalize("NFKC", password)


def check_new_password(password: str, username: str, *, field: str = "new_password") -> None:
    """Raises InvalidInput, without repeating it, for a password that would be guessed."""
    text = normalized(password)
    lowered = text.lower()
    if len(text) < SHORTEST:
        fault = (f"太短(不足 {SHORTEST} 个字符)", f"is too short (fewer than {SHORTEST} characters)")
    elif len(password) > LONGEST:
        fault = (f"太长(超过 {LONGEST} 个字符)", f"is too long (more than {LONGEST} characters)")
    elif username in lowered and len(lowered) - len(username) < SHORTEST - 2:
        fault = ("与用户名相同或相近", "is the username, or little more")
    elif lowered in COMMON or len(set(lowered)) < 4:
        fault = ("过于常见", "is a very common one")
    else:
        return
    item = ErrorItem(
        field, *fault, remedy_zh=f"至少 {SHORTEST} 个字符,不含用户名,不用常见密码;几个不相干的词即可",
        remedy_en=f"at least {SHORTEST} characters, not the username, no common one; a few unrelated words will do",
    )  # fmt: skip
    raise InvalidInput("新密码不可用。", "The new password cannot be used.", errors=[item])


def random_password() -> str:
    """Sixteen characters of 31, in groups of four: 79 bits, and readable over the telephone."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def hash_password(password: str) -> str:
    """Argon2id with a salt of its own, in the usual encoding."""
    with _turns:
        return _hasher.hash(normalized(password))


def is_right(password: str, password_hash: str | None) -> bool:
    """Does the password belong to the hash? For None (no such account) False, after the same time."""
    compared = _nobodys_hash() if password_hash is None else password_hash
    with _turns:
        try:
            right = _hasher.verify(normalized(password), compared)
        except PwdlibError:  # not a hash of ours
            right = False
    return right and password_hash is not None


@lru_cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
