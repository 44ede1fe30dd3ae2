from __future__ import annotations

import pytest

from app.ingest.walkability import Walk, is_closed, permission, walk_of


def walk(**tags: str) -> Walk | None:
    return walk_of({key.replace("__", ":"): value for key, value in tags.items()})


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "footway"},
        {"highway": "residential"},
        {"highway": "residential", "oneway": "yes"},
        {"highway": "service", "access": "destination"},
        {"highway": "service", "access": "customers"},
        {"highway": "service", "access": "private", "foot": "yes"},
        {"highway": "service", "access": "no", "foot": "permissive"},
        {"highway": "residential", "vehicle": "no"},
        {"highway": "residential", "access": "unknown"},
        {"highway": "cycleway"},
        {"highway": "motorway", "sidewalk": "both"},
        {"highway": "trunk", "foot": "yes"},
        {"highway": "trunk_link", "sidewalk:left": "yes"},
        {"highway": "busway", "foot": "designated"},
        {"highway": "path", "foot": "no;yes"},
        {"railway": "platform"},
        {"man_made": "pier"},
    ],
)
def test_walked(tags: dict[str, str]) -> None:
    assert walk_of(tags) is not None


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"name": "珠江"},
        {"highway": "motorway"},
        {"highway": "motorway_link"},
        {"highway": "trunk"},
        {"highway": "trunk", "sidewalk": "separate"},
        {"highway": "trunk", "sidewalk": "no"},
        {"highway": "motorway", "sidewalk": "both", "access": "no"},
        {"highway": "construction", "construction": "residential", "foot": "yes"},
        {"highway": "proposed", "foot": "yes"},
        {"highway": "residential", "construction": "yes"},
        {"highway": "service", "access": "private"},
        {"highway": "service", "access": "no"},
        {"highway": "residential", "foot": "no"},
        {"highway": "residential", "foot": "private"},
        {"highway": "residential", "foot": "use_sidepath"},
        {"highway": "busway"},
        {"highway": "raceway"},
        {"highway": "something_new"},
        {"route": "ferry", "foot": "yes"},
        {"highway": "path", "route": "ferry", "foot": "yes"},
        {"highway": "path", "foot:forward": "no", "foot:backward": "no"},
        {"railway": "rail", "foot": "yes"},
    ],
)
def test_not_walked(tags: dict[str, str]) -> None:
    assert walk_of(tags) is None


def test_steps_are_flagged_unless_a_wheelchair_gets_up() -> None:
    steps, escalator = walk(highway="steps"), walk(highway="steps", conveying="yes")
    ramp = walk(highway="steps", ramp__wheelchair="yes")
    assert steps and steps.has_steps
    assert escalator and escalator.has_steps
    assert ramp and not ramp.has_steps


@pytest.mark.parametrize(
    ("tags", "bridge", "tunnel", "frontage"),
    [
        ({"highway": "residential"}, False, False, True),
        ({"highway": "residential", "bridge": "yes"}, True, False, False),
        ({"highway": "residential", "bridge": "no"}, False, False, True),
        ({"highway": "footway", "tunnel": "yes"}, False, True, False),
        ({"highway": "footway", "tunnel": "building_passage"}, False, False, True),
        ({"highway": "footway", "covered": "yes"}, False, False, True),
        ({"highway": "trunk", "sidewalk": "both"}, False, False, False),
        ({"highway": "corridor"}, False, False, False),
        ({"highway": "footway", "indoor": "yes"}, False, False, False),
        ({"highway": "elevator"}, False, False, False),
        ({"highway": "platform"}, False, False, False),
        ({"highway": "footway", "footway": "crossing"}, False, False, False),
        ({"highway": "footway", "footway": "sidewalk"}, False, False, True),
        ({"highway": "steps"}, False, False, True),
    ],
)
def test_bridges_tunnels_and_where_people_live(
    tags: dict[str, str], bridge: bool, tunnel: bool, frontage: bool
) -> None:
    found = walk_of(tags)
    assert found is not None
    assert (found.is_bridge, found.is_tunnel, found.has_frontage) == (bridge, tunnel, frontage)


def test_one_way_on_foot_is_reported_and_ordinary_oneway_is_not() -> None:
    for tags in ({"oneway:foot": "yes"}, {"foot:backward": "no"}):
        found = walk_of({"highway": "footway", **tags})
        assert found is not None and found.one_way
    found = walk(highway="residential", oneway="yes")
    assert found is not None and not found.one_way


@pytest.mark.parametrize(
    ("tags", "closed"),
    [
        ({}, False),
        ({"barrier": "gate"}, False),
        ({"barrier": "bollard"}, False),
        ({"barrier": "gate", "access": "private"}, True),
        ({"barrier": "gate", "access": "no", "foot": "yes"}, False),
        ({"barrier": "lift_gate", "foot": "no"}, True),
        ({"barrier": "wall"}, True),
        ({"barrier": "fence", "entrance": "yes"}, False),
        ({"barrier": "wall", "foot": "yes"}, False),
        ({"barrier": "entrance"}, False),
        ({"access": "private"}, False),  # no barrier: says nothing about passing
    ],
)
def test_barriers(tags: dict[str, str], closed: bool) -> None:
    assert is_closed(tags) is closed


def test_permission_of_odd_values() -> None:
    assert permission(None) is None and permission("") is None and permission("maybe") is None
    assert permission("no; yes") is True and permission("private;no") is False
