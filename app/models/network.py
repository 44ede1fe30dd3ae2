"""The walking network as rows. Written by COPY as a whole, never edited row by row."""

from __future__ import annotations

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import BigInteger, Boolean, Double, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class WalkNode(Base):
    """A junction or an end of a street. ``component`` labels the connected part it belongs to (0 = the longest)."""

    __tablename__ = "walk_nodes"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    component: Mapped[int] = mapped_column(Integer)
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    dataset_id: Mapped[int] = mapped_column(Integer)


class WalkEdge(Base):
    """A street between two nodes, walked both ways.

    Neither table carries foreign keys: they would be millions of checks per load, for tables that one COPY in one
    transaction writes; the loader checks the references as arrays instead.
    """

    __tablename__ = "walk_edges"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source_id: Mapped[int] = mapped_column(BigInteger)
    target_id: Mapped[int] = mapped_column(BigInteger)
    length_m: Mapped[float] = mapped_column(Double)  # geodesic, WGS84
    way_id: Mapped[int | None] = mapped_column(BigInteger)  # OSM way
    highway: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    has_steps: Mapped[bool] = mapped_column(Boolean)
    is_bridge: Mapped[bool] = mapped_column(Boolean)
    is_tunnel: Mapped[bool] = mapped_column(Boolean)
    has_frontage: Mapped[bool] = mapped_column(Boolean)  # may people live along it?
    geom: Mapped[WKBElement] = mapped_column(Geometry("LINESTRING", srid=4326, spatial_index=True))
    dataset_id: Mapped[int] = mapped_column(Integer)
