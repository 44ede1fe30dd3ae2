"""The snapshot's files: named by content, found by what the database says, made anew when not what they say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.services.snapshot import Snapshot, ensure_snapshot
from app.settings import HomeSettings, MethodSettings
from tests.conftest import MakeDatabase
from tests.support.cities import load_block_city

KINDS = ("city", "stations", "reach")


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    """The block city, which these tests change in name only."""
    made = make_engine(make_database())
    with session_scope(made) as session:
        load_block_city(session)
    yield made
    made.dispose()


@pytest.fixture
def home(tmp_path: Path) -> HomeSettings:
    return HomeSettings(home=tmp_path)


def folder(home: HomeSettings, kind: str) -> Path:
    (found,) = home.snapshots.glob(f"{kind}-*")
    return found


def pointer(home: HomeSettings, kind: str) -> Path:
    (found,) = home.snapshots.glob(f"keys/{kind}-*")
    return found


def written(home: HomeSettings) -> dict[str, tuple[int, int]]:
    """Every file of every folder, and when it was made."""
    files = [p for kind in KINDS for p in home.snapshots.glob(f"{kind}-*/*")]
    return {f"{p.parent.name}/{p.name}": (p.stat().st_ino, p.stat().st_mtime_ns) for p in files}


def run(engine: Engine, statement: str) -> None:
    with session_scope(engine) as session:
        session.execute(text(statement))


def assert_same(a: Any, b: Any) -> None:
    """Equal in every array and value."""
    assert type(a) is type(b)
    if is_dataclass(a):
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    elif isinstance(a, tuple):
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    else:
        assert a == b


def assert_answers_alike(a: Snapshot, b: Snapshot) -> None:
    assert (a.version, a.inputs, a.keys) == (b.version, b.inputs, b.keys)
    assert a.stations.table.stations == b.stations.table.stations
    assert a.areas.areas == b.areas.areas and a.areas.outlines == b.areas.outlines
    assert_same(a.network, b.network)
    assert_same(a.frontage, b.frontage)
    assert_same((a.stations.places, a.stations.places_step_free), (b.stations.places, b.stations.places_step_free))
    assert_same(a.stations.reach_part, b.stations.reach_part)


def put(path: Path, data: bytes) -> None:
    """Another file in its place: the old one may be mapped by the test itself."""
    path.unlink()
    path.write_bytes(data)


def break_array(home: HomeSettings, kind: str) -> None:
    path = max(folder(home, kind).glob("*.npy"), key=lambda p: p.stat().st_size)
    whole = path.read_bytes()
    put(path, whole[:-1] + bytes([whole[-1] ^ 1]))


def cut_array(home: HomeSettings, kind: str) -> None:
    path = max(folder(home, kind).glob("*.npy"), key=lambda p: p.stat().st_size)
    put(path, path.read_bytes()[:-4])


def lose_array(home: HomeSettings, kind: str) -> None:
    next(folder(home, kind).glob("*.npy")).unlink()


def break_manifest(home: HomeSettings, kind: str) -> None:
    (folder(home, kind) / "manifest.json").write_text("{")


def falsify_manifest(home: HomeSettings, kind: str) -> None:
    path = folder(home, kind) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "facts": {}}, sort_keys=True))


def lose_manifest(home: HomeSettings, kind: str) -> None:
    (folder(home, kind) / "manifest.json").unlink()


def lose_folder(home: HomeSettings, kind: str) -> None:
    shutil.rmtree(folder(home, kind))


def lose_pointer(home: HomeSettings, kind: str) -> None:
    pointer(home, kind).unlink()


def point_to_nothing(home: HomeSettings, kind: str) -> None:
    pointer(home, kind).write_text(f"{kind}-{'0' * 32}")


def empty_pointer(home: HomeSettings, kind: str) -> None:
    pointer(home, kind).write_text("")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "harm",
    [break_array, cut_array, lose_array, break_manifest, falsify_manifest, lose_manifest, lose_folder, lose_pointer,
     point_to_nothing, empty_pointer],
)  # fmt: skip
def test_what_is_broken_is_made_anew(engine: Engine, home: HomeSettings, kind: str, harm: Any) -> None:
    whole = ensure_snapshot(engine, home)
    before = {path: path.read_bytes() for k in KINDS for path in home.snapshots.glob(f"{k}-*/*")}
    others = {k: v for k, v in written(home).items() if not k.startswith(f"{kind}-")}
    harm(home, kind)
    assert_answers_alike(ensure_snapshot(engine, home), whole)
    assert {path: path.read_bytes() for path in before} == before
    assert {k: v for k, v in written(home).items() if not k.startswith(f"{kind}-")} == others, "only what was broken"
    after = written(home)
    ensure_snapshot(engine, home)
    assert written(home) == after, "and then it is read"


def test_another_state_with_the_same_content_is_the_same_files(engine: Engine, home: HomeSettings) -> None:
    first = ensure_snapshot(engine, home)
    before = written(home)
    first.cached("kept", lambda: 1)
    for statement in ("UPDATE stations SET name = name", "UPDATE areas SET name = name"):
        run(engine, statement)
        again = ensure_snapshot(engine, home, None, first)
        assert again.keys != first.keys and again.version == first.version
        assert again.cached("kept", lambda: 2) == 1, "and the same answers"
        assert written(home) == before
    assert [len(list(home.snapshots.glob(f"keys/{kind}-*"))) for kind in KINDS] == [2, 3, 1]


def test_a_key_of_a_moment_ago_is_not_asked_again(engine: Engine, home: HomeSettings) -> None:
    old = ensure_snapshot(engine, home)
    run(engine, "UPDATE stations SET name = name || '!' WHERE code = 'T-W'")
    new = ensure_snapshot(engine, home)
    assert new.version != old.version
    assert [s.stations.table.stations[s.stations.table.at["T-W"]].name for s in (old, new)] == ["站 T-W", "站 T-W!"]
    run(engine, "UPDATE stations SET name = rtrim(name, '!')")
    back = ensure_snapshot(engine, home)
    assert back.version == old.version and back.keys not in (old.keys, new.keys)
    assert len(list(home.snapshots.glob("stations-*"))) == 2


def test_limits_of_the_method_belong_to_the_version(engine: Engine, home: HomeSettings) -> None:
    method = MethodSettings()
    first = ensure_snapshot(engine, home, method)
    other = ensure_snapshot(engine, home, method.model_copy(update={"snap_limit_m": 499.0}))
    assert other.version != first.version and other.city.key == first.city.key
    shorter = ensure_snapshot(engine, home, method.model_copy(update={"reach_limit_minutes": 15}))
    assert shorter.stations.reach.limit_mm == 1_200_000 and first.stations.reach.limit_mm == 4_800_000
    assert shorter.stations.reach_part.key != first.stations.reach_part.key


def test_what_is_held_is_not_read_again(engine: Engine, home: HomeSettings) -> None:
    held = ensure_snapshot(engine, home)
    for path in home.snapshots.glob("*-*/*"):
        path.unlink()  # what is mapped stays
    run(engine, "UPDATE stations SET name = name || '?' WHERE code = 'T-W'")
    after = ensure_snapshot(engine, home, None, held)
    assert after.city is held.city and after.stations.reach_part is held.stations.reach_part
    assert after.searcher is held.searcher
    run(engine, "UPDATE stations SET name = rtrim(name, '?')")


def test_a_folder_of_older_code_is_made_anew(
    engine: Engine, home: HomeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, and under the right key, but without what this code looks for."""
    from app.services import snapshot as module

    build = module.build_city

    def older(*given: Any) -> Any:
        contents = build(*given)
        return replace(contents, facts={k: v for k, v in contents.facts.items() if k != "areas"})

    monkeypatch.setattr(module, "build_city", older)
    with pytest.raises(KeyError):
        ensure_snapshot(engine, home)
    monkeypatch.undo()
    assert len(ensure_snapshot(engine, home).areas.areas) == 3
