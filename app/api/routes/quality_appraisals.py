"""Yearly appraisals and exemplars. For officers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api import quality
from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.parameters import PLAIN_TEXT, CursorQuery
from app.api.quality import READS, WRITES, Id, Limit, PlaceQuery, SettingsDep, Year
from app.api.schemas import quality_appraisals as schemas
from app.api.schemas.common import Notice
from app.api.schemas.quality_common import ReasonAsked, VersionAsked
from app.models.vocabularies import AppraisalGrade, DatasetKind, ExemplarState, StationType
from app.services import appraisals, exemplars
from app.services.dataset_reads import data_notice

AppraisedCode = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        pattern=PLAIN_TEXT,
        description="站点代码 · Station code",
        examples=["YC440106-002"],
    ),
]
router = APIRouter(prefix="/quality", tags=["quality"])
KINDS = {DatasetKind.STATIONS}


@router.get(
    "/appraisals",
    operation_id="listAppraisals",
    summary="年度评估 · Yearly appraisals",
    response_model=schemas.AppraisalList,
    responses={**answers("各年度 · The years"), **problems(401, 403)},
)
def list_appraisals(request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep) -> Response:
    """各年度与所用规则;评估中的仅区级及以上可见 · Years and their rules; drafts for the district and above."""
    held = [schemas.AppraisalOut.of(row, language) for row in appraisals.list_appraisals(session, actor)]
    return personal(request, schemas.AppraisalList(appraisals=held))


@router.post(
    "/appraisals",
    operation_id="makeAppraisal",
    summary="评估(市级) · Appraise a year",
    response_model=schemas.AppraisalOut,
    status_code=201,
    responses={**created("草稿 · The draft"), **WRITES},
)
def make_appraisal(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, settings: SettingsDep,
    asked: schemas.DraftAsked, key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """计算当年草稿,可反复计算;同样的数据与规则得到同样的名次。缺项不计,其权重由其他各项分担,并写明。

    Makes the draft of a year, anew if there is one. The same facts and rules give the same ranking. What is not known
    of a station is left out, its weight goes to the other components, and the station's page says so.
    """

    def make() -> Response:
        row = appraisals.make_draft(session, actor, asked.year, settings)
        return personal(request, schemas.AppraisalOut.of(row, language), status=201)

    return once(request, session, actor, key, encode(asked), make)


@router.get(
    "/appraisals/{year}",
    operation_id="listAppraisalScores",
    summary="评估名次 · The ranking of a year",
    response_model=schemas.ScoreList,
    responses={**answers("一页名次 · A page"), **READS},
)
def list_scores(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    year: Year,
    place: PlaceQuery,
    type: Annotated[
        list[StationType] | None, Query(description="类型,可重复 · Types", examples=[["community"]])
    ] = None,
    grade: Annotated[
        list[AppraisalGrade] | None, Query(description="等级,可重复 · Grades", examples=[["excellent"]])
    ] = None,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """管辖范围内的站点,名次为全市名次 · Stations in scope, with their places in the whole city."""
    after = quality.read_position(request, cursor, quality.whole, str)
    appraisal = schemas.AppraisalOut.of(appraisals.get_appraisal(session, actor, year), language)
    rows = appraisals.list_scores(
        session, actor, year, place, types=type or (), grades=grade or (), after=after, limit=limit + 1
    )
    notice = Notice.of(data_notice(session, KINDS), language)
    return quality.page(
        request, rows, limit, appraisals.position_of,
        lambda held, following: schemas.ScoreList(
            next_cursor=following, appraisal=appraisal, data_notice=notice,
            scores=[schemas.ScoreOut.of(row, language) for row in held],
        ),
    )  # fmt: skip


@router.get(
    "/appraisals/{year}/stations/{code}",
    operation_id="getAppraisalScore",
    summary="评估明细 · How a score came about",
    response_model=schemas.ScoreDetail,
    responses={**answers("各项原值、得分、权重与说明 · Values, points, weights, sentences"), **READS},
)
def get_score(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, year: Year, code: AppraisedCode
) -> Response:
    """每一项的原值、得分、权重和一句说明;各项 `contribution` 之和即总分 · The contributions sum to the score."""
    view = appraisals.get_score(session, actor, year, code)
    notice = Notice.of(data_notice(session, KINDS), language)
    return personal(request, schemas.ScoreDetail.of_view(view, notice, language))


@router.post(
    "/appraisals/{year}/publish",
    operation_id="publishAppraisal",
    summary="公布评估(市级) · Publish an appraisal",
    response_model=schemas.AppraisalOut,
    responses={**answers("已公布 · Published"), **WRITES},
)
def publish_appraisal(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, year: Year, asked: VersionAsked
) -> Response:
    """年度结束之后;公布后不再更改 · After the year's end; it stays as it is from then on."""
    row = appraisals.publish(session, actor, year, asked.version)
    return personal(request, schemas.AppraisalOut.of(row, language))


@router.get(
    "/exemplars",
    operation_id="listExemplars",
    summary="典型样板 · Exemplars",
    response_model=schemas.ExemplarList,
    responses={**answers("一页样板 · A page"), **READS},
)
def list_exemplars(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    place: PlaceQuery,
    year: Annotated[int | None, Query(ge=2025, le=2100, description="年度 · Year", examples=[2025])] = None,
    state: Annotated[
        list[ExemplarState] | None, Query(description="状态,可重复 · States", examples=[["named"]])
    ] = None,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """管辖范围内推荐、评定与撤销的 · Proposed, named and withdrawn ones in scope."""
    position = quality.read_position(request, cursor, quality.whole)
    rows = exemplars.list_exemplars(
        session, actor, place, year=year, states=state or (), before_id=position[0] if position else None,
        limit=limit + 1,
    )  # fmt: skip
    return quality.page(
        request, rows, limit, lambda row: (row.id,),
        lambda held, following: schemas.ExemplarList(
            next_cursor=following, exemplars=[schemas.ExemplarOut.of(row, language) for row in held]
        ),
    )  # fmt: skip


@router.post(
    "/exemplars",
    operation_id="addExemplar",
    summary="推荐典型样板(区级;市级即评定) · Propose an exemplar",
    response_model=schemas.ExemplarOut,
    status_code=201,
    responses={**created("已推荐或评定 · Proposed, or named"), **WRITES},
)
def add_exemplar(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, asked: schemas.ExemplarAsked,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """区级推荐,市级评定;每站每年一次 · The district proposes, the city names; once for a station and year."""

    def make() -> Response:
        row = exemplars.add_exemplar(session, actor, asked.new())
        return personal(request, schemas.ExemplarOut.of(row, language), status=201)

    return once(request, session, actor, key, encode(asked), make)


@router.post(
    "/exemplars/{id}/name",
    operation_id="nameExemplar",
    summary="评定典型样板(市级) · Name an exemplar",
    response_model=schemas.ExemplarOut,
    responses={**answers("样板 · The exemplar"), **WRITES},
)
def name_exemplar(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: VersionAsked
) -> Response:
    """评定后公开 · Public from then on."""
    row = exemplars.name_exemplar(session, actor, id, asked.version)
    return personal(request, schemas.ExemplarOut.of(row, language))


@router.post(
    "/exemplars/{id}/withdraw",
    operation_id="withdrawExemplar",
    summary="撤销典型样板 · Withdraw an exemplar",
    response_model=schemas.ExemplarOut,
    responses={**answers("样板 · The exemplar"), **WRITES},
)
def withdraw_exemplar(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: ReasonAsked
) -> Response:
    """推荐由区级撤销,已评定的由市级撤销 · A proposal by the district, a named one by the city."""
    row = exemplars.withdraw_exemplar(session, actor, id, asked.version, asked.reason)
    return personal(request, schemas.ExemplarOut.of(row, language))
