"""The ledger of stations: full records, changes, and their history. For officers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.language import Language
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, AreaCode, CursorQuery, StationCode
from app.api.schemas.common import Notice
from app.api.schemas.ledger_stations import (
    Advice,
    LedgerStationAnswer,
    LedgerStationDetail,
    LedgerStationList,
    NewStationQuestion,
    StationChangeList,
    StationChangeOut,
    StationChangeQuestion,
    StationSaved,
    values_of,
)
from app.errors import ErrorItem, InvalidInput, OutOfScope, StaleVersion
from app.geo.crs import Crs
from app.ingest.city import loaded_areas, zone_of_areas
from app.ingest.station_places import Surroundings, position_faults
from app.models.vocabularies import DatasetKind, HostKind, StationStatus, StationType
from app.repositories.stations import StationFilter
from app.services.actors import Actor
from app.services.dataset_reads import data_notice
from app.services.station_history import station_changes
from app.services.station_ledger import EditResult, Outcome, StationEdit, save_stations
from app.services.station_record import FIELD, POSITION
from app.services.station_register import get_ledger_station, list_ledger

router = APIRouter(prefix="/ledger/stations", tags=["ledger"])
KINDS = (DatasetKind.STATIONS, DatasetKind.BOUNDARIES)


@router.get(
    "",
    operation_id="listLedgerStations",
    summary="站点台账 · Ledger of stations",
    response_model=LedgerStationList,
    responses={**answers("一页站点 · A page"), **problems(401, 403, 404)},
)
def list_ledger_stations(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    q: Annotated[
        str | None,
        Query(
            min_length=1, max_length=100, pattern=PLAIN_TEXT, examples=["天河南"],
            description="名称、地址或编号中含有的文字 · Text within name, address or code",
        ),
    ] = None,
    type: Annotated[
        list[StationType],
        Query(max_length=20, description="类型,可重复 · Type", examples=[["community"]]),
    ] = [],  # noqa: B006
    host_kind: Annotated[
        list[HostKind],
        Query(max_length=40, description="载体,可重复 · Host", examples=[["other"]]),
    ] = [],  # noqa: B006
    status: Annotated[
        list[StationStatus],
        Query(max_length=20, description="状态,可重复 · Status", examples=[["open"]]),
    ] = [],  # noqa: B006
    district: Annotated[AreaCode | None, Query(description="区代码 · District code", examples=["440106"])] = None,
    town: Annotated[AreaCode | None, Query(description="镇街代码 · Town code", examples=["440106011"])] = None,
    batch: Annotated[int | None, Query(ge=1, le=3, description="批次 · Batch", examples=[1])] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数 · Stations per page", examples=[100])] = 100,
    cursor: CursorQuery = None,
) -> Response:  # fmt: skip
    """管辖范围之内的站点,按编号。`missing` 为方案要求而尚未填写的字段。

    The stations in the account's scope by code. `missing` are fields that the plan asks for and that are empty.
    """
    wanted = StationFilter(
        text=q, types=[one.value for one in type], host_kinds=[one.value for one in host_kind],
        statuses=[one.value for one in status], district_code=district, town_code=town,
    )  # fmt: skip
    page = list_ledger(session, actor, wanted, batch=batch, after_code=read_cursor(request, cursor), limit=limit)
    following = None if page.last_code is None else next_cursor(request, page.last_code)
    body = LedgerStationList(
        total=page.total, next_cursor=following, data_notice=Notice.of(data_notice(session, KINDS), language),
        stations=[LedgerStationAnswer.of(station) for station in page.stations],
    )  # fmt: skip
    answer = personal(request, body)
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/{code}",
    operation_id="getLedgerStation",
    summary="一个站点的完整登记 · A station's full record",
    response_model=LedgerStationDetail,
    responses={**answers("完整登记 · The record"), **problems(401, 403, 404)},
)
def get_station_record(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, code: StationCode
) -> Response:
    """修改时请带上 `version` · Name `version` when you change it."""
    shown = LedgerStationAnswer.of(get_ledger_station(session, actor, code))
    notice = Notice.of(data_notice(session, KINDS), language)
    return personal(request, LedgerStationDetail.model_construct(**shown.__dict__, data_notice=notice))


@router.get(
    "/{code}/changes",
    operation_id="listStationChanges",
    summary="站点变更史 · History of changes",
    response_model=StationChangeList,
    responses={**answers("变更 · Changes"), **problems(401, 403, 404)},
)
def get_station_changes(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, code: StationCode
) -> Response:
    """何人何时因何改了什么,最近的在前 · Who changed what, when and why; the newest first."""
    found = [StationChangeOut.of(change, language) for change in station_changes(session, actor, code)]
    return personal(request, StationChangeList(code=code, changes=found))


@router.post(
    "",
    operation_id="addLedgerStation",
    summary="登记新站点 · Register a station",
    response_model=StationSaved,
    status_code=201,
    responses={**created("已登记 · Registered"), **problems(400, 401, 403, 409, 413)},
)
def add_station(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    question: NewStationQuestion,
    key: IdempotencyKey = None,
) -> Response:
    """位置须写明坐标系(`crs`)。站点随即出现在 `/v1/stations`、六边形与覆盖之中。

    The position names its system (`crs`). The station is at once in `/v1/stations`, on hexes and in coverage.
    """
    values = values_of(question.record)

    def make() -> Response:
        edit = StationEdit(str(values.get("code") or ""), values, None)
        return _saved(request, session, actor, language, edit, question.reason, status=201)

    return once(request, session, actor, key, encode(question), make)


@router.post(
    "/{code}/changes",
    operation_id="changeLedgerStation",
    summary="变更站点 · Change a station",
    response_model=StationSaved,
    responses={**answers("已变更 · Changed"), **problems(400, 401, 403, 404, 409, 413)},
)
def change_station(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    code: StationCode,
    question: StationChangeQuestion,
    key: IdempotencyKey = None,
) -> Response:
    """只写要改的字段。他人同时改过别的字段,不受影响;改过同一字段,则为 409,什么也不写,`errors` 逐字段列出。

    Name only the fields that change. What others changed elsewhere meanwhile stays; where they changed the same field,
    the answer is 409, nothing is written, and `errors` lists the fields. Without `effective_on` it is a correction of
    what is recorded; a change of status holds from its day, or from today.
    """
    get_ledger_station(session, actor, code)  # there is one, and it is in scope

    def make() -> Response:
        edit = StationEdit(
            code, values_of(question.changes), question.version, question.effective_on, question.effective_until
        )
        return _saved(request, session, actor, language, edit, question.reason, status=200)

    return once(request, session, actor, key, encode(question), make)


def _saved(
    request: Request, session: Session, actor: Actor, language: Language, edit: StationEdit, reason: str | None, *,
    status: int,
) -> Response:  # fmt: skip
    """Write one edit and answer. Raises what stops it."""
    errors, warnings = _place_faults(session, edit.values)
    if errors:
        raise InvalidInput("站点的位置有误。", "The position of the station is wrong.", errors=errors)
    result = save_stations(session, actor, [edit], reason=reason)[0]
    _raise_if_stopped(result)
    advice = [
        Advice(
            field=item.field, value=item.value, message=language.pick(item.message_zh, item.message_en),
            remedy=language.pick(item.remedy_zh or "", item.remedy_en or "") or None,
        )
        for item in warnings
    ]  # fmt: skip
    return personal(request, StationSaved.of(result, advice, language), status=status)


def _place_faults(session: Session, values: Mapping[str, Any]) -> tuple[list[ErrorItem], list[ErrorItem]]:
    """What is wrong with a position that is stated whole; one in parts is looked at by the service."""
    lng, lat, crs = (values.get(name) for name in POSITION)
    if lng is None or lat is None or crs is None:
        return [], []
    areas = loaded_areas(session)
    return position_faults(lng, lat, Crs(crs), Surroundings.of(zone_of_areas(areas), areas))


def _raise_if_stopped(result: EditResult) -> None:
    if result.out_of_scope:
        raise OutOfScope("该站点不在您的管辖范围之内。", "The station is outside of your scope.", errors=result.faults)
    if result.faults:
        raise InvalidInput(
            f"站点登记有 {len(result.faults)} 处错误,未写入。",
            f"The record has {len(result.faults)} fault{'s' if len(result.faults) > 1 else ''}; nothing was written.",
            errors=result.faults,
        )
    if result.outcome is Outcome.CONFLICT:
        raise StaleVersion(
            "您读取之后,他人已修改了同样的字段,未写入。请重新读取后再改。",
            "Somebody else has changed the same fields since you read it; nothing was written. Read it anew.",
            errors=[
                ErrorItem(
                    one.field,
                    f"{FIELD[one.field].title_zh}已由“{one.base}”改为“{one.theirs}”",
                    f"was changed from {one.base!r} to {one.theirs!r}",
                    value=str(one.mine),
                    remedy_zh=f"当前版本为 {result.version}",
                    remedy_en=f"the current version is {result.version}",
                )
                for one in result.conflicts
            ],
        )
