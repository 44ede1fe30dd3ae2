"""From the drawing board to rows: WGS84 coordinates, geodesic lengths, texts."""

from __future__ import annotations

import numpy as np

from app.demo import facts
from app.demo.draft import NO_NAME, Draft, Street
from app.demo.lattice import EAST, OFFSET
from app.demo.links import BRIDGE_NAMES_FROM
from app.demo.plane import IntArray, to_lnglat
from app.demo.roads import ROAD_NAMES_FROM
from app.demo.streets import line_points
from app.geo.geodesy import line_lengths_m
from app.geo.network import StreetRows


def street_names(numbers: IntArray) -> dict[int, str]:
    """A text for every name number in use; every one says 示范 or 示意, so that none can be taken for a real street."""
    texts: dict[int, str] = {}
    counts = {"示范东路": 0, "示范北路": 0, "示范公路": 0, "示范桥": 0}
    bridges = facts.bridges()
    for number in np.unique(numbers[numbers != NO_NAME]).tolist():
        if number >= BRIDGE_NAMES_FROM:
            named = number - BRIDGE_NAMES_FROM
            if named < len(bridges):
                texts[number] = f"{bridges[named].name}(示意)"
                continue
            kind = "示范桥"
        elif number >= ROAD_NAMES_FROM:
            kind = "示范公路"
        else:
            kind = "示范东路" if (number // (2 * OFFSET)) % 2 == EAST else "示范北路"
        counts[kind] += 1
        texts[number] = f"{kind}{counts[kind]}"
    return texts


def street_rows(draft: Draft) -> StreetRows:
    """The network as rows: ids count from 1, lengths are geodesic, lines run from source to target in WGS84."""
    ptr, x, y = line_points(draft)
    lng, lat = to_lnglat(x, y)
    node_lng, node_lat = to_lnglat(draft.x, draft.y)
    texts = street_names(draft.name)
    kinds = np.array([s.name.lower() for s in Street], dtype=object)
    return StreetRows(
        node_id=np.arange(1, len(draft.x) + 1, dtype=np.int64),
        node_lng=node_lng,
        node_lat=node_lat,
        edge_id=np.arange(1, len(draft.u) + 1, dtype=np.int64),
        source=draft.u + 1,
        target=draft.v + 1,
        length_m=line_lengths_m(ptr, lng, lat),
        way_id=np.full(len(draft.u), -1, dtype=np.int64),
        highway=kinds[draft.street].tolist(),
        name=[texts.get(number) for number in draft.name.tolist()],
        has_steps=draft.steps,
        is_bridge=draft.bridge,
        is_tunnel=draft.tunnel,
        has_frontage=draft.frontage,
        geom_ptr=ptr,
        geom_lng=lng,
        geom_lat=lat,
    )
