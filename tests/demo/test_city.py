"""The whole: deterministic, complete, adding up."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from app.demo import facts
from app.demo.city import DemoCity, fingerprints, generate
from app.demo.shares import frontage_by_cell
from app.demo.spec import CitySpec
from app.demo.towns import partition
from app.errors import InvalidInput
from app.geo.hexgrid import resolution_of
from app.geo.network import label_components
from app.models.vocabularies import AreaLevel, BoundaryKind

SAME_IN_A_NEW_PROCESS = """
from app.demo.city import fingerprints, generate
from app.demo.spec import CitySpec
print(sorted(fingerprints(generate(CitySpec(node_target=20_000, stations=120))).items()))
"""


def test_the_same_spec_gives_the_same_city_bit_for_bit_in_another_process(small_city: DemoCity) -> None:
    env = {**os.environ, "PYTHONHASHSEED": "12345"}
    run = subprocess.run(
        [sys.executable, "-c", SAME_IN_A_NEW_PROCESS], capture_output=True, text=True, env=env, check=True
    )
    assert run.stdout.strip() == str(sorted(fingerprints(small_city).items()))


def test_another_seed_gives_another_city(small_city: DemoCity) -> None:
    other = fingerprints(generate(CitySpec(seed=7, node_target=20_000, stations=120)))
    assert all(value != fingerprints(small_city)[kind] for kind, value in other.items())


def test_areas_are_one_city_eleven_districts_176_towns_parents_first(small_city: DemoCity) -> None:
    levels = [a.level for a in small_city.areas]
    assert [levels.count(x) for x in (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN)] == [1, 11, 176]
    seen: set[str] = set()
    for area in small_city.areas:
        assert area.parent_code is None or area.parent_code in seen
        assert area.boundary_kind == BoundaryKind.APPROXIMATE and area.geom.geom_type == "MultiPolygon"
        seen.add(area.code)


def test_people_add_up_to_the_city_and_to_every_town(small_city: DemoCity) -> None:
    cells, people = small_city.cells, small_city.people
    assert (np.diff(cells) > 0).all() and (people > 0).all() and resolution_of(cells) == 9
    assert people.sum() == pytest.approx(18_827_000, rel=1e-9)
    frontage = frontage_by_cell(small_city.rows, partition())
    at = np.searchsorted(cells, frontage.cells)
    share = frontage.metres.multiply(1.0 / np.asarray(frontage.metres.sum(axis=1))).tocsr()
    along = np.asarray(share.T @ people[at]).ravel()
    beside = np.ones(len(cells), dtype=bool)
    beside[at] = False
    assert 20 <= beside.sum() < 0.1 * len(cells)  # hamlets and mountain cells
    # what is not along streets lives in remote cells: little, and never negative
    rest = small_city.town_people - along
    assert rest.min() > -1e-3 and rest.sum() == pytest.approx(people[beside].sum(), rel=1e-6)
    assert rest.sum() < 0.002 * people.sum()


@pytest.mark.parametrize("wrong", [{"node_target": 10}, {"stations": 0}, {"seed": -1}])
def test_a_spec_out_of_range_is_refused_by_field(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput) as caught:
        CitySpec(**wrong)  # type: ignore[arg-type]
    assert [e.field for e in caught.value.errors] == list(wrong)


@pytest.mark.slow
def test_the_full_city_has_the_size_promised() -> None:
    city = generate(CitySpec())
    rows = city.rows
    assert 400_000 <= len(rows.node_id) <= 500_000 and 550_000 <= len(rows.edge_id) <= 700_000
    assert 55 <= rows.length_m.mean() <= 75
    assert len(city.stations) == 300 and len(city.cells) > 25_000
    label = label_components(len(rows.node_id), rows.source - 1, rows.target - 1, rows.length_m)
    assert (label == 0).mean() > 0.98
    assert len(city.bridges_left_out) < 0.25 * len(facts.bridges())
    assert len({s.name[8:12] for s in city.stations}) > 100
