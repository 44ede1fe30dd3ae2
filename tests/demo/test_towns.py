"""The partition: town, district and city outlines add up to the last vertex."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.demo import districts, facts
from app.demo.towns import Partition, partition


@pytest.fixture(scope="module")
def whole() -> Partition:
    return partition()


def test_towns_tile_the_city_without_gap_or_overlap(whole: Partition) -> None:
    towns = np.array(whole.towns, dtype=object)
    assert len(towns) == 176 and shapely.is_valid(towns).all() and not shapely.is_empty(towns).any()
    assert shapely.coverage_is_valid(towns)
    assert shapely.area(towns).sum() == pytest.approx(whole.city.area, rel=1e-12)
    assert shapely.area(np.array(whole.districts, dtype=object)).sum() == pytest.approx(whole.city.area, rel=1e-12)
    assert not any(len(part.interiors) for part in whole.city.geoms)


def test_a_district_is_the_union_of_its_towns_and_keeps_its_outline(whole: Partition) -> None:
    source = districts.outlines()
    for code, outline in zip(whole.district_codes, whole.districts, strict=True):
        mine = [g for t, g in zip(facts.towns(), whole.towns, strict=True) if t.district_code == code]
        assert sum(g.area for g in mine) == pytest.approx(outline.area, rel=1e-12)
        # noding moves vertices by a centimetre at most: a strip of that width along the border, no more
        assert shapely.symmetric_difference(outline, source[code]).area < 1e-7 * source[code].length


def test_every_centre_lies_in_its_own_town_and_only_there(whole: Partition) -> None:
    tree = shapely.STRtree(np.array(whole.towns, dtype=object))
    points = shapely.points([t.centre_lng for t in facts.towns()], [t.centre_lat for t in facts.towns()])
    point, town = tree.query(points, predicate="intersects")
    assert point.tolist() == town.tolist() == list(range(176))
