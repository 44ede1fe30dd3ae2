"""Folders of arrays: what goes in comes out, and whatever is not as written is noticed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.services import packing
from app.services.packing import (
    Contents,
    PackBroken,
    content_hash,
    open_pack,
    read_facts,
    write_pack,
)


@dataclass(frozen=True)
class Inner:
    flags: BoolArray
    pairs: Int32Array


@dataclass(frozen=True)
class Part:
    ids: IntArray
    lng: FloatArray
    nothing: IntArray
    names: tuple[str, ...]
    limit: int
    note: str | None
    inner: Inner


PART = Part(
    ids=np.arange(5, dtype=np.int64),
    lng=np.array([113.25, np.nan, -0.0, np.inf]),
    nothing=np.zeros(0, dtype=np.int64),
    names=("人民路", "a", ""),
    limit=1_200_000,
    note=None,
    inner=Inner(np.array([True, False]), np.arange(6, dtype=np.int32).reshape(3, 2)),
)
FACTS = {"made": "2026-01-01", "areas": [{"名": "越秀", "km2": 33.8}]}


def written(parent: Path, part: object = PART, facts: dict[str, object] = FACTS) -> Path:
    return write_pack(parent, "city", Contents({"part": part}, facts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "deep", "city", Contents({"part": PART, "twin": PART.inner}, FACTS))


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Which files there are, and when each was made."""
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.iterdir()}


def assert_same(found: Part, wanted: Part) -> None:
    for name in ("ids", "lng", "nothing"):
        a, b = getattr(found, name), getattr(wanted, name)
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    assert np.array_equal(np.signbit(found.lng), np.signbit(wanted.lng))
    assert (found.names, found.limit, found.note) == (wanted.names, wanted.limit, wanted.note)
    assert found.inner.flags.dtype == np.bool_ and np.array_equal(found.inner.flags, wanted.inner.flags)
    assert np.array_equal(found.inner.pairs, wanted.inner.pairs)


def test_it_comes_out_as_it_went_in(folder: Path) -> None:
    pack = open_pack(folder)
    assert_same(pack.part("part", Part), PART)
    assert np.array_equal(pack.part("twin", Inner).pairs, PART.inner.pairs)
    assert pack.facts == read_facts(folder) == FACTS
    assert [p.name for p in folder.parent.iterdir()] == [pack.name]  # nothing is left beside it


def test_the_name_is_the_hash_of_the_manifest_and_that_holds_the_hash_of_every_file(folder: Path) -> None:
    text = (folder / "manifest.json").read_bytes()
    assert folder.name == f"city-{hashlib.sha256(text).hexdigest()[:32]}"
    hashes = json.loads(text)["arrays"]
    arrays = sorted(folder.glob("*.npy"))
    assert {p.stem: hashlib.sha256(p.read_bytes()).hexdigest() for p in arrays} == hashes and len(hashes) == 7


def test_the_same_content_is_written_once(folder: Path) -> None:
    before = files(folder)
    twin = replace(PART, ids=PART.ids.copy(), names=tuple(PART.names))
    again = write_pack(
        folder.parent, "city", Contents({"twin": PART.inner, "part": twin}, dict(reversed(FACTS.items())))
    )
    assert again == folder and files(folder) == before
    other = write_pack(folder.parent, "city", Contents({"part": PART, "twin": PART.inner}, {**FACTS, "made": "2027"}))
    assert other != folder and files(folder) == before and len(list(folder.parent.iterdir())) == 2


def test_any_other_content_has_another_name(tmp_path: Path) -> None:
    parts = [
        PART,
        replace(PART, ids=PART.ids + 1),
        replace(PART, ids=PART.ids.astype(np.int32)),
        replace(PART, names=("人民路",)),
        replace(PART, limit=2),
        replace(PART, inner=Inner(PART.inner.flags, PART.inner.pairs.reshape(2, 3))),
    ]
    assert len({written(tmp_path, part) for part in parts} | {written(tmp_path, PART, {})}) == len(parts) + 1


def test_who_writes_into_what_was_read_changes_nothing_for_others(folder: Path) -> None:
    first, second = (open_pack(folder).part("part", Part) for _ in range(2))
    first.ids[0] = 99
    assert second.ids[0] == 0
    assert_same(open_pack(folder).part("part", Part), PART)


def test_arrays_that_are_not_contiguous_are_written_too(tmp_path: Path) -> None:
    wide = np.arange(20, dtype=np.int32).reshape(5, 4)
    part = Inner(np.arange(10)[::3] > 4, wide[:, ::2])
    found = open_pack(written(tmp_path, part)).part("part", Inner)
    assert found.flags.tolist() == part.flags.tolist() and found.pairs.tolist() == part.pairs.tolist()
    assert content_hash(found) == content_hash(part)


@pytest.mark.parametrize("name", ["part.ids.npy", "part.lng.npy", "part.nothing.npy", "part.inner.pairs.npy"])
@pytest.mark.parametrize("harm", ["cut", "longer", "flipped", "gone", "empty"])
def test_a_file_that_is_not_as_written_is_never_read(folder: Path, name: str, harm: str) -> None:
    path = folder / name
    data = path.read_bytes()
    changed = {
        "cut": data[:-1], "longer": data + b"\0", "empty": b"", "flipped": data[:-1] + bytes([data[-1] ^ 1]),
    }  # fmt: skip
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(changed[harm])
    with pytest.raises(PackBroken, match="city-"):
        open_pack(folder)
    again = write_pack(folder.parent, "city", Contents({"part": PART, "twin": PART.inner}, FACTS))
    assert again == folder and path.read_bytes() == data


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\0\0", "{}", f'{{"format": {packing.FORMAT}}}'])
def test_a_manifest_that_is_another(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    for read in (open_pack, read_facts):
        with pytest.raises(PackBroken, match="not as it was written"):
            read(folder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '"text"', "{}", '{"format": 0, "facts": {}, "arrays": {}, "values": {}}',
     f'{{"format": {packing.FORMAT}, "facts": null, "arrays": 1, "values": []}}'],
)  # fmt: skip
def test_a_manifest_of_that_name_which_is_none(tmp_path: Path, text: str) -> None:
    folder = tmp_path / f"city-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    folder.mkdir()
    (folder / "manifest.json").write_text(text)
    for read in (open_pack, read_facts):
        with pytest.raises(PackBroken):
            read(folder)


def test_arrays_exchanged_with_their_hashes_are_noticed(folder: Path) -> None:
    """Whoever rewrites a file and its hash in the manifest as well must rename the folder, too."""
    manifest = json.loads((folder / "manifest.json").read_text())
    path = folder / "part.ids.npy"
    np.save(path, np.arange(5, 10))
    manifest["arrays"]["part.ids"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, sort_keys=True))
    with pytest.raises(PackBroken):
        open_pack(folder)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(PackBroken):
        open_pack(tmp_path / f"city-{'0' * 32}")


def test_what_the_folder_does_not_know(folder: Path) -> None:
    pack = open_pack(folder)
    for name, kind in (("part", Inner), ("twin", Part), ("other", Inner)):
        with pytest.raises(PackBroken, match=folder.name):
            pack.part(name, kind)
    with pytest.raises(PackBroken, match="KeyError 'people'"):
        pack.read_by(lambda read: read.facts["people"])


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    folder = written(tmp_path) if there else None
    save, calls = np.save, []

    def full(*args: object) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        save(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(packing.np, "save", full)
    with pytest.raises(OSError, match="No space"):
        written(tmp_path, PART, {"new": True})
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == ([folder] if folder else [])
    if folder:
        assert_same(open_pack(folder).part("part", Part), PART)


def test_the_hash_is_of_the_content_alone(folder: Path) -> None:
    twin = replace(PART, ids=PART.ids[::-1][::-1], inner=Inner(PART.inner.flags.copy(), PART.inner.pairs.copy("F")))
    assert content_hash(twin) == content_hash(PART) == content_hash(open_pack(folder).part("part", Part))
    others = [
        replace(PART, ids=PART.ids + 1),
        replace(PART, ids=PART.ids.astype(np.int32)),  # another type is another content
        replace(PART, lng=PART.lng[:3]),
        replace(PART, names=("人民路", "a")),
        replace(PART, names=("人民路a", "")),
        replace(PART, limit=2),
        replace(PART, note="None"),
        replace(PART, inner=Inner(PART.inner.flags, PART.inner.pairs.reshape(2, 3))),
        replace(PART, inner=Inner(~PART.inner.flags, PART.inner.pairs)),
    ]
    assert len({content_hash(part) for part in [PART, *others]}) == len(others) + 1


def test_the_hash_is_known() -> None:
    # the same on every machine: it names the inputs of coverage runs
    part = Inner(np.array([True, False]), np.arange(2, dtype=np.int32).reshape(1, 2))
    assert content_hash(part) == "b705047e9fde6126aaff1b3db056693f411099e3558448119618a7d2869256d8"


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40), st.lists(st.floats(), max_size=40))
def test_any_numbers(tmp_path_factory: pytest.TempPathFactory, ids: list[int], lng: list[float]) -> None:
    folder = tmp_path_factory.mktemp("any")
    part = replace(PART, ids=np.array(ids, dtype=np.int64), lng=np.array(lng, dtype=np.float64))
    assert_same(open_pack(written(folder, part)).part("part", Part), part)
