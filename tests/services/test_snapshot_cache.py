"""What a snapshot remembers, and what it forgets first."""

from __future__ import annotations

from app.services.snapshot import CACHED_ANSWERS, Snapshot, assemble


def test_what_is_asked_for_stays_and_the_rest_is_forgotten_in_turn(demo_snapshot: Snapshot) -> None:
    fresh = assemble(demo_snapshot.city, demo_snapshot.stations, demo_snapshot.method)
    made: list[object] = []

    def ask(key: object) -> object:
        return fresh.cached(key, lambda: made.append(key) or key)

    ask("costly")
    for k in range(3 * CACHED_ANSWERS):
        assert ask(k) == k and ask("costly") == "costly"
    assert made.count("costly") == 1
    ask(0)
    assert made.count(0) == 2
