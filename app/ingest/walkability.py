"""Which OSM ways are walked on, and what is flagged: the rules as tables (docs/method.md states them for readers).

Sources, all on the OpenStreetMap wiki: Key:access (a more specific key wins: ``foot`` over ``access``), Key:foot,
Key:highway, Key:sidewalk, Key:barrier, Key:oneway ("pedestrians are not affected"), Tag:foot=use_sidepath (negative),
and OSM tags for routing/Access restrictions, table "default" for foot, with two departures that fit Chinese cities:
cycleways and bridleways are walked on unless foot says otherwise, and trunk roads only with a sidewalk or foot=yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RULES_VERSION = 1  # raise it when a rule changes: the same file is then another network

Tags = Mapping[str, str]

ALLOWED = frozenset(
    {"yes", "designated", "permissive", "official", "destination", "customers", "public", "discouraged", "visitors"}
)
FORBIDDEN = frozenset(
    {"no", "private", "use_sidepath", "military", "agricultural", "forestry", "emergency", "delivery", "employees",
     "permit", "residents", "service", "psv", "bus"}
)  # fmt: skip
OPEN_HIGHWAYS = frozenset(
    {"primary", "primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link", "unclassified",
     "residential", "living_street", "service", "road", "track", "pedestrian", "footway", "path", "steps", "cycleway",
     "bridleway", "corridor", "elevator", "platform", "crossing"}
)  # fmt: skip
FAST_HIGHWAYS = frozenset({"motorway", "motorway_link", "trunk", "trunk_link"})  # only with a sidewalk or foot=yes
# never, whatever else is tagged: they do not exist (any more, or yet), or are no ways
NO_HIGHWAYS = frozenset(
    {"construction", "proposed", "planned", "abandoned", "disused", "razed", "demolished", "removed", "no",
     "rest_area", "services", "ladder", "via_ferrata"}
)  # fmt: skip
SIDEWALKS = frozenset({"yes", "both", "left", "right"})  # ``separate`` is a way of its own
FERRIES = frozenset({"ferry", "shuttle_train"})
OTHER_WAYS = (("railway", "platform"), ("public_transport", "platform"), ("man_made", "pier"))
READ_KEYS = ("highway", "railway", "public_transport", "man_made")
NOT_TUNNELS = frozenset({"no", "building_passage", "culvert", "avalanche_protector"})  # at street level, lived along
NO_FRONTAGE_HIGHWAYS = FAST_HIGHWAYS | {"corridor", "elevator", "platform", "pier"}
CLOSED_BARRIERS = frozenset({"wall", "fence", "city_wall", "retaining_wall", "hedge", "guard_rail"})


@dataclass(frozen=True)
class Walk:
    """How a way is walked. ``one_way`` is reported only: the network is walked both ways."""

    highway: str
    has_steps: bool
    is_bridge: bool
    is_tunnel: bool
    has_frontage: bool
    one_way: bool


def walk_of(tags: Tags) -> Walk | None:
    """How a way with these tags is walked; None when nobody walks there."""
    highway = kind_of(tags)
    if highway is None or tags.get("route") in FERRIES or tags.get("construction") == "yes":
        return None
    if not _may_walk(highway, tags):
        return None
    forward, backward = (permission(tags.get(f"foot:{way}")) for way in ("forward", "backward"))
    if forward is False and backward is False:
        return None
    is_bridge = tags.get("bridge", "no") != "no"
    is_tunnel = tags.get("tunnel", "no") not in NOT_TUNNELS
    inside = tags.get("indoor", "no") != "no" or tags.get("location") == "underground"
    crossing = tags.get("footway") in ("crossing", "traffic_island") or highway == "crossing"
    return Walk(
        highway=highway,
        has_steps=highway == "steps" and "yes" not in (tags.get("ramp:wheelchair"), tags.get("wheelchair")),
        is_bridge=is_bridge,
        is_tunnel=is_tunnel,
        has_frontage=not (is_bridge or is_tunnel or inside or crossing or highway in NO_FRONTAGE_HIGHWAYS),
        one_way=tags.get("oneway:foot") in ("yes", "-1") or (forward is False) != (backward is False),
    )


def kind_of(tags: Tags) -> str | None:
    """The highway class of a way, or what it is instead (platform, pier); None when it is not a way."""
    highway = tags.get("highway")
    if highway is not None:
        return None if highway in NO_HIGHWAYS else highway
    for key, value in OTHER_WAYS:
        if tags.get(key) == value:
            return value
    return None


def permission(value: str | None) -> bool | None:
    """What an access value says: True, False, or None where there is none or it says nothing.

    Of several values, joined by semicolons, one that allows is enough.
    """
    values = {part.strip() for part in (value or "").split(";")}
    if values & ALLOWED:
        return True
    return False if values & FORBIDDEN else None


def is_closed(tags: Tags) -> bool:
    """Does a barrier on this node end the way for people on foot?"""
    barrier = tags.get("barrier")
    if barrier is None or barrier in ("no", "entrance"):
        return False
    allowed = permission(tags.get("foot"))
    if allowed is None:
        allowed = permission(tags.get("access"))
    if allowed is not None:
        return not allowed
    return barrier in CLOSED_BARRIERS and "entrance" not in tags and "door" not in tags


def _may_walk(highway: str, tags: Tags) -> bool:
    on_foot = permission(tags.get("foot"))
    if on_foot is not None:
        return on_foot
    sidewalk = any(
        tags.get(key) in SIDEWALKS for key in ("sidewalk", "sidewalk:left", "sidewalk:right", "sidewalk:both")
    )
    if highway in FAST_HIGHWAYS:
        return sidewalk and permission(tags.get("access")) is not False
    return highway in (*OPEN_HIGHWAYS, "pier") and permission(tags.get("access")) is not False
