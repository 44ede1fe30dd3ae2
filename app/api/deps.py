"""What a route can ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Protocol

from fastapi import Depends
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.requests import Request

from app.api.language import Language, language_of
from app.repositories.stations import Moment
from app.services.moments import check_known_at
from app.services.snapshot import Snapshot
from app.services.snapshot_at import snapshot_at
from app.services.station_table import today


class Holder(Protocol):
    """What the service needs of ``app.services.snapshot_holder.SnapshotHolder``."""

    @property
    def error(self) -> str | None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def current(self) -> Snapshot: ...


@dataclass(frozen=True)
class Resources:
    """What one worker holds; ``app.state.resources``."""

    engine: Engine
    reading: Engine
    holder: Holder

    @classmethod
    def of(cls, engine: Engine, holder: Holder) -> Resources:
        """``reading`` shares the pool, and its transactions are read-only and see one state of the database."""
        reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return cls(engine, reading, holder)


def resources_of(request: Request) -> Resources:
    found: Resources = request.app.state.resources
    return found


def snapshot_of(request: Request) -> Snapshot:
    """What this request is answered from: taken once, kept to its end. Raises NotReady, saying what to import."""
    return resources_of(request).holder.current()


def snapshot_then(request: Request, day: date, known_at: datetime | None) -> Snapshot:
    """What was so on a day, as was known at a moment (None: now); without a look at the database where that is what is
    so now. Raises NotReady; InvalidInput for a moment to come.
    """
    resources = resources_of(request)
    moment = check_known_at(resources.engine, known_at)
    return snapshot_at(resources.reading, resources.holder.current(), day, moment)


def moment_of(request: Request, day: date | None, known_at: datetime | None) -> Moment | None:
    """The moment that is asked about, to be called before the transaction reads; None for now. A day to come is like
    today: nothing is recorded for it. Raises InvalidInput for a moment to come.
    """
    now = today()
    if known_at is None and (day is None or day >= now):
        return None
    return Moment(min(day or now, now), check_known_at(resources_of(request).engine, known_at))


async def get_language(request: Request) -> Language:
    """The language of the answer; async, so that no thread is taken for it."""
    return language_of(request)


def get_session(request: Request) -> Iterator[Session]:
    """One request is one transaction: committed when the route returns, rolled back when it raises.

    GET reads only, and sees one state of the database throughout. A connection is taken at the first query, inside the
    route's own thread: taken here, it would be held while waiting for that thread.
    """
    resources = resources_of(request)
    engine = resources.reading if request.method == "GET" else resources.engine
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
LanguageDep = Annotated[Language, Depends(get_language)]
