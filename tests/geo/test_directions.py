"""Steps of a way: what a person standing there would say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.directions import (
    Compass,
    Side,
    Step,
    StepKind,
    Turn,
    angle_between,
    bearings,
    compass_of,
    directions,
    turn_of,
)
from app.geo.network import WalkNetwork, build_network
from app.geo.routes import route_line, search_route
from app.geo.search import Searcher
from app.geo.snapping import build_grid, snap
from tests.support.streets import GEOD, Line, Point, at_m, network_of, random_rows


def steps_between(network: WalkNetwork, start: Point, goal: Point) -> tuple[list[Step], int, int]:
    """The steps between two positions, the length of the way, the number of points of its line."""
    lng, lat = zip(start, goal, strict=True)
    places = snap(network, build_grid(network), network.everywhere.usable, lng, lat, 500.0)
    first, last = places.take(np.array([0])), places.take(np.array([1]))
    route = search_route(network, Searcher.of(network, step_free=False), first, last, 1_000_000)
    assert route is not None
    line = route_line(network, route, (first, *start), (last, *goal))
    return directions(network, route, line), route.mm, len(line.lng)


# Market Street runs east and bends north at a corner without a choice; Hill Lane leaves it to the north, over stairs
NODES = {
    0: at_m(0, 0), 1: at_m(200, 0), 2: at_m(400, 0), 3: at_m(400, 200), 4: at_m(200, 150), 5: at_m(200, 300),
    6: at_m(60, 300), 7: at_m(200, -100),
}  # fmt: skip
LINES = [
    Line(0, 1, name="Market Street"), Line(1, 2, name="Market Street"), Line(2, 3, name="Market Street"),
    Line(1, 4, name="Hill Lane", steps=True), Line(4, 5, name="Hill Lane", bridge=True), Line(5, 6, tunnel=True),
    Line(1, 7),
]  # fmt: skip


def test_street_by_street() -> None:
    network = network_of(NODES, LINES)
    steps, mm, points = steps_between(network, at_m(20, -12), at_m(100, 310))
    depart, market, hill, alley, arrive = steps
    assert (depart.kind, depart.name, depart.direction, depart.turn) == (
        StepKind.DEPART, "Market Street", Compass.NORTH, None
    )  # fmt: skip
    assert depart.mm == pytest.approx(12_000, abs=50)
    assert (market.kind, market.name, market.direction, market.turn) == (
        StepKind.WALK, "Market Street", Compass.EAST, None
    )  # fmt: skip
    assert market.mm == pytest.approx(180_000, rel=0.01) and market.flags & 7 == 0
    assert (hill.name, hill.direction, hill.turn) == ("Hill Lane", Compass.NORTH, Turn.LEFT)
    assert hill.has_steps and hill.is_bridge and not hill.is_tunnel
    assert hill.mm == pytest.approx(300_000, rel=0.01)
    assert (alley.name, alley.direction, alley.turn) == (None, Compass.WEST, Turn.LEFT)
    assert alley.is_tunnel and not alley.has_steps and not alley.is_bridge
    assert (arrive.kind, arrive.side, arrive.direction, arrive.name) == (
        StepKind.ARRIVE, Side.RIGHT, Compass.NORTH, None
    )  # fmt: skip
    assert sum(step.mm for step in steps) == mm
    assert steps[0].first_point == 0 and arrive.last_point == points - 1


def test_the_way_back_turns_the_other_way() -> None:
    network = network_of(NODES, LINES)
    steps, _, _ = steps_between(network, at_m(100, 310), at_m(20, -12))
    assert [step.turn for step in steps] == [None, None, Turn.RIGHT, Turn.RIGHT, None]
    assert [step.direction for step in steps][1:] == [Compass.EAST, Compass.SOUTH, Compass.WEST, Compass.SOUTH]
    assert steps[-1].side is Side.LEFT


def test_a_bend_without_a_choice_is_no_step_and_a_turn_with_one_is() -> None:
    network = network_of(NODES, LINES)
    round_the_corner, _, _ = steps_between(network, at_m(210, 5), at_m(405, 190))
    assert [step.name for step in round_the_corner] == ["Market Street", "Market Street", None]
    with_a_choice = network_of({**NODES, 8: at_m(500, 0)}, [*LINES, Line(2, 8, name="Other")])
    turned, _, _ = steps_between(with_a_choice, at_m(210, 5), at_m(405, 190))
    assert [(step.name, step.turn) for step in turned[1:3]] == [("Market Street", None), ("Market Street", Turn.LEFT)]
    straight_on, _, _ = steps_between(network, at_m(20, 5), at_m(390, 5))
    assert [step.kind for step in straight_on] == [StepKind.DEPART, StepKind.WALK, StepKind.ARRIVE]


@pytest.mark.parametrize(("name", "count"), [("Curve", 1), (None, 2)])
def test_a_fork_is_told_where_no_name_leads_on(name: str | None, count: int) -> None:
    """40° to the left at a fork: the same street by its name, a choice to be made where there is none."""
    nodes = {0: at_m(0, 0), 1: at_m(0, 100), 2: at_m(-64, 176), 3: at_m(64, 176)}
    network = network_of(nodes, [Line(0, 1, name=name), Line(1, 2, name=name), Line(1, 3, name=name)])
    steps, _, _ = steps_between(network, nodes[0], nodes[2])
    walks = [step for step in steps if step.kind is StepKind.WALK]
    assert len(walks) == count and walks[-1].turn is (None if count == 1 else Turn.SLIGHT_LEFT)


def test_a_kerb_does_not_decide_the_direction() -> None:
    """The first two metres go west, the street goes north."""
    nodes = {0: at_m(0, 0), 1: at_m(-2, 300)}
    network = network_of(nodes, [Line(0, 1, (at_m(-2, 0),))])
    steps, _, _ = steps_between(network, nodes[0], nodes[1])
    assert steps[0].direction is Compass.NORTH


def test_a_hair_beside_the_street_is_no_step() -> None:
    network = network_of({0: at_m(0, 0), 1: at_m(300, 0)}, [Line(0, 1)])
    steps, mm, points = steps_between(network, at_m(10, 0.5), at_m(200, -1))
    assert [step.kind for step in steps] == [StepKind.WALK, StepKind.ARRIVE] and sum(step.mm for step in steps) == mm
    assert (steps[0].first_point, steps[-1].last_point) == (0, points - 1)
    assert steps[-1].side is None, "a metre beside the middle of the street is no side of it"


def test_beyond_the_end_of_a_street_lies_ahead() -> None:
    network = network_of({0: at_m(0, 0), 1: at_m(300, 0)}, [Line(0, 1)])
    steps, _, _ = steps_between(network, at_m(100, 0), at_m(340, 0))
    assert steps[-1].side is Side.AHEAD and steps[-1].direction is Compass.EAST
    assert steps[-1].mm == pytest.approx(40_000, rel=0.01)


def test_from_beside_the_goal_itself() -> None:
    """Both are attached to the same place: no street is walked, and no side can be told."""
    network = network_of({0: at_m(0, 0), 1: at_m(300, 0)}, [Line(0, 1)])
    for start, kinds in ((at_m(310, 0), [StepKind.DEPART, StepKind.ARRIVE]), (at_m(300, 0), [StepKind.ARRIVE])):
        steps, mm, points = steps_between(network, start, at_m(340, 0))
        assert [step.kind for step in steps] == kinds and sum(step.mm for step in steps) == mm
        assert (steps[0].first_point, steps[-1].last_point) == (0, points - 1)
        assert steps[0].name is None and steps[-1].side is None


@pytest.mark.parametrize("seed", range(8))
def test_steps_are_the_whole_way_and_follow_each_other(seed: int) -> None:
    network = build_network(random_rows(np.random.default_rng(seed), 150, 320), 2_000.0)
    rng = np.random.default_rng(seed)
    main = np.flatnonzero(network.everywhere.component == 0)
    told = 0
    for _ in range(10):
        ends = [(network.node_lng[n] + 1e-4, network.node_lat[n] + 1e-4) for n in rng.choice(main, 2)]
        places = snap(network, build_grid(network), network.everywhere.usable, *zip(*ends, strict=True), 500.0)
        if len({int(c) for c in network.everywhere.component[network.edge_u[places.edge]]}) > 1:
            continue
        steps, mm, points = steps_between(network, *ends)
        assert sum(step.mm for step in steps) == mm
        assert steps[0].first_point == 0 and steps[-1].last_point == points - 1
        assert [s.last_point for s in steps[:-1]] == [s.first_point for s in steps[1:]]
        assert [s.kind for s in steps[1:-1]] == [StepKind.WALK] * (len(steps) - 2)
        walks = [s for s in steps if s.kind is StepKind.WALK]
        assert all((s.turn is None) == (k == 0) for k, s in enumerate(walks))
        told += len(steps)
    assert told > 30


@given(st.floats(113, 114), st.floats(-60, 60), st.floats(-1e-3, 1e-3), st.floats(-1e-3, 1e-3))
@settings(max_examples=100, deadline=None)
def test_bearings_are_geodesic(lng: float, lat: float, east: float, north: float) -> None:
    one, other = np.array([[lng], [lat]]), np.array([[lng + east], [lat + north]])
    (found,) = bearings(*one, *other)
    azimuth, _, metres = GEOD.inv(lng, lat, lng + east, lat + north)
    if metres > 0.01:
        assert abs(angle_between(np.array(azimuth), np.array(found))) < 0.1
    elif metres < 0.0005:
        assert np.isnan(found)


@given(st.floats(0, 360), st.floats(-179.9, 179.9))
def test_turns_are_mirrored(bearing: float, angle: float) -> None:
    assert float(angle_between(np.array(bearing), np.array((bearing + angle) % 360))) == pytest.approx(angle, abs=1e-9)
    there, mirrored = turn_of(angle), turn_of(-angle)
    assert mirrored == there.replace("right", "#").replace("left", "right").replace("#", "left")


def test_angles_by_name() -> None:
    named = {
        0: Turn.STRAIGHT, 20: Turn.STRAIGHT, 21: Turn.SLIGHT_RIGHT, 60: Turn.SLIGHT_RIGHT, 61: Turn.RIGHT,
        -90: Turn.LEFT, 120: Turn.RIGHT, 121: Turn.SHARP_RIGHT, -165: Turn.SHARP_LEFT, 166: Turn.U_TURN,
        -180: Turn.U_TURN, float("nan"): Turn.STRAIGHT,
    }  # fmt: skip
    assert {angle: turn_of(angle) for angle in named} == named
    assert [compass_of(degrees) for degrees in (0, 22, 23, 90, 202, 338, 359, 360)] == [
        Compass.NORTH, Compass.NORTH, Compass.NORTH_EAST, Compass.EAST, Compass.SOUTH, Compass.NORTH, Compass.NORTH,
        Compass.NORTH,
    ]  # fmt: skip
    assert compass_of(float("nan")) is None
