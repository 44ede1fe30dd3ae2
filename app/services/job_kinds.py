"""What a kind of job is: a name, who may start it, its parameters, and what is done.

A kind is one ``JobKind`` in a module of its own, listed in ``app.services.job_registry``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy import Engine

from app.models.vocabularies import Role

if TYPE_CHECKING:  # a worker loads what computes with its first job
    from app.services.snapshot import Snapshot

Cancelled = Callable[[], bool]
Parameters = TypeVar("Parameters", bound=BaseModel)


class Progress(Protocol):
    """Tell how far the work is: a share from 0 to 1, and what is being done, in both languages.

    May be called as often as one likes: it is written twice a second at most.
    """

    def __call__(self, share: float, message_zh: str, message_en: str) -> None: ...


class JobCancelled(Exception):
    """Raised by a kind that stops because ``cancelled()`` is true: whatever it has by then is no result."""


@dataclass(frozen=True)
class JobWorld:
    """What a job works on. ``snapshot`` gives that of the database as it is when it is called; it raises NotReady."""

    engine: Engine
    snapshot: Callable[[], Snapshot]


def no_link(result: dict[str, Any]) -> str | None:
    return None


@dataclass(frozen=True)
class JobKind(Generic[Parameters]):
    """``run`` works and returns what is kept as the result, a mapping that JSON can hold.

    It calls ``progress`` now and then and asks ``cancelled()`` at least once a second, raising JobCancelled when it is
    true; what it returns is a whole result. It may be begun again from the start, after a worker's death: running it
    twice must do no harm. A DomainError that it raises becomes the job's problem; anything else an internal error.
    ``link`` is the path where a result can be looked at.
    """

    name: str
    title_zh: str
    title_en: str
    role: Role
    parameters: type[Parameters]
    run: Callable[[JobWorld, Parameters, Progress, Cancelled], dict[str, Any]]
    link: Callable[[dict[str, Any]], str | None] = no_link
