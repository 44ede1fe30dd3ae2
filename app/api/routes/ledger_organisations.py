"""Organisations and pairings. For officers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, CursorQuery
from app.api.schemas.ledger_organisations import (
    MAX_ID,
    NewOrganisation,
    NewPairing,
    OrganisationChange,
    OrganisationList,
    OrganisationOut,
    PairingChange,
    PairingList,
    PairingOut,
)
from app.errors import InvalidInput
from app.services.organisations import (
    add_organisation,
    add_pairing,
    change_organisation,
    change_pairing,
    get_pairing,
    list_organisations,
    list_pairings,
)

router = APIRouter(prefix="/ledger", tags=["ledger"])
Limit = Annotated[int, Query(ge=1, le=500, description="每页条数 · Rows per page", examples=[100])]
Id = Annotated[int, Path(ge=1, le=MAX_ID, description="编号 · Id", examples=[1])]
WRITES = problems(400, 401, 403, 404, 409, 413)


@router.get(
    "/organisations",
    operation_id="listOrganisations",
    summary="单位名录 · Organisations",
    response_model=OrganisationList,
    responses={**answers("一页单位 · A page"), **problems(401, 403)},
)
def get_organisations(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    q: Annotated[
        str | None,
        Query(
            min_length=1, max_length=100, pattern=PLAIN_TEXT, examples=["培训"],
            description="名称中的文字 · Text in the name",
        ),
    ] = None,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:  # fmt: skip
    """载体、运营、承训与合作单位,按名称 · Hosts, operators, contractors and partners, by name."""
    rows = list_organisations(session, actor, text=q, after_name=read_cursor(request, cursor), limit=limit + 1)
    following = next_cursor(request, rows[limit - 1].name) if len(rows) > limit else None
    held = [OrganisationOut.of(row, language) for row in rows[:limit]]
    answer = personal(request, OrganisationList(next_cursor=following, organisations=held))
    answer.headers.update(link_to_next(request, following))
    return answer


@router.post(
    "/organisations",
    operation_id="addOrganisation",
    summary="登记单位 · Register an organisation",
    response_model=OrganisationOut,
    status_code=201,
    responses={**created("已登记 · Registered"), **problems(400, 401, 403, 409, 413)},
)
def post_organisation(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, question: NewOrganisation,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """站点登记中写到的单位会自动列入 · Those that stations name are listed by themselves."""

    def make() -> Response:
        row = add_organisation(session, actor, question.model_dump(mode="json"))
        return personal(request, OrganisationOut.of(row, language), status=201)

    return once(request, session, actor, key, encode(question), make)


@router.put(
    "/organisations/{id}",
    operation_id="changeOrganisation",
    summary="修改单位 · Change an organisation",
    response_model=OrganisationOut,
    responses={**answers("单位 · The organisation"), **WRITES},
)
def put_organisation(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, question: OrganisationChange
) -> Response:
    """名称不改:站点以名称指明单位 · The name stays, since stations name it."""
    values = question.model_dump(mode="json", exclude={"version"})
    return personal(
        request, OrganisationOut.of(change_organisation(session, actor, id, question.version, values), language)
    )


@router.get(
    "/pairings",
    operation_id="listPairings",
    summary="结对 · Pairings",
    response_model=PairingList,
    responses={**answers("一页结对 · A page"), **problems(401, 403)},
)
def get_pairings(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    station: Annotated[
        str | None,
        Query(
            min_length=1, max_length=64, pattern=PLAIN_TEXT, description="站点编号 · Station code",
            examples=["YC440106-001"],
        ),
    ] = None,
    current: Annotated[bool, Query(description="只列未到期的 · Only those not over", examples=[True])] = True,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:  # fmt: skip
    """管辖范围之内站点的结对 · Pairings of stations in the account's scope."""
    after = read_cursor(request, cursor)
    if after is not None and not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.")
    rows = list_pairings(
        session, actor, station_code=station, current=current, after_id=None if after is None else int(after),
        limit=limit + 1,
    )  # fmt: skip
    following = next_cursor(request, str(rows[limit - 1].id)) if len(rows) > limit else None
    held = [PairingOut.of(row, language) for row in rows[:limit]]
    answer = personal(request, PairingList(next_cursor=following, pairings=held))
    answer.headers.update(link_to_next(request, following))
    return answer


@router.get(
    "/pairings/{id}",
    operation_id="getPairing",
    summary="一项结对 · One pairing",
    response_model=PairingOut,
    responses={**answers("结对 · The pairing"), **problems(401, 403, 404)},
)
def get_one_pairing(request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id) -> Response:
    """修改时请带上 `version` · Name `version` when you change it."""
    return personal(request, PairingOut.of(get_pairing(session, actor, id), language))


@router.post(
    "/pairings",
    operation_id="addPairing",
    summary="登记结对 · Record a pairing",
    response_model=PairingOut,
    status_code=201,
    responses={**created("已登记 · Recorded"), **WRITES},
)
def post_pairing(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, question: NewPairing,
    key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """一对一:站点此时没有别的结对;一对多:可与多家结对 · one_to_one: the station has no other at the time."""

    def make() -> Response:
        row = add_pairing(session, actor, question.model_dump(mode="python") | {"mode": question.mode.value})
        return personal(request, PairingOut.of(row, language), status=201)

    return once(request, session, actor, key, encode(question), make)


@router.put(
    "/pairings/{id}",
    operation_id="changePairing",
    summary="修改或结束结对 · Change or end a pairing",
    response_model=PairingOut,
    responses={**answers("结对 · The pairing"), **WRITES},
)
def put_pairing(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: Id, question: PairingChange
) -> Response:
    """结束:填写 `ends_on` · To end it, set `ends_on`."""
    values = question.model_dump(exclude={"version"}) | {"mode": question.mode.value}
    return personal(request, PairingOut.of(change_pairing(session, actor, id, question.version, values), language))
