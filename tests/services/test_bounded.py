"""A cache that forgets: by number, and by weight."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.services.bounded import BoundedCache


def test_what_was_not_asked_for_longest_is_forgotten() -> None:
    cache = BoundedCache(2)
    for key in "abac":
        cache.get(key, lambda key=key: key)  # type: ignore[misc]
    assert cache.held_keys() == ["a", "c"]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 12)), max_size=60))
def test_what_is_held_never_weighs_too_much(asked: list[tuple[int, int]]) -> None:
    cache = BoundedCache(20, weight=len)
    kept: dict[int, bytes] = {}  # as it should be, oldest first
    for key, size in asked:
        assert cache.put(key, bytes(size)) == bytes(size)
        kept.pop(key, None)
        kept[key] = bytes(size)
        while sum(map(len, kept.values())) > 20:
            kept.pop(next(iter(kept)))
    assert cache.held_keys() == list(kept)
    assert all(cache.get(key, lambda: b"made anew") == value for key, value in list(kept.items()))


def test_what_is_too_heavy_is_given_and_not_kept() -> None:
    cache = BoundedCache(3, weight=len)
    assert cache.get("a", lambda: b"12345") == b"12345" and cache.held_keys() == []
