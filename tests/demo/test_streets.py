"""The drawn network: dry, connected, reaching everywhere, with every kind of street."""

from __future__ import annotations

import numpy as np
import shapely

from app.demo import facts
from app.demo.city import DemoCity
from app.demo.plane import geometry_to_plane
from app.demo.shares import towns_of
from app.demo.towns import partition
from app.demo.water import water
from app.geo.network import label_components


def _lines(city: DemoCity) -> np.ndarray:
    rows = city.rows
    number = np.repeat(np.arange(len(rows.edge_id)), np.diff(rows.geom_ptr))
    return shapely.linestrings(np.column_stack([rows.geom_lng, rows.geom_lat]), indices=number)


def test_no_street_touches_water_but_bridges_and_some_bridges_do(small_city: DemoCity) -> None:
    wet = water().touches(geometry_to_plane(_lines(small_city)), 0.0)
    assert not (wet & ~small_city.rows.is_bridge).any()
    assert (wet & small_city.rows.is_bridge).sum() >= 10
    named = {n for n in small_city.rows.name if n and n.endswith("(示意)")}
    left_out = set(small_city.bridges_left_out)
    assert named == {f"{b.name}(示意)" for b in facts.bridges() if b.name not in left_out}


def test_one_network_holds_nearly_all_nodes_and_a_few_islands_stay(small_city: DemoCity) -> None:
    rows = small_city.rows
    label = label_components(len(rows.node_id), rows.source - 1, rows.target - 1, rows.length_m)
    assert (label == 0).mean() > 0.98
    assert 5 <= label.max() <= 20
    towns = towns_of(partition(), rows.node_lng[label == 0], rows.node_lat[label == 0])
    assert set(range(176)) <= set(towns.tolist())


def test_rows_are_sound(small_city: DemoCity) -> None:
    rows = small_city.rows
    n, m = len(rows.node_id), len(rows.edge_id)
    assert len(np.unique(rows.node_id)) == n and len(np.unique(rows.edge_id)) == m
    assert rows.source.min() >= 1 and max(rows.source.max(), rows.target.max()) <= n
    assert not (rows.source == rows.target).any()
    assert len(rows.highway) == len(rows.name) == m == len(rows.geom_ptr) - 1
    first, last = rows.geom_ptr[:-1], rows.geom_ptr[1:] - 1
    for end, nodes in ((first, rows.source), (last, rows.target)):
        np.testing.assert_array_equal(rows.geom_lng[end], rows.node_lng[nodes - 1])
        np.testing.assert_array_equal(rows.geom_lat[end], rows.node_lat[nodes - 1])
    straight = np.hypot(
        (rows.geom_lng[last] - rows.geom_lng[first]) * 102_300, (rows.geom_lat[last] - rows.geom_lat[first]) * 110_750
    )
    assert (rows.length_m > 0).all() and (rows.length_m > 0.985 * straight).all()
    assert (np.diff(rows.geom_ptr) == 3).mean() > 0.2  # curved streets


def test_every_kind_of_street_occurs_and_nobody_lives_on_bridges_or_in_tunnels(small_city: DemoCity) -> None:
    rows = small_city.rows
    assert {"secondary", "tertiary", "residential", "living_street", "footway", "path", "steps"} <= set(rows.highway)
    assert rows.has_steps.any() and rows.is_tunnel.any() and rows.is_bridge.any()
    assert not (rows.has_frontage & (rows.is_bridge | rows.is_tunnel)).any()
    assert all(n is None or "示" in n for n in rows.name)
    assert any(n is None for n in rows.name) and any(n is not None for n in rows.name)
