"""Administrative areas: city, district (区), town (镇街)."""

from __future__ import annotations

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import Double, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Area(Base):
    """One area with its outline. ``code`` is text: 4401, 440106 (GB/T 2260), 440106011, or any other city's own."""

    __tablename__ = "areas"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    level: Mapped[str] = mapped_column(Text, index=True)  # AreaLevel
    name: Mapped[str] = mapped_column(Text)
    parent_code: Mapped[str | None] = mapped_column(
        ForeignKey("areas.code", deferrable=True, initially="DEFERRED"), index=True
    )
    boundary_kind: Mapped[str] = mapped_column(Text)  # BoundaryKind
    area_km2: Mapped[float] = mapped_column(Double)
    label_lng: Mapped[float] = mapped_column(Double)  # a point inside, for labels
    label_lat: Mapped[float] = mapped_column(Double)
    geom: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=True))
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), index=True)
