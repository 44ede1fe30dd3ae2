"""Signing in, one's own password, API tokens; and accounts, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import encode, personal
from app.api.deps import LanguageDep, SessionDep, resources_of
from app.api.described import answers, created, problems
from app.api.idempotency import IdempotencyKey, once
from app.api.identity import ActorDep, origin_of
from app.api.paging import link_to_next, next_cursor, read_cursor
from app.api.parameters import PLAIN_TEXT, CursorQuery
from app.api.schemas import auth as schemas
from app.errors import ErrorItem, InvalidInput
from app.services import accounts, api_tokens, signing_in
from app.settings import auth_settings

router = APIRouter(prefix="/auth", tags=["auth"])
Limit = Annotated[int, Query(ge=1, le=500, description="每页条数 · Rows per page", examples=[100])]
TokenId = Annotated[int, Path(ge=1, le=schemas.MAX_ID, description="令牌编号 · Id of the token", examples=[3])]
Username = Annotated[
    str, Path(min_length=1, max_length=64, pattern=PLAIN_TEXT, description="用户名 · Username", examples=["tianhe"])
]
WRITES = problems(400, 401, 403, 404, 409, 413)
NO_CONTENT: dict[int | str, dict[str, str]] = {204: {"description": "已办 · Done"}}


@router.post(
    "/token",
    operation_id="signIn",
    summary="登录与续期 · Sign in, and refresh",
    response_model=schemas.Tokens,
    responses={**answers("一对令牌 · A pair of tokens"), **problems(400, 401, 413, 429)},
)
def sign_in(request: Request, asked: Annotated[schemas.TokenRequest, Form()]) -> Response:
    """表单(`application/x-www-form-urlencoded`),OAuth2。`access_token` 约 15 分钟有效;到期前后用 `refresh_token`
    换取新的一对,旧的即作废。同一个 `refresh_token` 第二次出现,整个登录即告结束:它可能被盗。

    An OAuth2 form. An `access_token` lives for 15 minutes; `refresh_token` is good once, for a new pair. One that
    comes a second time ends the session: it may have been stolen. Five wrong passwords in a row lock the account for
    a quarter of an hour (429), for the right password too.
    """
    engine, origin, settings = resources_of(request).engine, origin_of(request), auth_settings()
    if asked.grant_type == "refresh_token":
        made = signing_in.refresh(engine, settings, _given("refresh_token", asked.refresh_token), origin)
    else:
        username, password = _given("username", asked.username), _given("password", asked.password)
        made = signing_in.sign_in(engine, settings, username, password, origin)
    return personal(request, schemas.Tokens.of(made))


@router.get(
    "/me",
    operation_id="getMe",
    summary="当前登录者 · Who is signed in",
    response_model=schemas.Me,
    responses={**answers("当前登录者 · Who is signed in"), **problems(401, 404)},
)
def get_me(request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep) -> Response:
    """角色与管辖范围;用接口令牌时为令牌的 · Role and area; by an API token, the token's own."""
    return personal(request, schemas.Me.of(accounts.own_account(session, actor), actor, language))


@router.post(
    "/sign-out",
    operation_id="signOut",
    summary="退出 · Sign out",
    status_code=204,
    response_class=Response,
    responses={**NO_CONTENT, **problems(401)},
)
def sign_out(session: SessionDep, actor: ActorDep) -> Response:
    """两种令牌立即失效 · Both tokens are refused from now on."""
    signing_in.sign_out(session, actor)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.post(
    "/password",
    operation_id="changePassword",
    summary="修改本人密码 · Change one's own password",
    status_code=204,
    response_class=Response,
    responses={**NO_CONTENT, **problems(400, 401, 403, 413, 429)},
)
def change_password(
    request: Request, session: SessionDep, actor: ActorDep, asked: schemas.PasswordChange
) -> Response:  # fmt: skip
    """本人的其他登录随即结束 · One's other sessions end."""
    engine = resources_of(request).engine
    accounts.change_password(engine, session, auth_settings(), actor, asked.old_password, asked.new_password)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.get(
    "/tokens",
    operation_id="listTokens",
    summary="接口令牌 · API tokens",
    response_model=schemas.TokenList,
    responses={**answers("一页令牌 · A page"), **problems(401, 403)},
)
def list_tokens(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """本人的令牌;管理员看到全部。已作废的也在内 · One's own, all of them for administrators; revoked ones too."""
    after = _token_cursor(read_cursor(request, cursor))
    rows = api_tokens.list_tokens(session, actor, after=after, limit=limit + 1)
    following = next_cursor(request, str(rows[limit - 1].id)) if len(rows) > limit else None
    held = [schemas.Token.of(row, language) for row in rows[:limit]]
    answer = personal(request, schemas.TokenList(next_cursor=following, tokens=held))
    answer.headers.update(link_to_next(request, following))
    return answer


@router.post(
    "/tokens",
    operation_id="issueToken",
    summary="签发接口令牌 · Issue an API token",
    status_code=201,
    response_model=schemas.MadeToken,
    responses={**created("新令牌 · The new token"), **WRITES},
)
def issue_token(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    asked: schemas.NewToken,
    key: IdempotencyKey = None,
) -> Response:
    """供程序使用;权限与范围不超过本人 · For machines; it may do no more than oneself."""
    made: list[api_tokens.MadeToken] = []

    def make() -> Response:
        api_tokens.require_person(actor)
        owner = accounts.own_account(session, actor)
        made.append(api_tokens.make_token(session, actor, owner, api_tokens.NewToken(**asked.model_dump())))
        return answer(None)  # what is kept for a repeated request has no secret in it

    def answer(secret: str | None) -> Response:
        token = schemas.Token.of(made[0].token, language)
        return personal(request, schemas.MadeToken(token=token, secret=secret), status=201)

    kept = once(request, session, actor, key, encode(asked), make)
    return answer(made[0].secret) if made else kept


@router.delete(
    "/tokens/{id}",
    operation_id="revokeToken",
    summary="作废接口令牌 · Revoke an API token",
    response_model=schemas.Token,
    responses={**answers("已作废的令牌 · The token"), **problems(401, 403, 404)},
)
def revoke_token(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, id: TokenId
) -> Response:  # fmt: skip
    """立即生效;再次作废不变 · At once; revoked again, it stays as it is."""
    return personal(request, schemas.Token.of(api_tokens.revoke_token(session, actor, id), language))


@router.get(
    "/users",
    operation_id="listUsers",
    summary="账号(管理员) · Accounts, for administrators",
    response_model=schemas.UserList,
    responses={**answers("一页账号 · A page"), **problems(401, 403)},
)
def list_users(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    limit: Limit = 100,
    cursor: CursorQuery = None,
) -> Response:
    """按用户名,停用的也在内 · By username, disabled ones too."""
    rows = accounts.list_users(session, actor, after=read_cursor(request, cursor), limit=limit + 1)
    following = next_cursor(request, rows[limit - 1].username) if len(rows) > limit else None
    held = [schemas.User.of(row, language) for row in rows[:limit]]
    answer = personal(request, schemas.UserList(next_cursor=following, users=held))
    answer.headers.update(link_to_next(request, following))
    return answer


@router.post(
    "/users",
    operation_id="addUser",
    summary="新建账号(管理员) · Make an account",
    status_code=201,
    response_model=schemas.GivenPassword,
    responses={**created("新账号 · The new account"), **WRITES},
)
def add_user(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    asked: schemas.NewUser,
    key: IdempotencyKey = None,
) -> Response:
    """随机密码只显示这一次 · A random password is shown this once."""
    made: list[accounts.GivenPassword] = []

    def make() -> Response:
        made.append(accounts.add_user(session, actor, accounts.NewUser(**asked.model_dump())))
        return answer(None)

    def answer(password: str | None) -> Response:
        user = schemas.User.of(made[0].user, language)
        return personal(request, schemas.GivenPassword(user=user, password=password), status=201)

    told = encode(asked.model_copy(update={"password": None}))  # no hash of a password is kept but the slow one
    kept = once(request, session, actor, key, told, make)
    return answer(made[0].password) if made else kept


@router.get(
    "/users/{username}",
    operation_id="getUser",
    summary="一个账号(管理员) · One account",
    response_model=schemas.User,
    responses={**answers("账号 · The account"), **problems(401, 403, 404)},
)
def get_user(
    request: Request, session: SessionDep, actor: ActorDep, language: LanguageDep, username: Username
) -> Response:  # fmt: skip
    """用户名不存在时,404 给出相近的 · The 404 names those that look like it."""
    return personal(request, schemas.User.of(accounts.get_user(session, actor, username), language))


@router.put(
    "/users/{username}",
    operation_id="changeUser",
    summary="修改、停用、启用账号(管理员) · Change, disable, enable an account",
    response_model=schemas.User,
    responses={**answers("修改后的账号 · The account after it"), **WRITES},
)
def change_user(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    username: Username,
    asked: schemas.UserChange,
) -> Response:
    """停用即刻结束其登录并作废其令牌;降级或调离则作废超出的令牌。最后一个管理员不能停用或降级。

    Disabling ends sessions and tokens at once; tokens that would exceed a lowered account end too. The last enabled
    administrator stays one.
    """
    after = accounts.change_user(session, actor, username, accounts.UserChange(**asked.model_dump()))
    return personal(request, schemas.User.of(after, language))


@router.post(
    "/users/{username}/password",
    operation_id="resetPassword",
    summary="重设密码(管理员) · Set another password",
    response_model=schemas.GivenPassword,
    responses={**answers("账号与新密码 · The account and its new password"), **problems(400, 401, 403, 404, 413)},
)
def reset_password(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    language: LanguageDep,
    username: Username,
    asked: schemas.PasswordReset,
) -> Response:
    """其登录随即结束,锁定解除 · The account's sessions end, and a lock-out with them."""
    given = accounts.reset_password(session, actor, username, asked.password)
    user = schemas.User.of(given.user, language)
    return personal(request, schemas.GivenPassword(user=user, password=given.password))


def _given(field: str, value: str | None) -> str:
    if value:
        return value
    item = ErrorItem(
        field, "缺少", "is missing", remedy_zh="加上此项(表单字段)", remedy_en="add it, as a field of the form"
    )
    raise InvalidInput(f"缺少 {field}。", f"{field} is missing.", errors=[item])


def _token_cursor(after: str | None) -> int | None:
    if after is None:
        return None
    if after.isascii() and after.isdigit() and len(after) <= 18 and int(after) <= schemas.MAX_ID:
        return int(after)
    item = ErrorItem("cursor", "无法识别", "is not one of this list", value=after)
    raise InvalidInput("翻页游标无法使用。", "The cursor cannot be used.", errors=[item])
