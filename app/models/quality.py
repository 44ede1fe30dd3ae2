"""Supervision (质量监管): inspections and findings, ratings, complaints, yearly appraisals, exemplars."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    func,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

NO_ITEMS = sql_text("'[]'::jsonb")
NO_VALUES = sql_text("'{}'::jsonb")


class Edited:
    """What rows that people edit have: ``version`` and ``updated_at`` are kept by a trigger."""

    version: Mapped[int] = mapped_column(Integer, server_default=sql_text("1"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.ledger_moment())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.ledger_moment())


class Inspection(Edited, Base):
    """检查: a visit against the three standards (三规范) and the three subjects (项目建设、运营管理、服务质量)."""

    __tablename__ = "inspections"
    __table_args__ = (
        CheckConstraint(
            "score_construction BETWEEN 0 AND 100 AND score_operation BETWEEN 0 AND 100 "
            "AND score_service_quality BETWEEN 0 AND 100",
            name="scores",
        ),
        Index("ix_inspections_station_code", "station_code", "inspected_on", "id"),
        Index("ix_inspections_inspected_on", "inspected_on", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    inspected_on: Mapped[date] = mapped_column(Date)
    inspector: Mapped[str] = mapped_column(Text)  # the name as it was on that day
    inspector_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    verdict_signage: Mapped[str] = mapped_column(Text, server_default="not_checked")  # Verdict
    verdict_service: Mapped[str] = mapped_column(Text, server_default="not_checked")
    verdict_training: Mapped[str] = mapped_column(Text, server_default="not_checked")
    score_construction: Mapped[int | None] = mapped_column(Integer)
    score_operation: Mapped[int | None] = mapped_column(Integer)
    score_service_quality: Mapped[int | None] = mapped_column(Integer)
    remarks: Mapped[str | None] = mapped_column(Text)
    evidence: Mapped[list[str]] = mapped_column(JSONB, server_default=NO_ITEMS)  # texts and links
    is_cancelled: Mapped[bool] = mapped_column(Boolean, server_default=sql_text("false"))  # entered by mistake
    synthetic: Mapped[bool] = mapped_column(Boolean, server_default=sql_text("false"))


class Finding(Edited, Base):
    """检查发现的问题: to be remedied by a day. About one standard or one subject."""

    __tablename__ = "findings"
    __table_args__ = (
        CheckConstraint("num_nonnulls(standard, subject) = 1", name="about"),
        CheckConstraint("(state = 'open') = (remedied_on IS NULL)", name="remedied"),
        CheckConstraint("(state = 'closed') = (closed_on IS NOT NULL)", name="closed"),
        CheckConstraint("closed_on >= remedied_on", name="dates"),
        Index("ix_findings_station_code", "station_code", "due_on", "id"),
        Index("ix_findings_due_on", "due_on", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspections.id"), index=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    standard: Mapped[str | None] = mapped_column(Text)  # Standard
    subject: Mapped[str | None] = mapped_column(Text)  # InspectionSubject
    severity: Mapped[str] = mapped_column(Text)  # FindingSeverity
    text: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text, server_default="open")  # FindingState
    remedied_on: Mapped[date | None] = mapped_column(Date)
    remedy_text: Mapped[str | None] = mapped_column(Text)
    closed_on: Mapped[date | None] = mapped_column(Date)
    closed_by: Mapped[str | None] = mapped_column(Text)


class VisitCodeBatch(Edited, Base):
    """Visit codes that were issued together, to be printed and handed out."""

    __tablename__ = "visit_code_batches"
    __table_args__ = (CheckConstraint("count > 0", name="count"),)

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"), index=True)
    count: Mapped[int] = mapped_column(Integer)
    issued_by: Mapped[str] = mapped_column(Text)
    expires_on: Mapped[date] = mapped_column(Date)  # the last day on which they are good
    is_revoked: Mapped[bool] = mapped_column(Boolean, server_default=sql_text("false"))


class VisitCode(Base):
    """Good for one rating. Only the hash is kept, and nothing says which rating it was used for."""

    __tablename__ = "visit_codes"

    code_sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("visit_code_batches.id"), index=True)
    is_used: Mapped[bool] = mapped_column(Boolean, server_default=sql_text("false"))


class Rating(Edited, Base):
    """评价: stars by a visitor. ``by_code``: of somebody who had a visit code."""

    __tablename__ = "ratings"
    __table_args__ = (
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        Index("ix_ratings_station_code", "station_code", "id"),
        Index("ix_ratings_pending", "id", postgresql_where=sql_text("state = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    stars: Mapped[int] = mapped_column(Integer)
    aspects: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=NO_VALUES)  # RatingAspect -> 1 to 5
    comment: Mapped[str | None] = mapped_column(Text)
    by_code: Mapped[bool] = mapped_column(Boolean)
    rated_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text)  # RatingState
    moderated_by: Mapped[str | None] = mapped_column(Text)
    moderation_reason: Mapped[str | None] = mapped_column(Text)
    synthetic: Mapped[bool] = mapped_column(Boolean, server_default=sql_text("false"))


class VisitorKey(Base):
    """The key by which addresses of one day are made unreadable; it goes with the day."""

    __tablename__ = "visitor_keys"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)


class VisitorCount(Base):
    """How often somebody unknown has rated or complained today. ``station_code`` is empty for all stations together."""

    __tablename__ = "visitor_counts"
    __table_args__ = (CheckConstraint("count > 0", name="count"),)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    mark: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # keyed HMAC of the address
    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    station_code: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class Complaint(Edited, Base):
    """投诉: with a number to follow it up. ``first_*`` stay as they were, so that promptness can be told later."""

    __tablename__ = "complaints"
    __table_args__ = (
        CheckConstraint("due_on >= received_on AND first_due_on >= received_on", name="dates"),
        Index("ix_complaints_station_code", "station_code", "received_on"),
        Index("ix_complaints_due_on", "due_on", "id"),
        Index(
            "ix_complaints_not_done", "due_on", "id", postgresql_where=sql_text("state IN ('received', 'in_progress')")
        ),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    subject: Mapped[str] = mapped_column(Text)  # ComplaintSubject
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="received")  # ComplaintState
    received_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    first_due_on: Mapped[date] = mapped_column(Date)
    first_answered_on: Mapped[date | None] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date)
    taken_by: Mapped[str | None] = mapped_column(Text)
    synthetic: Mapped[bool] = mapped_column(Boolean, server_default=sql_text("false"))


class ComplaintContact(Base):
    """How to reach somebody who complained: apart from the complaint, and erased some time after it is closed."""

    __tablename__ = "complaint_contacts"

    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaints.id"), primary_key=True)
    contact: Mapped[str | None] = mapped_column(Text)
    erased_on: Mapped[date | None] = mapped_column(Date)


class ComplaintStep(Base):
    """What was done about a complaint. Rows are added, never changed."""

    __tablename__ = "complaint_steps"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaints.id"), index=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.ledger_moment())
    actor: Mapped[str | None] = mapped_column(Text)  # None: the public
    action: Mapped[str] = mapped_column(Text)  # ComplaintAction
    text: Mapped[str | None] = mapped_column(Text)
    is_public: Mapped[bool] = mapped_column(Boolean)  # may the text be read with the number


class Appraisal(Edited, Base):
    """年度评估: how the stations of a year were scored. Published, it does not change any more."""

    __tablename__ = "appraisals"
    __table_args__ = (CheckConstraint("(state = 'published') = (published_on IS NOT NULL)", name="published"),)

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(Text, server_default="draft")  # AppraisalState
    counted_until: Mapped[date] = mapped_column(Date)  # facts after this day are not looked at
    computed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    computed_by: Mapped[str] = mapped_column(Text)
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)  # weights, thresholds and references
    stations: Mapped[int] = mapped_column(Integer)
    scores_sha256: Mapped[str] = mapped_column(Text)
    published_on: Mapped[date | None] = mapped_column(Date)
    published_by: Mapped[str | None] = mapped_column(Text)


class AppraisalScore(Base):
    """A station's score in a year, with everything that it came from."""

    __tablename__ = "appraisal_scores"
    __table_args__ = (
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        CheckConstraint("rank > 0 AND rank_in_type > 0", name="ranks"),
        Index("ix_appraisal_scores_rank", "year", "rank", "station_code"),
        Index("ix_appraisal_scores_station_code", "station_code", "year"),
    )

    year: Mapped[int] = mapped_column(ForeignKey("appraisals.year"), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"), primary_key=True)
    station_name: Mapped[str] = mapped_column(Text)  # as it was at the end of the year, like type and areas
    station_type: Mapped[str] = mapped_column(Text)  # StationType
    district_code: Mapped[str | None] = mapped_column(Text)
    town_code: Mapped[str | None] = mapped_column(Text)
    days_open: Mapped[int] = mapped_column(Integer)
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))  # None where nothing at all is known
    grade: Mapped[str | None] = mapped_column(Text)  # AppraisalGrade
    rank: Mapped[int | None] = mapped_column(Integer)
    rank_in_type: Mapped[int | None] = mapped_column(Integer)
    components: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class Exemplar(Edited, Base):
    """典型样板: proposed by a district, named by the city, for a year."""

    __tablename__ = "exemplars"
    __table_args__ = (
        Index(
            "uq_exemplars_in_force",
            "station_code",
            "year",
            unique=True,
            postgresql_where=sql_text("state <> 'withdrawn'"),
        ),
        CheckConstraint("year BETWEEN 2025 AND 2100", name="year"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    station_code: Mapped[str] = mapped_column(ForeignKey("stations.code"))
    year: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)  # ExemplarState
    proposed_by: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(Text)
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)
