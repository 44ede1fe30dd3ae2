"""Keys that lead to folders: what is found is what was kept, and nothing else is ever taken for it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from app.services.pack_store import KEPT_STATES, PackStore
from app.services.packing import Contents, PackBroken

ARRAY = np.arange(4)


def contents(value: int) -> Contents:
    return Contents({}, {"value": value})


@pytest.fixture
def store(tmp_path: Path) -> PackStore:
    made = PackStore(tmp_path / "snapshots")
    with made.locked():
        pass
    return made


def names(store: PackStore, kind: str = "city") -> set[str]:
    return {path.name for path in store.folder.glob(f"{kind}-*")}


def test_what_is_kept_is_found(store: PackStore) -> None:
    kept = store.keep("city", "aa", contents(1))
    assert store.find("city", "aa") == kept.name and store.open("city", "aa").facts == {"value": 1}
    assert store.find("city", "ab") is None and store.find("reach", "aa") is None
    with pytest.raises(PackBroken):
        store.open("city", "ab")


def test_the_same_content_of_another_key_is_the_same_folder(store: PackStore) -> None:
    first = store.keep("city", "aa", contents(1))
    manifest = first.folder / "manifest.json"
    before = manifest.stat().st_ino
    assert store.keep("city", "bb", contents(1)).folder == first.folder and manifest.stat().st_ino == before
    assert store.keep("city", "cc", contents(2)).folder != first.folder
    assert [store.find("city", key) for key in ("aa", "bb")] == [first.name] * 2 and len(names(store)) == 2


def test_a_key_that_leads_elsewhere_now(store: PackStore) -> None:
    store.keep("city", "aa", contents(1))
    assert store.keep("city", "aa", contents(2)).name == store.find("city", "aa")
    assert store.open("city", "aa").facts == {"value": 2}


@pytest.mark.parametrize(
    "said", ["", "city-", "/", "..", "city-../../x", "reach-" + "0" * 32, "city-" + "0" * 32, "\0é"]
)
def test_a_pointer_to_what_is_none_is_none(store: PackStore, said: str) -> None:
    kept = store.keep("city", "aa", contents(1))
    (store.folder / "keys" / "city-aa").write_text(said)
    assert store.find("city", "aa") is None
    assert store.keep("city", "aa", contents(1)).name == kept.name == store.find("city", "aa")


def test_a_pointer_to_another_whole_folder_of_another_kind(store: PackStore) -> None:
    other = store.keep("reach", "aa", contents(1))
    (store.folder / "keys" / "city-aa").write_text(other.name)
    assert store.find("city", "aa") is None


def test_a_folder_that_is_gone_or_broken(store: PackStore) -> None:
    kept = store.keep("city", "aa", Contents({"array": ARRAY}, {}))
    for harm in ((lambda: (kept.folder / "manifest.json").write_text("{}")), (kept.folder / "manifest.json").unlink):
        harm()
        with pytest.raises(PackBroken):
            store.open("city", "aa")
        assert store.keep("city", "aa", Contents({"array": ARRAY}, {})).name == kept.name
        assert store.open("city", "aa").name == kept.name


def test_the_states_last_used_are_kept(store: PackStore) -> None:
    for k in range(KEPT_STATES + 2):
        store.keep("city", f"{k}", contents(k))
        store.keep("reach", f"{k}", contents(k))
        for kind in ("city", "reach"):  # a clock that is sure to tell them apart
            os.utime(store.folder / "keys" / f"{kind}-{k}", (k, k))
    assert store.find("city", "0") is not None  # used again: now the newest
    (store.folder / ".city-half-written").mkdir()
    (store.folder / "city-of-an-older-format").mkdir()
    store.prune("city")
    there = [k for k in range(KEPT_STATES + 2) if store.find("city", f"{k}") is not None]
    assert there == [0, *range(3, KEPT_STATES + 2)]
    assert len(names(store)) == KEPT_STATES and not list(store.folder.glob(".city-*"))
    assert len(names(store, "reach")) == KEPT_STATES + 2


def test_a_folder_that_two_states_share_is_kept_with_the_newer(store: PackStore) -> None:
    store.keep("city", "old", contents(0))
    os.utime(store.folder / "keys" / "city-old", (0, 0))
    for k in range(1, KEPT_STATES):
        store.keep("city", f"{k}", contents(k))
    shared = store.keep("city", "new", contents(0))
    store.prune("city")
    assert store.find("city", "old") is None and store.find("city", "new") == shared.name
    assert store.newest("city")[0] == shared.folder


def test_one_at_a_time(store: PackStore) -> None:
    from app.db.processes import is_locked

    lock = store.folder / "build.lock"
    with store.locked():
        assert is_locked(lock)
    assert not is_locked(lock)
    with pytest.raises(ZeroDivisionError), store.locked():
        _ = 1 / 0
    assert not is_locked(lock)
