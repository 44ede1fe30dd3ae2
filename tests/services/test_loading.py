"""Loading: the same again changes nothing, a change is told, and nothing is half done."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.models import Area, Dataset, PopulationCell, Station, WalkEdge, WalkNode
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind, StationStatus
from app.repositories.network import read_network
from app.services.loading import (
    DatasetFacts,
    NewArea,
    drop_alternative_population,
    load_alternative_population,
    load_boundaries,
    load_network,
    load_population,
    load_stations,
)
from tests.support.cities import STEP, WEST, block_areas, block_stations, block_streets, load_block_city


def facts(kind: DatasetKind, sha256: str = "new") -> DatasetFacts:
    return DatasetFacts(kind, None, "n", "s", "l", "v", sha256, synthetic=False)


def count(session: Session, table: type) -> int:
    return int(session.scalar(select(func.count()).select_from(table)) or 0)


def test_the_same_city_twice_is_the_city_once(session: Session) -> None:
    load_block_city(session)
    before = [count(session, t) for t in (Area, Dataset, PopulationCell, Station, WalkEdge, WalkNode)]
    load_block_city(session)
    assert before == [count(session, t) for t in (Area, Dataset, PopulationCell, Station, WalkEdge, WalkNode)]
    assert before[:2] == [3, 4]


def test_streets_come_back_as_they_went_in(session: Session) -> None:
    rows = block_streets()
    rows = dataclasses.replace(
        rows,
        name=['示例路,"一"\n段' if k == 0 else ("" if k == 1 else n) for k, n in enumerate(rows.name)],
        way_id=np.where(np.arange(len(rows.way_id)) % 2 == 0, rows.way_id, 7),
        has_steps=np.arange(len(rows.way_id)) % 5 == 0,
    )
    load_network(session, facts(DatasetKind.NETWORK), rows, {})
    found = read_network(session)
    for field in dataclasses.fields(rows):
        mine, theirs = getattr(rows, field.name), getattr(found, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)
        else:
            assert [v or None for v in mine] == [v or None for v in theirs], field.name


def test_an_edge_to_nowhere_is_refused(session: Session) -> None:
    rows = block_streets()
    broken = dataclasses.replace(rows, target=rows.target + 10_000)
    with pytest.raises(ValueError, match="not among the rows"):
        load_network(session, facts(DatasetKind.NETWORK), broken, {})


def test_stations_are_placed_by_geometry_and_told_apart(session: Session) -> None:
    load_block_city(session)
    rows = {s.code: s for s in session.scalars(select(Station))}
    assert (rows["T-W"].district_code, rows["T-E"].district_code) == ("T101", "T102")
    assert rows["T-W"].town_code is None
    west, east = block_stations()
    moved = dataclasses.replace(east, lng=WEST + 2.5 * STEP)
    new = dataclasses.replace(west, code="T-N", status=StationStatus.PLANNED)
    result = load_stations(session, facts(DatasetKind.STATIONS), [west, moved, new], {})
    assert result.counts == {"added": 1, "changed": 1, "unchanged": 1, "removed": 0} and result.changed
    session.expire_all()
    assert session.get(Station, "T-E").district_code == "T101"  # type: ignore[union-attr]
    assert session.get(Station, "T-W").dataset_id != session.get(Station, "T-N").dataset_id  # type: ignore[union-attr]
    again = load_stations(session, facts(DatasetKind.STATIONS, "other file"), [new, west], {})
    assert not again.changed and again.counts["unchanged"] == 2
    alone = load_stations(session, facts(DatasetKind.STATIONS, "third"), [new], {}, replace=True)
    assert alone.counts["removed"] == 2 and count(session, Station) == 1


def test_new_districts_take_over_stations_and_keep_the_city(session: Session) -> None:
    load_block_city(session)
    city = block_areas()[0]
    one = NewArea("T109", AreaLevel.DISTRICT, "全境", None, BoundaryKind.OFFICIAL, city.geom)
    load_boundaries(session, dataclasses.replace(facts(DatasetKind.BOUNDARIES), level=AreaLevel.DISTRICT), [one], {})
    session.expire_all()
    assert {a.code: a.parent_code for a in session.scalars(select(Area))} == {"T1": None, "T109": "T1"}
    assert {s.district_code for s in session.scalars(select(Station))} == {"T109"}
    current = session.scalars(select(Dataset).where(Dataset.kind == "boundaries", Dataset.is_current)).all()
    assert {d.level for d in current} == {None, "district"}, "the city still comes from the first file"


def test_towns_lose_a_parent_that_goes_and_find_the_new_one(session: Session) -> None:
    load_block_city(session)
    town = NewArea(
        "T101001", AreaLevel.TOWN, "镇", None, BoundaryKind.OFFICIAL,
        shapely.MultiPolygon([shapely.box(WEST, 23.1, WEST + 3 * STEP, 23.105)]),
    )  # fmt: skip
    level = dataclasses.replace(facts(DatasetKind.BOUNDARIES), level=AreaLevel.TOWN)
    load_boundaries(session, level, [town], {})
    session.expire_all()
    assert session.get(Area, "T101001").parent_code == "T101"  # type: ignore[union-attr]
    one = NewArea("T109", AreaLevel.DISTRICT, "全境", None, BoundaryKind.OFFICIAL, block_areas()[0].geom)
    load_boundaries(session, dataclasses.replace(level, level=AreaLevel.DISTRICT, sha256="d"), [one], {})
    session.expire_all()
    assert session.get(Area, "T101001").parent_code == "T109"  # type: ignore[union-attr]


def test_a_code_of_another_level_is_refused(session: Session) -> None:
    load_block_city(session)
    wrong = dataclasses.replace(block_areas()[0], code="T101")
    with pytest.raises(Conflict) as caught:
        load_boundaries(session, facts(DatasetKind.BOUNDARIES), [wrong], {})
    assert [(e.field, e.value) for e in caught.value.errors] == [("code", "T101")]


def test_a_new_population_replaces_the_old(session: Session) -> None:
    load_block_city(session)
    cells = np.array([618138654633099263], dtype=np.int64)
    result = load_population(session, facts(DatasetKind.POPULATION), cells, np.array([5.5]), {})
    assert result.changed and count(session, PopulationCell) == 1
    current = session.scalars(select(Dataset).where(Dataset.kind == "population", Dataset.is_current)).all()
    assert [d.id for d in current] == [result.dataset_id]


CELL = np.array([618138654633099263], dtype=np.int64)


def named(name: str, sha256: str) -> DatasetFacts:
    return dataclasses.replace(facts(DatasetKind.POPULATION, sha256), name=name)


def sources(session: Session) -> dict[str, tuple[str, float]]:
    """Name -> role and people, of what is current."""
    people = select(func.sum(PopulationCell.people)).where(PopulationCell.dataset_id == Dataset.id).scalar_subquery()
    rows = session.execute(
        select(Dataset.name, Dataset.role, people).where(Dataset.kind == "population", Dataset.is_current)
    )
    return {name: (role, total) for name, role, total in rows}


def test_alternatives_stand_beside_the_main_population(session: Session) -> None:
    with pytest.raises(Conflict, match="main source first"):
        load_alternative_population(session, named("b", "b"), CELL, np.array([2.0]), {})
    load_population(session, named("a", "a"), CELL, np.array([1.0]), {})
    first = load_alternative_population(session, named("b", "b"), CELL, np.array([2.0]), {})
    assert first.changed
    load_alternative_population(session, named("c", "c"), CELL, np.array([3.0]), {})
    assert sources(session) == {"a": ("main", 1), "b": ("alternative", 2), "c": ("alternative", 3)}
    again = load_alternative_population(session, named("b", "b"), CELL, np.array([2.0]), {})
    assert not again.changed and again.dataset_id == first.dataset_id
    # the same name, or the same content under another name, takes the place of the old one
    load_alternative_population(session, named("b", "b of next year"), CELL, np.array([4.0]), {})
    load_alternative_population(session, named("d", "c"), CELL, np.array([3.0]), {})
    assert sources(session) == {"a": ("main", 1), "b": ("alternative", 4), "d": ("alternative", 3)}
    with pytest.raises(Conflict, match="main source already"):
        load_alternative_population(session, named("z", "a"), CELL, np.array([1.0]), {})


def test_the_main_population_is_replaced_beside_its_alternatives(session: Session) -> None:
    load_population(session, named("a", "a"), CELL, np.array([1.0]), {})
    load_alternative_population(session, named("b", "b"), CELL, np.array([2.0]), {})
    load_population(session, named("e", "e"), CELL, np.array([5.0]), {})
    assert sources(session) == {"e": ("main", 5), "b": ("alternative", 2)}
    load_population(session, named("b", "b"), CELL, np.array([2.0]), {})
    assert sources(session) == {"b": ("main", 2)}, "an alternative that becomes the main source is none any more"
    assert count(session, PopulationCell) == 1, "no cells are left of what is not current"


def test_an_alternative_is_dropped_by_its_name(session: Session) -> None:
    load_population(session, named("a", "a"), CELL, np.array([1.0]), {})
    load_alternative_population(session, named("b", "b"), CELL, np.array([2.0]), {})
    for name in ("a", "x"):
        with pytest.raises(NotFound) as caught:
            drop_alternative_population(session, name)
        assert caught.value.errors[0].remedy_en == "there are: b"
    drop_alternative_population(session, "b")
    assert sources(session) == {"a": ("main", 1)} and count(session, PopulationCell) == 1
