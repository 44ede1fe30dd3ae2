"""Visit codes and ratings: anybody rates, officers issue codes and moderate; and the quality of a station for all."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api import quality
from app.api.answers import CSV, encode, personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.parameters import CursorQuery, StationCode
from app.api.quality import PUBLIC_WRITES, READS, WRITES, Id, Limit, PlaceQuery, SettingsDep
from app.api.schemas import quality_ratings as schemas
from app.api.schemas.common import Notice
from app.api.schemas.quality_common import ReasonAsked
from app.api.sheets import as_text, sheet
from app.errors import InvalidInput
from app.models.vocabularies import DatasetKind, RatingState
from app.services import ratings
from app.services.dataset_reads import data_notice
from app.services.station_quality import station_quality
from app.services.visitors import count_attempt

router = APIRouter(prefix="/quality", tags=["quality"])


@router.get(
    "/stations/{code}",
    operation_id="getStationQuality",
    summary="站点质量 · Quality of a station",
    response_model=schemas.StationQualityOut,
    responses={**answers("评价、三规范、投诉、评估 · Ratings, standards, complaints, grade"), **problems(404)},
)
def get_station_quality(
    request: Request, session: SessionDep, language: LanguageDep, settings: SettingsDep, code: StationCode
) -> Response:
    """人人可看:评价(收缩平均)、已审核的评论、三规范与检查日期、未答复的投诉数、典型样板、最近公布的评估等级。

    For everybody: the average of stars (shrunk towards `prior_stars`, so that one rating decides nothing), moderated
    comments, the three standards, complaints not answered yet, honours, and the last published grade.
    """
    made = station_quality(session, code, settings)
    notice = Notice.of(data_notice(session, {DatasetKind.STATIONS}), language)
    return personal(request, schemas.StationQualityOut.of(made, settings, notice, language))


@router.post(
    "/ratings",
    operation_id="addRating",
    summary="评价站点 · Rate a station",
    response_model=schemas.RatingReceipt,
    status_code=201,
    responses={**created("已收到 · Taken in"), **PUBLIC_WRITES},
)
def add_rating(
    request: Request, session: SessionDep, language: LanguageDep, settings: SettingsDep, asked: schemas.RatingAsked,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """不需登录。评价码到站领取,一码一次,按全权计;没有评价码的按较低权重计,并限制每日次数。评论审核后公开。

    No sign-in. A visit code from the station is good for one rating, which then counts in full; without one a rating
    counts little, and there are only so many a day. Comments are public after moderation. No address is kept.
    """
    visitor, asker = quality.visitor_in(request, session)

    def make() -> Response:
        row = ratings.rate(session, visitor, asked.new(), settings)
        return personal(request, schemas.RatingReceipt.of(row, settings, language), status=201)

    try:
        return once(request, session, asker, key, encode(asked), make)
    except InvalidInput as fault:
        if ratings.is_wrong_code(fault):
            count_attempt(resources_of(request).engine, visitor, ratings.WRONG_CODES)
        raise


@router.get(
    "/ratings",
    operation_id="listRatings",
    summary="评价列表(工作人员) · Ratings, for officers",
    response_model=schemas.RatingList,
    responses={**answers("一页评价 · A page"), **READS},
)
def list_ratings(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    place: PlaceQuery,
    state: Annotated[
        list[RatingState] | None, Query(description="状态,可重复 · States", examples=[["pending"]])
    ] = None,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """管辖范围内,最近的在前;`state=pending` 待审核 · In scope, the latest first; `pending` are to be moderated."""
    position = quality.read_position(request, cursor, quality.whole)
    rows = ratings.list_ratings(
        session, actor, place, states=state or (), before_id=position[0] if position else None, limit=limit + 1
    )
    return quality.page(
        request, rows, limit, lambda row: (row.id,),
        lambda held, following: schemas.RatingList(
            next_cursor=following, ratings=[schemas.RatingOut.of(row, language) for row in held]
        ),
    )  # fmt: skip


@router.post(
    "/ratings/{id}/publish",
    operation_id="publishRating",
    summary="公开评价(区级) · Publish a rating",
    response_model=schemas.RatingOut,
    responses={**answers("评价 · The rating"), **WRITES},
)
def publish_rating(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: schemas.PublishAsked
) -> Response:
    """审核通过 · It may be read by everybody."""
    row = ratings.moderate(session, actor, id, asked.version, RatingState.PUBLISHED, asked.reason)
    return personal(request, schemas.RatingOut.of(row, language))


@router.post(
    "/ratings/{id}/hide",
    operation_id="hideRating",
    summary="不公开评价(区级) · Hide a rating",
    response_model=schemas.RatingOut,
    responses={**answers("评价 · The rating"), **WRITES},
)
def hide_rating(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: ReasonAsked
) -> Response:
    """写明理由;评论不显示,星级也不计 · With a reason; neither is its comment shown nor do its stars count."""
    row = ratings.moderate(session, actor, id, asked.version, RatingState.HIDDEN, asked.reason)
    return personal(request, schemas.RatingOut.of(row, language))


@router.post(
    "/visit-codes",
    operation_id="issueVisitCodes",
    summary="签发评价码 · Issue visit codes",
    response_model=schemas.IssuedOut,
    status_code=201,
    responses={
        201: {
            "description": "评价码 · The codes",
            "content": {
                "application/json": {},
                CSV: {"schema": {"type": "string"}, "example": "评价码,站点,站点编号,有效期至\n"},
            },
        },
        **WRITES,
    },
)
def issue_visit_codes(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    asked: schemas.VisitCodesAsked,
    format: Annotated[
        Literal["json", "csv"], Query(description="csv 可用 Excel 打印 · csv to be printed", examples=["json"])
    ] = "json",
    key: IdempotencyKey = None,
) -> Response:
    """供站点发给到访者,一码一次评价。只显示这一次,库中只留摘要,也不记录哪个码作了哪个评价。

    To be handed out to visitors, one rating each. Shown this once: only hashes are kept, and nothing says which code
    was used for which rating.
    """
    made: list[ratings.IssuedCodes] = []

    def answer(codes: list[str] | None) -> Response:
        batch = schemas.BatchOut.of(made[0].batch)
        return personal(request, schemas.IssuedOut(batch=batch, codes=codes), status=201)

    def make() -> Response:
        made.append(ratings.issue_codes(session, actor, asked.station, asked.count, asked.valid_days))
        return answer(None)  # what is kept for a repeated request has no code in it

    kept = once(request, session, actor, key, encode(asked), make)
    if not made:
        return kept
    if format == "json":
        return answer(list(made[0].codes))
    batch = made[0].batch
    rows = [(code, as_text(batch.station_name), batch.station_code, batch.expires_on) for code in made[0].codes]
    text = sheet(("评价码", "站点", "站点编号", "有效期至"), rows)
    return personal(request, text.encode(), status=201, media_type=CSV)


@router.get(
    "/visit-codes",
    operation_id="listVisitCodes",
    summary="评价码批次 · Batches of visit codes",
    response_model=schemas.BatchList,
    responses={**answers("一页批次 · A page"), **READS},
)
def list_visit_codes(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    place: PlaceQuery,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """各批签发与使用的张数,最近的在前 · How many were issued and used, the latest first."""
    position = quality.read_position(request, cursor, quality.whole)
    rows = ratings.list_batches(session, actor, place, before_id=position[0] if position else None, limit=limit + 1)
    return quality.page(
        request, rows, limit, lambda row: (row.id,),
        lambda held, following: schemas.BatchList(
            next_cursor=following, batches=[schemas.BatchOut.of(row) for row in held]
        ),
    )  # fmt: skip


@router.post(
    "/visit-codes/{id}/revoke",
    operation_id="revokeVisitCodes",
    summary="作废一批评价码 · Revoke a batch",
    response_model=schemas.BatchOut,
    responses={**answers("这一批 · The batch"), **WRITES},
)
def revoke_visit_codes(
    request: Request, session: SessionDep, actor: ActorDep, id: Id, asked: schemas.RevokeAsked
) -> Response:
    """未用的不再有效,已作的评价不变 · What is not used is no longer good; ratings stay."""
    return personal(request, schemas.BatchOut.of(ratings.revoke_codes(session, actor, id, asked.reason)))
