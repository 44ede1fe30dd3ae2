"""The walking network: written and read as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.geo.network import StreetRows
from app.models import WalkEdge
from app.repositories.bulk import copy_in, copy_out

NODE_COLUMNS = ("id", "component", "geom", "dataset_id")
EDGE_COLUMNS = (
    "id", "source_id", "target_id", "length_m", "way_id", "highway", "name", "has_steps", "is_bridge", "is_tunnel",
    "has_frontage", "geom", "dataset_id",
)  # fmt: skip
BATCH = 50_000


def replace_network(session: Session, rows: StreetRows, component: np.ndarray, dataset_id: int) -> None:
    """Put this network in place of the one that is there. The spatial index is made anew afterwards, in one go."""
    session.execute(text("TRUNCATE walk_edges, walk_nodes"))
    session.execute(text("DROP INDEX IF EXISTS idx_walk_edges_geom"))
    copy_in(session, "walk_nodes", NODE_COLUMNS, _node_values(rows, component, dataset_id))
    copy_in(session, "walk_edges", EDGE_COLUMNS, _edge_values(rows, dataset_id))
    session.execute(text("CREATE INDEX idx_walk_edges_geom ON walk_edges USING gist (geom)"))
    session.execute(text("ANALYZE walk_edges"))


def _node_values(rows: StreetRows, component: np.ndarray, dataset_id: int) -> Iterator[tuple[object, ...]]:
    for start in range(0, len(rows.node_id), BATCH):
        part = slice(start, start + BATCH)
        points = shapely.set_srid(shapely.points(rows.node_lng[part], rows.node_lat[part]), 4326)
        geoms = shapely.to_wkb(points, hex=True, include_srid=True)
        for node, label, geom in zip(rows.node_id[part].tolist(), component[part].tolist(), geoms, strict=True):
            yield node, label, geom, dataset_id


def _edge_values(rows: StreetRows, dataset_id: int) -> Iterator[tuple[object, ...]]:
    for start in range(0, len(rows.edge_id), BATCH):
        stop = min(start + BATCH, len(rows.edge_id))
        part = slice(start, stop)
        first, last = rows.geom_ptr[start], rows.geom_ptr[stop]
        number = np.repeat(np.arange(stop - start), np.diff(rows.geom_ptr[start : stop + 1]))
        lines = shapely.linestrings(rows.geom_lng[first:last], rows.geom_lat[first:last], indices=number)
        geoms = shapely.to_wkb(shapely.set_srid(lines, 4326), hex=True, include_srid=True)
        way = [None if w < 0 else w for w in rows.way_id[part].tolist()]
        yield from zip(
            rows.edge_id[part].tolist(), rows.source[part].tolist(), rows.target[part].tolist(),
            rows.length_m[part].tolist(), way, rows.highway[part], rows.name[part], rows.has_steps[part].tolist(),
            rows.is_bridge[part].tolist(), rows.is_tunnel[part].tolist(), rows.has_frontage[part].tolist(), geoms,
            [dataset_id] * (stop - start), strict=True,
        )  # fmt: skip


def read_network(session: Session) -> StreetRows:
    """The whole network as rows, by id."""
    nodes = copy_out(
        session,
        "SELECT id, ST_X(geom), ST_Y(geom) FROM walk_nodes ORDER BY id",
        {"id": pa.int64(), "lng": pa.float64(), "lat": pa.float64()},
    )
    edges = copy_out(
        session,
        "SELECT id, source_id, target_id, length_m, way_id, highway, name, has_steps, is_bridge, is_tunnel, "
        "has_frontage, ST_AsBinary(geom) FROM walk_edges ORDER BY id",
        {
            "id": pa.int64(), "source": pa.int64(), "target": pa.int64(), "length_m": pa.float64(),
            "way": pa.int64(), "highway": pa.string(), "name": pa.string(), "steps": pa.bool_(), "bridge": pa.bool_(),
            "tunnel": pa.bool_(), "frontage": pa.bool_(), "geom": pa.string(),
        },
    )  # fmt: skip
    hex_texts = edges["geom"].to_numpy(zero_copy_only=False)
    lines = shapely.from_wkb(np.array([t[2:] for t in hex_texts], dtype=object))  # without bytea's leading \x
    points, number = shapely.get_coordinates(lines, return_index=True)
    ptr = np.searchsorted(number, np.arange(len(lines) + 1)).astype(np.int64)

    def column(name: str) -> np.ndarray:
        return np.asarray(edges[name].to_numpy(zero_copy_only=False))

    return StreetRows(
        node_id=np.asarray(nodes["id"].to_numpy()),
        node_lng=np.asarray(nodes["lng"].to_numpy()),
        node_lat=np.asarray(nodes["lat"].to_numpy()),
        edge_id=column("id"),
        source=column("source"),
        target=column("target"),
        length_m=column("length_m"),
        way_id=np.asarray(edges["way"].fill_null(-1).to_numpy()),
        highway=edges["highway"].to_pylist(),
        name=edges["name"].to_pylist(),
        has_steps=column("steps").astype(np.bool_),
        is_bridge=column("bridge").astype(np.bool_),
        is_tunnel=column("tunnel").astype(np.bool_),
        has_frontage=column("frontage").astype(np.bool_),
        geom_ptr=ptr,
        geom_lng=points[:, 0].copy(),
        geom_lat=points[:, 1].copy(),
    )


def has_network(session: Session) -> bool:
    return session.scalar(select(func.count()).select_from(select(WalkEdge.id).limit(1).subquery())) == 1
