"""What must not change an answer: a mirror, a node more, other numbers and another order of the same streets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from app.geo.arrays import FloatArray, IntArray
from app.geo.frontage import LeafAreas, Pieces, cut, frontage_edges, whole_edges
from app.geo.network import FRONTAGE, STEPS, StreetRows, WalkNetwork, build_network
from app.geo.search import MAX_LIMIT_MM, UNREACHED, Searcher
from app.geo.snapping import build_grid, snap
from tests.support.covering import LIMITS, by_area_at, by_the_metre, covered_at, frontage_of
from tests.support.oracle import along_edge
from tests.support.streets import (
    CENTRE,
    Line,
    Point,
    at_m,
    grid_parts,
    network_of,
    places_on,
    random_places,
    random_rows,
    rows_of,
    shuffled,
)


def halves() -> LeafAreas:
    (x0, y0), (x1, y1), (x2, _) = at_m(-3000, -3000), at_m(60, 3000), at_m(3000, 0)
    return LeafAreas([shapely.box(x0, y0, x1, y1), shapely.box(x1, y0, x2, y1)])


def mirrored(point: Point) -> Point:
    return 2 * CENTRE[0] - point[0], point[1]


def symmetric_town(seed: int) -> tuple[WalkNetwork, dict[int, int]]:
    """A random half, its mirror image, and streets across the axis; and every node id's counterpart."""
    rng = np.random.default_rng(seed)
    nodes, lines = grid_parts(7, 9, 110.0, (80.0, -440.0))
    nodes = {n: (p[0] + rng.normal(0, 2e-4), p[1] + rng.normal(0, 2e-4)) for n, p in nodes.items()}
    lines = [line for line in lines if rng.random() < 0.75]
    bends = [(nodes[line.source][0] + 3e-4, nodes[line.target][1] + 2e-4) for line in lines]
    lines = [
        replace(line, via=(bend,) if rng.random() < 0.4 else ()) for line, bend in zip(lines, bends, strict=True)
    ]  # fmt: skip
    shift = 1000
    image = {n + shift: mirrored(p) for n, p in nodes.items()}
    twins = [
        Line(line.source + shift, line.target + shift, tuple(mirrored(p) for p in line.via)) for line in lines
    ]  # fmt: skip
    across = [Line(n, n + shift) for n in (0, 21, 42)]
    numbered = [replace(line, id=k) for k, line in enumerate([*lines, *twins, *across])]
    counterpart = {n: n + shift for n in nodes} | {n + shift: n for n in nodes}
    return network_of(nodes | image, numbered, min_component_m=500.0), counterpart


def squares(lng: FloatArray, lat: FloatArray) -> IntArray:
    """Squares of some 200 m beside the axis, numbered 0, 1, … east of it and −1, −2, … west; 100 by 100 of them."""
    x = np.floor((lng - CENTRE[0]) / 2e-3).astype(np.int64)
    y = np.floor((lat - CENTRE[1] + 0.05) / 2e-3).astype(np.int64)
    return (x + 50) * 100 + y


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_symmetric_town_has_symmetric_answers(seed: int) -> None:
    network, counterpart = symmetric_town(seed)
    rng = np.random.default_rng(seed)
    east = [at_m(*p) for p in rng.uniform((80, -450), (740, 450), (5, 2))]
    x, y = np.array([*east, *(mirrored(p) for p in east)]).T
    places = snap(network, build_grid(network), network.everywhere.usable, x, y, 300.0)
    assert (places.edge >= 0).all() and places.leg_mm[:5] == pytest.approx(places.leg_mm[5:], abs=1)
    field = Searcher.of(network, step_free=False).field_of(places, MAX_LIMIT_MM)
    at = {int(i): k for k, i in enumerate(network.node_id)}
    twin = np.array([at[counterpart[int(i)]] for i in network.node_id])
    # a length that ends in half a millimetre may be rounded up here and down there
    assert np.abs(field.length_mm.astype(np.int64) - field.length_mm[twin]).max() <= 20
    reached = field.length_mm < UNREACHED
    assert reached.mean() > 0.5 and (np.diff(field.length_mm[reached]) != 0).any()
    pieces = cut(network, whole_edges(network, frontage_edges(network)), squares)
    frontage = by_the_metre(pieces)
    zone_of = {zone: k for k, zone in enumerate(frontage.cells.tolist())}
    other = [zone_of[(99 - zone // 100) * 100 + zone % 100] for zone in frontage.cells.tolist()]
    for limit in LIMITS:
        covered = covered_at(network, frontage, places, limit)
        # every street that crosses a border is cut to a centimetre
        assert covered == pytest.approx(covered[other], abs=0.5)
    assert covered_at(network, frontage, places, 150_000).sum() > 500


# --- the same streets, written another way


def spots(count: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Positions anywhere in the town."""
    rng = np.random.default_rng(seed)
    x, y = np.array([at_m(*p) for p in rng.uniform(-900, 900, (count, 2))]).T
    return x, y


def with_nodes_put_in(rows: StreetRows, rng: np.random.Generator) -> StreetRows:
    """Every third street with a bend is cut there into two, with a new node."""
    network = build_network(rows, 0.0)
    nodes = {int(i): (x, y) for i, x, y in zip(rows.node_id, rows.node_lng, rows.node_lat, strict=True)}
    lines = []
    for e in range(network.edge_count):
        part = range(int(network.geom_ptr[e]), int(network.geom_ptr[e + 1]))
        points = [(float(network.geom_lng[p]), float(network.geom_lat[p])) for p in part]
        mm = [int(network.geom_mm[p]) for p in part]
        flags = int(network.edge_flags[e])
        ends = [int(network.node_id[n[e]]) for n in (network.edge_u, network.edge_v)]
        line = Line(
            *ends, tuple(points[1:-1]), mm[-1] / 1e3, steps=bool(flags & STEPS), frontage=bool(flags & FRONTAGE),
            id=int(network.edge_id[e]),
        )  # fmt: skip
        bends = [k for k in range(1, len(points) - 1) if mm[0] < mm[k] < mm[-1]]
        if not bends or rng.random() < 0.3:
            lines.append(line)
            continue
        k, node = bends[0], 2 * 10**12 + e
        nodes[node] = points[k]
        first = replace(line, target=node, via=tuple(points[1:k]), length_m=mm[k] / 1e3)
        rest = replace(line, source=node, via=tuple(points[k + 1 : -1]), length_m=(mm[-1] - mm[k]) / 1e3)
        lines += [first, replace(rest, id=3 * 10**12 + e)]
    return rows_of(nodes, lines)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_nodes_put_into_streets_change_no_coverage(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 60, 85)
    more = with_nodes_put_in(rows, rng)
    assert len(more.edge_id) > 1.25 * len(rows.edge_id)
    answers = []
    for network in (build_network(rows, 300.0), build_network(more, 300.0)):
        frontage = frontage_of(network, seed, halves())
        places = snap(network, build_grid(network), network.everywhere.usable, *spots(6, seed), 400.0)
        cells = [covered_at(network, frontage, places, limit) for limit in LIMITS]
        answers.append((np.array(cells), by_area_at(network, frontage, places, 2), frontage))
    (cells, areas, frontage), (other_cells, other_areas, other) = answers
    people = frontage.cell_people.sum()
    assert np.array_equal(frontage.cell_off_network, other.cell_off_network)
    # streets are probed from their ends: a border is met a centimetre away, a corner found or missed
    assert np.abs(areas - other_areas).max() <= 2e-4 * people
    assert np.abs(cells - other_cells).sum(axis=1).max() <= 1e-3 * people
    assert cells[2].sum() > 0.01 * people


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_cut_piece_is_covered_as_the_whole(seed: int) -> None:
    """The same with the pieces cut where the new nodes are: then nothing is left to differ."""
    rng = np.random.default_rng(seed)
    nodes, lines = grid_parts(6, 5, 97.0, (0.0, 0.0))
    whole = network_of(nodes, [replace(line, id=k) for k, line in enumerate(lines)])
    cuts = {k: int(rng.integers(1, mm)) for k, mm in zip(whole.edge_id.tolist(), whole.edge_mm.tolist(), strict=True)}
    halves_of = []
    for k, line in enumerate(lines):
        number = int(np.flatnonzero(whole.edge_id == k)[0])
        total = int(whole.edge_mm[number])
        middle = tuple(float(v[0]) for v in along_edge(whole, number, np.array([float(cuts[k])])))
        nodes[500 + k] = middle  # type: ignore[assignment]
        halves_of += [
            Line(line.source, 500 + k, length_m=cuts[k] / 1e3, id=2 * k),
            Line(500 + k, line.target, length_m=(total - cuts[k]) / 1e3, id=2 * k + 1),
        ]
    split = network_of(nodes, halves_of)
    number = {int(i): e for e, i in enumerate(split.edge_id)}

    def in_split(edge: int, mm: int) -> tuple[int, int]:
        k = int(whole.edge_id[edge])
        return (number[2 * k], mm) if mm <= cuts[k] else (number[2 * k + 1], mm - cuts[k])

    places = random_places(rng, whole, 5)
    moved = [in_split(int(e), int(o)) for e, o in zip(places.edge, places.offset_mm, strict=True)]
    zone = np.arange(whole.edge_count) % 7
    at = np.zeros(whole.edge_count, dtype=np.int32)
    one = by_the_metre(Pieces(np.arange(whole.edge_count, dtype=np.int32), at, whole.edge_mm, zone))
    kind = np.array([zone[np.flatnonzero(whole.edge_id == i // 2)[0]] for i in split.edge_id.tolist()])
    at = np.zeros(split.edge_count, dtype=np.int32)
    two = by_the_metre(Pieces(np.arange(split.edge_count, dtype=np.int32), at, split.edge_mm, kind))
    there = places_on(split, [m[0] for m in moved], [m[1] for m in moved], places.leg_mm)
    for limit in LIMITS[:-2]:
        found = covered_at(split, two, there, limit)
        assert found == pytest.approx(covered_at(whole, one, places, limit), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_numbers_and_another_order_change_no_coverage(seed: int, turned: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 60, 85)
    fresh = dict(zip(rows.node_id.tolist(), (rng.permutation(len(rows.node_id)) * 7 + 3).tolist(), strict=True))
    other = replace(
        rows,
        node_id=np.array([fresh[i] for i in rows.node_id.tolist()]),
        source=np.array([fresh[i] for i in (rows.target if turned else rows.source).tolist()]),
        target=np.array([fresh[i] for i in (rows.source if turned else rows.target).tolist()]),
        edge_id=rng.permutation(len(rows.edge_id)) + 11,
    )
    if turned:
        back = np.concatenate([np.arange(a, b)[::-1] for a, b in zip(rows.geom_ptr, rows.geom_ptr[1:], strict=False)])
        other = replace(other, geom_lng=rows.geom_lng[back], geom_lat=rows.geom_lat[back])
    answers = []
    for written in (rows, shuffled(other, rng)):
        network = build_network(written, 300.0)
        frontage = frontage_of(network, seed, halves())
        places = snap(network, build_grid(network), network.everywhere.usable, *spots(6, seed), 400.0)
        cells = [covered_at(network, frontage, places, limit) for limit in LIMITS]
        answers.append((np.array(cells), by_area_at(network, frontage, places, 2), frontage.cell_people.sum()))
    (cells, areas, people), (other_cells, other_areas, _) = answers
    if turned:  # an offset is rounded from the other end, a border met from the other side
        assert np.abs(areas - other_areas).max() <= 2e-4 * people
        assert np.abs(cells - other_cells).sum(axis=1).max() <= 1e-3 * people
    else:
        assert areas == pytest.approx(other_areas, rel=1e-9, abs=1e-9)
        assert cells == pytest.approx(other_cells, rel=1e-9, abs=1e-9)
    assert cells[2].sum() > 0.01 * people
