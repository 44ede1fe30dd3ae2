"""Ratings by the public (群众评价): with a visit code, or without one and then for little; comments are moderated."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, InvalidInput, NotFound
from app.models.vocabularies import RatingAspect, RatingState, Role, StationStatus
from app.repositories import quality_ratings as repo
from app.repositories.quality_places import Place
from app.repositories.quality_ratings import BatchRow, RatingRow, RatingSums
from app.repositories.stations import StationRow
from app.services.actors import Actor, of_public
from app.services.quality_checks import any_station, begin, check_place, check_version, not_now, station_of
from app.services.station_table import today
from app.services.visitors import Visitor, check_attempts, count_visit
from app.settings import QualitySettings

ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY"  # without what looks like another: 0 O, 1 I L, 2 Z, 5 S, 8 B
CODE_LENGTH = 8
RATINGS, WRONG_CODES = "rating", "wrong visit code"
WRONG_CODES_A_DAY = 20


@dataclass(frozen=True)
class IssuedCodes:
    """Visit codes as they are handed out: nobody can read them again."""

    batch: BatchRow
    codes: tuple[str, ...]


@dataclass(frozen=True)
class NewRating:
    """What somebody thinks of a station: 1 to 5 stars."""

    station_code: str
    stars: int
    aspects: Mapping[RatingAspect, int] = field(default_factory=dict)
    comment: str | None = None
    visit_code: str | None = None


@dataclass(frozen=True)
class Average:
    """Stars from 1 to 5, None without ratings; ``weight`` is what the ratings weigh together."""

    stars: float | None
    weight: float
    ratings: int


def issue_codes(
    session: Session, actor: Actor, station_code: str, count: int, valid_days: int, *, day: date | None = None
) -> IssuedCodes:
    """Make visit codes for a station, good until ``valid_days`` from today. Raises NotFound, OutOfScope."""
    actor.require(Role.TOWN_OFFICER, write=True)
    begin(session, actor)
    station_of(session, actor, station_code)
    codes: dict[bytes, str] = {}
    while len(codes) < count:
        made = {hash_of(code): code for code in (new_code() for _ in range(count - len(codes)))}
        taken = repo.taken_hashes(session, list(made))
        codes |= {digest: code for digest, code in made.items() if digest not in taken}
    values = {
        "station_code": station_code, "count": count, "issued_by": actor.username,
        "expires_on": (day or today()) + timedelta(days=valid_days),
    }  # fmt: skip
    batch_id = repo.insert_batch(session, values, list(codes))
    return IssuedCodes(_batch(session, actor, batch_id), tuple(f"{c[:4]}-{c[4:]}" for c in codes.values()))


def list_batches(session: Session, actor: Actor, place: Place, *, before_id: int | None, limit: int) -> list[BatchRow]:
    """Batches of codes for stations in scope, the latest first; the codes themselves are not known any more."""
    actor.require(Role.VIEWER)
    check_place(session, actor, place)
    return repo.list_batches(session, actor.scope, place, before_id=before_id, limit=limit)


def revoke_codes(session: Session, actor: Actor, batch_id: int, reason: str) -> BatchRow:
    """What of a batch is not used is no longer good; revoked again, it stays so. Raises NotFound, OutOfScope."""
    actor.require(Role.TOWN_OFFICER, write=True)
    begin(session, actor, reason)
    held = _batch(session, actor, batch_id)
    if not held.is_revoked:
        repo.update_batch(session, batch_id, {"is_revoked": True})
    return _batch(session, actor, batch_id)


def rate(session: Session, visitor: Visitor, new: NewRating, settings: QualitySettings) -> RatingRow:
    """Take a rating in. With a comment it is moderated first; its stars count at once.

    Raises NotFound for the station, Conflict for one that has not opened; InvalidInput for the code, Conflict for one
    that was used, has expired or was revoked; TooManyRequests for too many without a code.
    """
    begin(session, of_public())
    _check_opened(any_station(session, new.station_code), visitor.day)
    if new.visit_code is not None:
        check_attempts(session, visitor, WRONG_CODES, WRONG_CODES_A_DAY)
        _use(session, new.visit_code, new.station_code, visitor.day)
    else:
        count_visit(session, visitor, RATINGS, settings.ratings_a_day)
        count_visit(session, visitor, RATINGS, settings.ratings_per_station_a_day, new.station_code)
    state = RatingState.PUBLISHED if new.comment is None else RatingState.PENDING
    values = {
        "station_code": new.station_code, "stars": new.stars, "comment": new.comment, "rated_on": visitor.day,
        "aspects": {aspect.value: stars for aspect, stars in new.aspects.items()},
        "by_code": new.visit_code is not None, "state": state.value,
    }  # fmt: skip
    return _there(session, repo.insert_rating(session, values))


def is_wrong_code(fault: InvalidInput) -> bool:
    """Was a rating refused because there is no such code? Such attempts are counted."""
    return any(item.field == "visit_code" for item in fault.errors)


def list_ratings(
    session: Session, actor: Actor, place: Place, *, states: Sequence[RatingState], before_id: int | None, limit: int
) -> list[RatingRow]:
    """Ratings of stations in scope, the latest first. Raises NotFound, OutOfScope, InvalidInput for the place."""
    actor.require(Role.VIEWER)
    check_place(session, actor, place)
    return repo.list_ratings(
        session, actor.scope, place, states=[state.value for state in states], before_id=before_id, limit=limit
    )


def moderate(
    session: Session, actor: Actor, rating_id: int, version: int, state: RatingState, reason: str | None
) -> RatingRow:
    """Publish a rating, or hide it (with a reason): hidden, neither its comment is shown nor do its stars count.

    Raises Forbidden below the district, NotFound, OutOfScope, StaleVersion, InvalidInput; Conflict when it is so.
    """
    actor.require(Role.DISTRICT_OFFICER, write=True)
    begin(session, actor, reason)
    held = _there(session, rating_id)
    station_of(session, actor, held.station_code)
    check_version(held, version, {"state": state.value})
    if held.state == state.value:
        raise not_now("state", state.title_zh, state.value, "无需再次操作", "there is nothing to do")
    if state is RatingState.HIDDEN and not reason:
        item = ErrorItem("reason", "缺少", "is missing", remedy_zh="写明不公开的理由", remedy_en="say why it is hidden")
        raise InvalidInput("不公开评价须写明理由。", "A rating is hidden with a reason.", errors=[item])
    values = {"state": state.value, "moderated_by": actor.username, "moderation_reason": reason}
    repo.update_rating(session, rating_id, values)
    return _there(session, rating_id)


def average(sums: RatingSums, settings: QualitySettings) -> Average:
    """The Bayesian average: as if ``rating_prior_weight`` ratings of ``rating_prior_stars`` had been there before.

    So a single rating does not make a station the best or the worst. Ratings without a code weigh less.
    """
    weight = sums.with_code + settings.rating_weight_without_code * sums.without_code
    count = sums.with_code + sums.without_code
    stars = sums.with_code_stars + settings.rating_weight_without_code * sums.without_code_stars
    prior = settings.rating_prior_weight
    if count == 0 or weight + prior == 0:
        return Average(None, weight, count)
    return Average((prior * settings.rating_prior_stars + stars) / (prior + weight), weight, count)


def new_code() -> str:
    """A code as it is printed, without its dash. One in 25**8 (152 thousand million)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def hash_of(code: str) -> bytes:
    """What is kept of a code, however it was written: lower case, full width, with or without dashes and blanks."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", code).upper() if c.isalnum())
    return hashlib.sha256(b"visit code " + plain.encode()).digest()


def _check_opened(station: StationRow, day: date) -> None:
    """Nobody has been to a station that has not opened."""
    is_dated = station.opened_on is not None and station.opened_on <= day
    if not is_dated and station.status in (StationStatus.PLANNED, StationStatus.SELECTED):
        now = StationStatus(station.status)
        raise not_now("station", now.title_zh, now.value, "站点开放后再评价", "rate it once it has opened")


def _use(session: Session, code: str, station_code: str, day: date) -> None:
    digest = hash_of(code)
    held = repo.find_code(session, digest)
    if held is None or held.station_code != station_code:
        item = ErrorItem(
            "visit_code", "该站点没有这个评价码", "no such code of this station", value=code,
            remedy_zh="核对评价码与站点,或不填评价码", remedy_en="check code and station, or leave the code out",
        )  # fmt: skip
        raise InvalidInput("评价码不对。", "The visit code is wrong.", errors=[item])
    if held.is_revoked or held.expires_on < day:
        raise _spent(code, "已失效", "is no longer good")
    if held.is_used or not repo.use_code(session, digest):
        raise _spent(code, "已经用过", "has been used")


def _spent(code: str, text_zh: str, text_en: str) -> Conflict:
    item = ErrorItem(
        "visit_code", text_zh, text_en, value=code, remedy_zh="换一个评价码,或不填评价码",
        remedy_en="use another code, or leave it out",
    )  # fmt: skip
    return Conflict(f"评价码{text_zh}。", f"The visit code {text_en}.", errors=[item])


def _batch(session: Session, actor: Actor, batch_id: int) -> BatchRow:
    held = repo.get_batch(session, batch_id)
    if held is None:
        raise NotFound(f"没有编号为 {batch_id} 的评价码批次。", f"There is no batch of visit codes {batch_id}.")
    station_of(session, actor, held.station_code)
    return held


def _there(session: Session, rating_id: int) -> RatingRow:
    held = repo.get_rating(session, rating_id)
    if held is None:
        raise NotFound(f"没有编号为 {rating_id} 的评价。", f"There is no rating {rating_id}.")
    return held
