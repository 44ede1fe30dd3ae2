"""Limits for people who are not signed in, without knowing who they are.

An address is never kept: what is counted by is its HMAC under a key of the day, and both are dropped with the first
visit of another day. Addresses of IPv6 count by their network of 64 bits, which one household has.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import ErrorItem, TooManyRequests
from app.geo.opening_hours import TIME_ZONE
from app.repositories import quality_visitors as repo
from app.services.station_table import today

ANYWHERE = ""


@dataclass(frozen=True)
class Visitor:
    """Somebody unknown on a day. Two with the same mark came from the same address."""

    day: date
    mark: bytes


def visitor_of(session: Session, address: str | None, *, day: date | None = None) -> Visitor:
    """Who comes from an address today; what was known of yesterday is forgotten."""
    day = day or today()
    repo.forget_before(session, day)
    key = repo.key_of(session, day)
    return Visitor(day, hmac.digest(key, network_of(address).encode(), "sha256"))


def forget_past_days(session: Session) -> None:
    """Drop the keys and counts of all days before today."""
    repo.forget_before(session, today())


def network_of(address: str | None) -> str:
    """The address in one spelling, of IPv6 its first 64 bits; whatever is no address, as it is."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False).network_address)
    return str(parsed)


def count_visit(session: Session, visitor: Visitor, purpose: str, limit: int, station_code: str = ANYWHERE) -> None:
    """Count one more for a purpose. Raises TooManyRequests beyond ``limit``, and then nothing is counted."""
    if repo.raise_count(session, visitor.day, visitor.mark, purpose, station_code) > limit:
        raise too_many(limit)


def check_attempts(session: Session, visitor: Visitor, purpose: str, limit: int) -> None:
    """Raises TooManyRequests after ``limit`` attempts that were counted by ``count_attempt``."""
    if repo.count_of(session, visitor.day, visitor.mark, purpose) >= limit:
        raise too_many(limit)


def count_attempt(engine: Engine, visitor: Visitor, purpose: str) -> None:
    """Count an attempt in a transaction of its own: that of the request is rolled back."""
    with Session(engine) as session, session.begin():
        repo.raise_count(session, visitor.day, visitor.mark, purpose, ANYWHERE)


def too_many(limit: int) -> TooManyRequests:
    """The refusal, to be tried again tomorrow (in Guangzhou)."""
    now = datetime.now(TIME_ZONE)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), TIME_ZONE)
    item = ErrorItem(
        "address", f"同一地址每天至多 {limit} 次", f"at most {limit} a day from one address",
        remedy_zh="请明天再试", remedy_en="try again tomorrow",
    )  # fmt: skip
    return TooManyRequests(
        "今天提交得太多了。", "That was too often for today.",
        retry_after_s=max(1, int((tomorrow - now).total_seconds())), errors=[item],
    )  # fmt: skip
