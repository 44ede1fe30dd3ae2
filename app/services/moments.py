"""Moments: as of which day, and as was known when. What a question may name, and what has to be waited for."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from app.errors import ErrorItem, InvalidInput, NotReady
from app.repositories.moments import wait_for_writers

AHEAD = timedelta(seconds=2)  # clocks differ a little: a moment just ahead is waited for


def check_known_at(engine: Engine, known_at: datetime | None) -> datetime | None:
    """The moment of a question, after which nothing that belongs to it can be written any more.

    Raises InvalidInput for one to come; NotReady while a long import of that time is still being written.
    """
    if known_at is None:
        return None
    if known_at > datetime.now(UTC) + AHEAD:
        raise _to_come(known_at)
    while (settled := wait_for_writers(engine)) is not None and settled < known_at:
        if known_at > settled + AHEAD:  # by the clock that ledger moments are taken from
            raise _to_come(known_at)
        time.sleep((known_at - settled).total_seconds())
    if settled is None:
        raise NotReady(
            "台账正在导入,该时刻的内容稍后即可确定,请重试。",
            "The ledger is being written; what was known at that moment is settled in a while. Try again.",
        )
    return known_at


def _to_come(known_at: datetime) -> InvalidInput:
    item = ErrorItem(
        "known_at", "是将来的时刻", "is a moment to come", value=known_at.isoformat(),
        remedy_zh="写已过去的时刻,或去掉", remedy_en="name a moment that is past, or leave it out",
    )  # fmt: skip
    return InvalidInput("known_at 有误。", "known_at is wrong.", errors=[item])
