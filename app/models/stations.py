"""Stations (站点)."""

from __future__ import annotations

from datetime import date, datetime

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import BigInteger, Date, DateTime, Double, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Station(Base):
    """One 羊城技能加油站. Geometry is WGS84; the coordinates as given are kept beside it, with their system."""

    __tablename__ = "stations"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text, index=True)  # StationType
    host_kind: Mapped[str] = mapped_column(Text)  # HostKind
    status: Mapped[str] = mapped_column(Text, index=True)  # StationStatus
    address: Mapped[str | None] = mapped_column(Text)
    selected_on: Mapped[date | None] = mapped_column(Date)
    plaque_hung_on: Mapped[date | None] = mapped_column(Date)
    opened_on: Mapped[date | None] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date)
    district_code: Mapped[str | None] = mapped_column(
        Text, index=True
    )  # by geometry; no key: boundaries may be re-imported
    town_code: Mapped[str | None] = mapped_column(Text, index=True)
    source_crs: Mapped[str] = mapped_column(Text)
    source_lng: Mapped[float] = mapped_column(Double)
    source_lat: Mapped[float] = mapped_column(Double)
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=True))
    h3_r7: Mapped[int] = mapped_column(BigInteger, index=True)
    h3_r8: Mapped[int] = mapped_column(BigInteger, index=True)
    h3_r9: Mapped[int] = mapped_column(BigInteger, index=True)
    h3_r10: Mapped[int] = mapped_column(BigInteger, index=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), index=True)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
