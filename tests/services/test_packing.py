"""Folders of arrays: what goes in comes out, and whatever is not as written is noticed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.services import packing
from app.services.packing import PackBroken, content_hash, read_facts, read_part, write_folder


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "deep" / "city-1"
    write_folder(made, {"part": PART, "twin": PART.inner}, FACTS)
    return made


def assert_same(found: Part, wanted: Part) -> None:
    for name in ("ids", "lng", "nothing"):
        a, b = getattr(found, name), getattr(wanted, name)
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    assert np.array_equal(np.signbit(found.lng), np.signbit(wanted.lng))
    assert (found.names, found.limit, found.note) == (wanted.names, wanted.limit, wanted.note)
    assert found.inner.flags.dtype == np.bool_ and np.array_equal(found.inner.flags, wanted.inner.flags)
    assert np.array_equal(found.inner.pairs, wanted.inner.pairs)


def test_it_comes_out_as_it_went_in(folder: Path) -> None:
    assert_same(read_part(folder, "part", Part), PART)
    assert np.array_equal(read_part(folder, "twin", Inner).pairs, PART.inner.pairs)
    assert read_facts(folder) == FACTS
    assert sorted(p.name for p in folder.parent.iterdir()) == ["city-1"]  # nothing is left beside it


def test_who_writes_into_what_was_read_changes_nothing_for_others(folder: Path) -> None:
    first, second = read_part(folder, "part", Part), read_part(folder, "part", Part)
    first.ids[0] = 99
    assert second.ids[0] == 0
    assert_same(read_part(folder, "part", Part), PART)


def test_arrays_that_are_not_contiguous_are_written_too(tmp_path: Path) -> None:
    wide = np.arange(20, dtype=np.int32).reshape(5, 4)
    part = Inner(np.arange(10)[::3] > 4, wide[:, ::2])
    write_folder(tmp_path / "p", {"x": part}, {})
    found = read_part(tmp_path / "p", "x", Inner)
    assert found.flags.tolist() == part.flags.tolist() and found.pairs.tolist() == part.pairs.tolist()
    assert content_hash(found) == content_hash(part)


def test_an_older_folder_is_replaced_as_a_whole(folder: Path) -> None:
    (folder / "left over").write_text("old")
    write_folder(folder, {"part": replace(PART, limit=5)}, {"new": True})
    assert read_part(folder, "part", Part).limit == 5 and read_facts(folder) == {"new": True}
    assert not (folder / "left over").exists()
    with pytest.raises(PackBroken):
        read_part(folder, "twin", Inner)


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
    with pytest.raises(PackBroken, match="city-1"):
        read_part(folder, "part", Part)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"text"', "\0\0", "{}", '{"format": 0, "facts": {}, "arrays": {}, "values": {}}',
     f'{{"format": {packing.FORMAT}}}', f'{{"format": {packing.FORMAT}, "facts": null, "arrays": 1, "values": []}}'],
)  # fmt: skip
def test_a_manifest_that_is_none(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(PackBroken):
        read_part(folder, "part", Part)
    with pytest.raises(PackBroken):
        read_facts(folder)


def test_a_manifest_of_another_encoding_or_no_folder_at_all(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.json").write_bytes('{"说": 1}'.encode("gb18030"))
    for place in (folder, tmp_path / "nowhere"):
        with pytest.raises(PackBroken):
            read_facts(place)


def test_a_field_that_the_folder_does_not_know(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["values"]["part.limit"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(PackBroken):
        read_part(folder, "part", Part)


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    folder = tmp_path / "city"
    if there:
        write_folder(folder, {"part": PART}, FACTS)
    save, calls = np.save, []

    def full(*args: object) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        save(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(packing.np, "save", full)
    with pytest.raises(OSError, match="No space"):
        write_folder(folder, {"part": PART}, {"new": True})
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == (["city"] if there else [])
    if there:
        assert_same(read_part(folder, "part", Part), PART)
        assert read_facts(folder) == FACTS


def test_the_hash_is_of_the_content_alone(folder: Path) -> None:
    twin = replace(PART, ids=PART.ids[::-1][::-1], inner=Inner(PART.inner.flags.copy(), PART.inner.pairs.copy("F")))
    assert content_hash(twin) == content_hash(PART) == content_hash(read_part(folder, "part", Part))
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
    folder = tmp_path_factory.mktemp("any") / "p"
    part = replace(PART, ids=np.array(ids, dtype=np.int64), lng=np.array(lng, dtype=np.float64))
    write_folder(folder, {"p": part}, {})
    assert_same(read_part(folder, "p", Part), part)
