"""Writes small OSM files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Relation, Way

Tags = Mapping[str, str]


def write_pbf(
    path: Path,
    nodes: Mapping[int, tuple[float, float]],
    ways: Sequence[tuple[int, Sequence[int], Tags]],
    *,
    node_tags: Mapping[int, Tags] | None = None,
    relations: Sequence[tuple[int, Sequence[tuple[str, int, str]], Tags]] = (),
) -> Path:
    """An OSM file in the format of its name's ending."""
    with osmium.SimpleWriter(str(path)) as writer:
        for node, (lng, lat) in sorted(nodes.items()):
            writer.add_node(Node(id=node, location=(lng, lat), tags=dict((node_tags or {}).get(node, {})), version=1))
        for way, refs, tags in ways:
            writer.add_way(Way(id=way, nodes=list(refs), tags=dict(tags), version=1))
        for relation, members, tags in relations:
            writer.add_relation(Relation(id=relation, members=list(members), tags=dict(tags), version=1))
    return path


def grid(columns: int, rows: int = 1, step: float = 0.001) -> dict[int, tuple[float, float]]:
    """Nodes 1, 2, … row by row, from 113.3 E 23.1 N on."""
    return {
        row * columns + column + 1: (113.3 + column * step, 23.1 + row * step)
        for row in range(rows)
        for column in range(columns)
    }
