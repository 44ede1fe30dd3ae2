"""Passwords: what is refused, and that what is taken is recognised however it was typed."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.services import passwords
from app.services.passwords import check_new_password, hash_password, is_right, random_password


@pytest.mark.parametrize(
    "weak",
    ["", "ninechars", "a" * 40, "abababababab", "1234567890", "QwertyUiop", "administrator", "tianhe-office1",
     "xyz!" * 51],
)  # fmt: skip
def test_weak_ones(weak: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_new_password(weak, "tianhe-office")
    (item,) = caught.value.errors
    assert item.value is None, "a password is not repeated"
    assert item.remedy_zh and item.remedy_en


@pytest.mark.parametrize(
    "good", ["plum rain season", "凉茶铺门口的老榕树下", "tianhe-office opens at nine", "a1!b2@c3#d"]
)
def test_good_ones(good: str) -> None:
    check_new_password(good, "tianhe-office")


def test_an_input_method_does_not_decide() -> None:
    """Full-width letters and digits are what a Chinese input method may leave behind."""
    kept = hash_password("\uff50\uff4c\uff55\uff4d-\uff12\uff10\uff12\uff15")
    assert kept.startswith("$argon2id$") and is_right("plum-2025", kept)
    assert not is_right("plum-2026", kept)


@settings(max_examples=5, deadline=None)
@given(st.text(min_size=1, max_size=30).filter(lambda t: unicodedata.is_normalized("NFKC", t)))
def test_round_trip(password: str) -> None:
    kept = hash_password(password)
    assert kept != hash_password(password), "every hash has a salt of its own"
    assert is_right(password, kept) and not is_right(password + "x", kept)


def test_nobody_s_password_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: one comparison at full cost, whether or not there is an account."""
    compared: list[str] = []
    verify = passwords._hasher.verify
    monkeypatch.setattr(passwords._hasher, "verify", lambda p, h: compared.append(h) or verify(p, h))
    somebodys = hash_password("plum rain season")
    assert not is_right("x", None) and not is_right("x", somebodys)
    cost = [h.rsplit("$", 2)[0] for h in compared]
    assert len(cost) == 2 and cost[0] == cost[1]
    assert not is_right("x", "no hash")


def test_random_ones_are_good_and_differ() -> None:
    made = {random_password() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        check_new_password(one, "tianhe")
        assert not set(one) & set("01ilo"), "none that is taken for another"


def test_few_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 64 MB: a rush of sign-ins must not take all of the memory."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Lock

    running, most, lock = 0, 0, Lock()

    def slow(password: str) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return password

    monkeypatch.setattr(passwords._hasher, "hash", slow)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(hash_password, ["x"] * 32))
    assert most == 4
