"""Targets and progress: public for cities and districts, for officers also of towns."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import cacheable, encode, personal
from app.api.caching import Freshness
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import NOT_MODIFIED, answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep, OptionalActorDep
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, AreaCode, CursorQuery, Within, WrittenDay, WrittenMoment
from app.api.schemas import targets as schemas
from app.api.schemas.common import Notice
from app.errors import ErrorItem, InvalidInput
from app.models.vocabularies import AreaLevel, DatasetKind, TargetMeasure
from app.repositories.progress import last_write_at
from app.repositories.targets import Position
from app.services import targets
from app.services.dataset_reads import data_notice, database_version
from app.services.moments import check_known_at
from app.services.progress import progress
from app.services.station_table import today

router = APIRouter(prefix="/targets", tags=["targets"])
KINDS = (DatasetKind.STATIONS, DatasetKind.BOUNDARIES)
Id = Annotated[int, Path(ge=1, le=schemas.MAX_ID, description="目标编号 · Target id", examples=[1])]
MeasureQuery = Annotated[TargetMeasure | None, Query(description="指标 · Measure", examples=["stations"])]
AreaQuery = Annotated[
    AreaCode | None, Query(description="此区划及其中的 · This area and those inside", examples=["4401"])
]  # fmt: skip
WRITES = problems(400, 401, 403, 404, 409, 413)


@router.get(
    "",
    operation_id="listTargets",
    summary="目标 · Targets",
    response_model=schemas.TargetList,
    responses={**answers("一页目标 · A page"), **NOT_MODIFIED, **problems(401)},
)
def list_targets(
    request: Request,
    session: SessionDep,
    actor: OptionalActorDep,
    language: LanguageDep,
    area: AreaQuery = None,
    measure: MeasureQuery = None,
    year: Annotated[int | None, Query(ge=2025, le=2100, description="年度 · Year", examples=[2026])] = None,
    retired: Annotated[bool, Query(description="包括已停用的 · Also retired ones", examples=[False])] = False,
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数 · Rows per page", examples=[100])] = 100,
    cursor: CursorQuery = None,
) -> Response:  # fmt: skip
    """市与各区的目标是公开的;登录后另有管辖范围内镇街的。按区划、指标、到期日排序。

    Targets of cities and districts are public; signed in, those of the towns in one's scope are there, too.
    """
    after = _position(read_cursor(request, cursor))
    freshness = Freshness.of(request, _state(session))
    if actor is None and freshness.is_held:
        return freshness.not_modified()
    rows = targets.list_targets(
        session, actor, area_code=area, measure=measure, year=year, retired=retired, after=after, limit=limit + 1
    )
    following = next_cursor(request, _cursor_of(rows[limit - 1])) if len(rows) > limit else None
    held = [schemas.TargetOut.of(view, language) for view in rows[:limit]]
    body = schemas.TargetList(next_cursor=following, targets=held)
    link = link_to_next(request, following)
    if actor is None:
        return cacheable(body, freshness, headers=link)
    answer = personal(request, body)
    answer.headers.update(link)
    return answer


@router.get(
    "/sums",
    operation_id="listTargetSums",
    summary="上下级目标对照 · Targets beside the sums of those below",
    response_model=schemas.TargetSums,
    responses={**answers("对照 · The sums"), **NOT_MODIFIED, **problems(401)},
)
def list_target_sums(
    request: Request, session: SessionDep, actor: OptionalActorDep, language: LanguageDep, area: AreaQuery = None
) -> Response:
    """各区目标之和与市的目标对照:只显示,不强求一致 · Districts against the city: shown, never forced to agree."""
    freshness = Freshness.of(request, _state(session))
    if actor is None and freshness.is_held:
        return freshness.not_modified()
    held = [schemas.TargetSumOut.of(v, language) for v in targets.sums(session, actor, area_code=area)]
    body = schemas.TargetSums(sums=held)
    return cacheable(body, freshness) if actor is None else personal(request, body)


@router.get(
    "/progress",
    operation_id="getProgress",
    summary="计划与实际 · Planned against actual",
    response_model=schemas.ProgressOut,
    responses={**answers("进度 · Progress"), **NOT_MODIFIED, **problems(401, 403, 404)},
)
def get_progress(
    request: Request,
    session: SessionDep,
    actor: OptionalActorDep,
    language: LanguageDep,
    level: Annotated[
        AreaLevel, Query(description="按哪一级;town 需要登录 · town needs a sign-in", examples=["district"])
    ] = AreaLevel.CITY,
    within: Within = None,
    measure: MeasureQuery = None,
    as_of: Annotated[
        WrittenDay | None,
        Query(description="哪一天,默认今天(北京时间)· The day, today by default", examples=["2026-09-30"]),
    ] = None,
    known_at: Annotated[
        WrittenMoment | None,
        Query(
            description="以当时所知为准,带时区;默认现在 · As was known then, with its zone; now by default",
            examples=["2026-11-25T12:00:00+08:00"],
        ),
    ] = None,
) -> Response:  # fmt: skip
    """各指标的含义:`stations` 当日对外开放的站点;`selected_stations` 当日及以前完成遴选的;
    `districts_covered` 有开放站点的区;`trainee_visits` 2025 年第二季度以来已结束各季度的累计人次。
    `expected` 自方案印发(2025-05-30)为零起,在各目标日之间取直线。

    `stations` are open on the day, `selected_stations` were selected by it, `districts_covered` have an open station,
    `trainee_visits` are those of all quarters since 2025Q2 that are over. `expected` is a straight line from zero on
    the plan's day to the targets, one after the other. The same `as_of` and `known_at` give the same figures for ever.
    """
    known_at = check_known_at(resources_of(request).engine, known_at)
    day = as_of or today()
    freshness = Freshness.of(request, f"{_state(session)} {day}")
    is_public = actor is None and level is not AreaLevel.TOWN
    if is_public and freshness.is_held:
        return freshness.not_modified()
    made = progress(session, actor, level=level, as_of=day, known_at=known_at, within=within, measure=measure)
    notice = Notice.of(data_notice(session, KINDS), language)
    body = schemas.ProgressOut.of(made, within, notice, language)
    return cacheable(body, freshness) if is_public else personal(request, body)


@router.get(
    "/{id}",
    operation_id="getTarget",
    summary="一项目标 · One target",
    response_model=schemas.TargetOut,
    responses={**answers("目标 · The target"), **problems(401, 404)},
)
def get_target(
    request: Request, session: SessionDep, actor: OptionalActorDep, language: LanguageDep, id: Id
) -> Response:  # fmt: skip
    """修改或停用时请带上 `version` · Name `version` when you change or retire it."""
    return personal(request, schemas.TargetOut.of(targets.get_target(session, actor, id), language))


@router.post(
    "",
    operation_id="addTarget",
    summary="设定目标(市级) · Set a target",
    response_model=schemas.TargetOut,
    status_code=201,
    responses={**created("已设定 · Set"), **WRITES},
)
def add_target(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, asked: schemas.NewTarget,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """每个区划、指标、到期日一项 · One by area, measure and day."""

    def make() -> Response:
        new = targets.NewTarget(**asked.model_dump(exclude={"reason"}))
        made = targets.add_target(session, actor, new, reason=asked.reason)
        return personal(request, schemas.TargetOut.of(made, language), status=201)

    return once(request, session, actor, key, encode(asked), make)


@router.put(
    "/{id}",
    operation_id="changeTarget",
    summary="修改目标(市级) · Change a target",
    response_model=schemas.TargetOut,
    responses={**answers("目标 · The target"), **WRITES},
)
def change_target(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, asked: schemas.TargetChange
) -> Response:
    """区划与指标不改;原来的值留在记录里 · Area and measure stay; what it was stays on record."""
    change = targets.TargetChange(**asked.model_dump(exclude={"reason"}))
    made = targets.change_target(session, actor, id, change, reason=asked.reason)
    return personal(request, schemas.TargetOut.of(made, language))


@router.delete(
    "/{id}",
    operation_id="retireTarget",
    summary="停用目标(市级) · Retire a target",
    response_model=schemas.TargetOut,
    responses={**answers("已停用的目标 · The target"), **problems(401, 403, 404, 409)},
)
def retire_target(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    id: Id,
    version: Annotated[int, Query(ge=1, le=schemas.MAX_ID, description="读取时的版本 · As read", examples=[1])],
    reason: Annotated[
        str | None,
        Query(min_length=1, max_length=500, pattern=PLAIN_TEXT, description="原因 · Why", examples=["方案调整"]),
    ] = None,
) -> Response:  # fmt: skip
    """不再有效,但留在记录里 · It no longer holds, and stays on record."""
    made = targets.retire_target(session, actor, id, version, reason=reason)
    return personal(request, schemas.TargetOut.of(made, language))


def _state(session: Session) -> str:
    """Names the state of the ledger: the layers of the map, and the last row that anybody wrote."""
    return f"{database_version(session)} {last_write_at(session)}"


def _cursor_of(view: targets.TargetView) -> str:
    row = view.row
    return f"{row.id} {row.due_on.isoformat()} {row.measure} {row.area_code}"


def _position(text: str | None) -> Position | None:
    if text is None:
        return None
    try:
        number, due_on, measure, area_code = text.split(" ", 3)
        position = area_code, TargetMeasure(measure).value, date.fromisoformat(due_on), int(number)
    except ValueError:
        position = None
    if position is not None and 0 < position[3] <= schemas.MAX_ID:
        return position
    item = ErrorItem("cursor", "无法识别", "is not one of this list", value=text)
    raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.", errors=[item])
