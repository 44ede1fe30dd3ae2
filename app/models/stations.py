"""Stations (站点): what is so now, and everything that was ever known of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

NO_TEXTS = text("'{}'::text[]")


class StationColumns:
    """What is recorded of a station, the same for now and for then. Geometry is WGS84; the coordinates as given are
    kept beside it, with their system."""

    name: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)  # StationType
    host_kind: Mapped[str] = mapped_column(Text)  # HostKind
    status: Mapped[str] = mapped_column(Text)  # StationStatus
    address: Mapped[str | None] = mapped_column(Text)
    batch: Mapped[int | None] = mapped_column(Integer)  # 批次 1 to 3
    selected_on: Mapped[date | None] = mapped_column(Date)
    plaque_hung_on: Mapped[date | None] = mapped_column(Date)
    opened_on: Mapped[date | None] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date)
    # organisations by name, as in the table organisations
    host_organisation: Mapped[str | None] = mapped_column(Text)
    operator_organisation: Mapped[str | None] = mapped_column(Text)
    contractor_organisations: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=NO_TEXTS)
    partner_organisations: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=NO_TEXTS)
    operating_mode: Mapped[str | None] = mapped_column(Text)  # OperatingMode
    training_mode: Mapped[str | None] = mapped_column(Text)  # TrainingMode
    target_groups: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=NO_TEXTS)  # TargetGroup
    opening_hours: Mapped[str | None] = mapped_column(Text)  # syntax of OpenStreetMap's opening_hours
    hour_exceptions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    phone: Mapped[str | None] = mapped_column(Text)
    complaint_channel: Mapped[str | None] = mapped_column(Text)  # 投诉方式
    published_rules: Mapped[str | None] = mapped_column(Text)  # 规章制度
    published_workflow: Mapped[str | None] = mapped_column(Text)  # 工作流程
    published_norms: Mapped[str | None] = mapped_column(Text)  # 服务规范
    published_services: Mapped[str | None] = mapped_column(Text)  # 服务内容
    # the three standards (三规范); null where nobody has looked yet
    signage_met: Mapped[bool | None] = mapped_column(Boolean)
    signage_evidence: Mapped[str | None] = mapped_column(Text)
    service_met: Mapped[bool | None] = mapped_column(Boolean)
    service_evidence: Mapped[str | None] = mapped_column(Text)
    training_met: Mapped[bool | None] = mapped_column(Boolean)
    training_evidence: Mapped[str | None] = mapped_column(Text)
    staff_count: Mapped[int | None] = mapped_column(Integer)
    staff_trained_count: Mapped[int | None] = mapped_column(Integer)  # before they started (岗前培训)
    seats: Mapped[int | None] = mapped_column(Integer)
    accessible_entrance: Mapped[bool | None] = mapped_column(Boolean)
    notes: Mapped[str | None] = mapped_column(Text)
    district_code: Mapped[str | None] = mapped_column(Text)  # by geometry; no key: boundaries may be re-imported
    town_code: Mapped[str | None] = mapped_column(Text)
    source_crs: Mapped[str] = mapped_column(Text)
    source_lng: Mapped[float] = mapped_column(Double)
    source_lat: Mapped[float] = mapped_column(Double)
    h3_r7: Mapped[int] = mapped_column(BigInteger)
    h3_r8: Mapped[int] = mapped_column(BigInteger)
    h3_r9: Mapped[int] = mapped_column(BigInteger)
    h3_r10: Mapped[int] = mapped_column(BigInteger)
    # the day from which on it is as this row says; null: as far back as its own dates go
    valid_from: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))  # raised by a trigger
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Station(StationColumns, Base):
    """One 羊城技能加油站 as it is now. Triggers keep every change in ``station_versions``."""

    __tablename__ = "stations"
    __table_args__ = (
        CheckConstraint("batch BETWEEN 1 AND 3", name="batch"),
        CheckConstraint("seats >= 0 AND staff_count >= 0 AND staff_trained_count >= 0", name="counts"),
        CheckConstraint("staff_trained_count <= staff_count", name="staff_trained"),
        *(Index(None, name) for name in ("type", "status", "district_code", "town_code")),
        *(Index(None, name) for name in ("h3_r7", "h3_r8", "h3_r9", "h3_r10")),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=True))
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), index=True)


class StationVersion(StationColumns, Base):
    """What was so from ``valid_from`` until ``valid_to`` (null: no end), as was known from ``known_from`` until
    ``known_to`` (null: still). Written by a trigger alone: rows are added and closed, never changed."""

    __tablename__ = "station_versions"
    __table_args__ = (
        Index("ix_station_versions_code", "code", "known_from"),
        Index("ix_station_versions_known", "code", postgresql_where=text("known_to IS NULL")),
        CheckConstraint("known_to > known_from", name="known"),
        CheckConstraint("valid_to > valid_from", name="valid"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    dataset_id: Mapped[int] = mapped_column(Integer)
    valid_to: Mapped[date | None] = mapped_column(Date)
    known_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    known_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Organisation(Base):
    """A host, operator, contractor (承训方) or partner of stations, which name it by its name."""

    __tablename__ = "organisations"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text, server_default="other")  # OrganisationKind
    credit_code: Mapped[str | None] = mapped_column(Text, unique=True)  # 统一社会信用代码
    contact: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Pairing(Base):
    """结对: a station and a training body that work together, by an agreement. Ended ones are kept."""

    __tablename__ = "pairings"
    __table_args__ = (CheckConstraint("ends_on >= signed_on", name="dates"),)

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    mode: Mapped[str] = mapped_column(Text)  # PairingMode
    agreement: Mapped[str | None] = mapped_column(Text)  # number or title
    projects: Mapped[str | None] = mapped_column(Text)  # 培训项目
    signed_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
