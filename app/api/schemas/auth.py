"""Accounts, sign-ins and API tokens: what is asked and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.stations import title
from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories.accounts import TokenRow, UserRow
from app.services.actors import Actor
from app.services.api_tokens import DEFAULT_DAYS, MOST_DAYS
from app.services.passwords import LONGEST, SHORTEST
from app.services.signing_in import SignedIn

MAX_ID = 2**31 - 1
ONE_LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"  # and not blank
USERNAME = r"^[a-z0-9._-]{3,40}$"
AREA = r"^[A-Za-z0-9._-]+$"


class TokenRequest(BaseModel):
    """OAuth2 (RFC 6749) as a form. 用户名与密码,或 refresh_token"""

    grant_type: Literal["password", "refresh_token"] = Field(examples=["password"])
    username: str | None = Field(default=None, max_length=200, examples=["tianhe"])
    password: str | None = Field(default=None, max_length=LONGEST, examples=["k3fd-9xpm-wtn4-7hqa"])
    refresh_token: str | None = Field(default=None, max_length=200, examples=[None])


class Area(BaseModel):
    """The part of the city that an account answers for. 管辖范围"""

    code: str = Field(examples=["440106"])
    level: AreaLevel = Field(examples=["district"])
    name: str | None = Field(description="界线不在库中时为 null · null while it is not loaded", examples=["天河区"])


class Me(BaseModel):
    """Who is signed in. 当前登录者"""

    username: str = Field(examples=["tianhe"])
    display_name: str = Field(examples=["天河区人社局"])
    role: Role = Field(examples=["district_officer"])
    role_title: str = Field(examples=["区级经办"])
    area: Area
    channel: Channel = Field(description="登录会话或接口令牌 · Session or API token", examples=["session"])
    may_write: bool = Field(examples=[True])
    must_change_password: bool = Field(
        description="密码由他人设置,应尽快修改 · Set by somebody else: to be changed", examples=[False]
    )

    @classmethod
    def of(cls, user: UserRow, actor: Actor, language: Language) -> Me:
        """By a token the role and area are the token's, not the account's."""
        is_own = actor.scope.code == user.area_code
        return cls(
            username=user.username, display_name=user.display_name, role=actor.role,
            role_title=title(actor.role, language),
            area=Area(code=actor.scope.code, level=actor.scope.level, name=user.area_name if is_own else None),
            channel=actor.channel, may_write=actor.may_write, must_change_password=user.must_change_password,
        )  # fmt: skip


class Tokens(BaseModel):
    """What a sign-in gives. 登录结果"""

    access_token: str = Field(description="每个请求带上 · Goes with every request", examples=["eyJhbGciOiJIUzI1NiIs…"])
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="access_token 的有效秒数 · Seconds", examples=[900])
    refresh_token: str = Field(description="只能用一次,换取新的一对 · Good once, for a new pair", examples=["0mG7t1…"])
    session_expires_at: datetime = Field(
        description="最迟到此时须重新登录 · Sign in again by then", examples=["2026-12-02T01:30:00Z"]
    )
    username: str = Field(examples=["tianhe"])
    must_change_password: bool = Field(examples=[False])

    @classmethod
    def of(cls, made: SignedIn) -> Tokens:
        return cls(
            access_token=made.access_token, expires_in=made.expires_in_s, refresh_token=made.refresh_token,
            session_expires_at=made.session_expires_at, username=made.user.username,
            must_change_password=made.user.must_change_password,
        )  # fmt: skip


class PasswordChange(BaseModel):
    """One's own password. 修改密码"""

    model_config = ConfigDict(extra="forbid")

    old_password: str = Field(min_length=1, max_length=LONGEST, examples=["k3fd-9xpm-wtn4-7hqa"])
    new_password: str = Field(
        max_length=LONGEST, examples=["three unrelated words"],
        description=f"至少 {SHORTEST} 个字符,不含用户名,不用常见密码 · "
        f"At least {SHORTEST} characters, not the username, no common one",
    )  # fmt: skip


class NewToken(BaseModel):
    """A token to be issued; role and area are the account's unless given. 签发接口令牌"""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60, pattern=ONE_LINE, examples=["excel-sync"])
    role: Role | None = Field(default=None, description="不高于本人 · At most one's own", examples=["viewer"])
    area_code: str | None = Field(
        default=None, min_length=1, max_length=32, pattern=AREA, examples=["440106"],
        description="在本人的范围之内 · Inside one's own",
    )  # fmt: skip
    may_write: bool = Field(default=False, examples=[False])
    days: int = Field(default=DEFAULT_DAYS, ge=1, le=MOST_DAYS, description="有效天数 · Days", examples=[90])


class Token(BaseModel):
    """An API token, without its secret. 接口令牌"""

    id: int = Field(examples=[3])
    username: str = Field(examples=["tianhe"])
    name: str = Field(examples=["excel-sync"])
    prefix: str = Field(description="令牌的可见部分 · The part that is shown", examples=["smk_a7kq2m5x"])
    role: Role = Field(examples=["viewer"])
    role_title: str = Field(examples=["查看人员"])
    area_code: str = Field(examples=["440106"])
    area_level: AreaLevel = Field(examples=["district"])
    may_write: bool = Field(examples=[False])
    created_at: datetime = Field(examples=["2026-11-25T01:30:00Z"])
    expires_at: datetime = Field(examples=["2027-11-25T01:30:00Z"])
    last_used_at: datetime | None = Field(description="至多每小时记一次 · Noted once an hour at most", examples=[None])
    revoked_at: datetime | None = Field(examples=[None])

    @classmethod
    def of(cls, row: TokenRow, language: Language) -> Token:
        role = Role(row.role)
        return cls(
            id=row.id, username=row.username, name=row.name, prefix=f"smk_{row.prefix}", role=role,
            role_title=title(role, language), area_code=row.area_code, area_level=AreaLevel(row.area_level),
            may_write=row.may_write, created_at=row.created_at, expires_at=row.expires_at,
            last_used_at=row.last_used_at, revoked_at=row.revoked_at,
        )  # fmt: skip


class MadeToken(BaseModel):
    """A new token. 新令牌"""

    token: Token
    secret: str | None = Field(
        description="只显示这一次;以同一幂等键重发时为 null · Shown this once; null when the request is sent again",
        examples=["smk_a7kq2m5x_Zt0…"],
    )


class TokenList(BaseModel):
    """Tokens by id. 令牌列表"""

    next_cursor: str | None = Field(examples=[None])
    tokens: list[Token]


class User(BaseModel):
    """An account. 账号"""

    username: str = Field(examples=["tianhe"])
    display_name: str = Field(examples=["天河区人社局"])
    role: Role = Field(examples=["district_officer"])
    role_title: str = Field(examples=["区级经办"])
    area: Area
    is_disabled: bool = Field(examples=[False])
    must_change_password: bool = Field(examples=[True])
    created_at: datetime = Field(examples=["2026-11-25T01:30:00Z"])
    password_changed_at: datetime = Field(examples=["2026-11-25T01:30:00Z"])
    last_sign_in_at: datetime | None = Field(examples=[None])
    locked_until: datetime | None = Field(description="连续失败后锁定到此时 · After failures", examples=[None])
    version: int = Field(description="修改时原样带回 · Send it back with a change", examples=[1])

    @classmethod
    def of(cls, row: UserRow, language: Language) -> User:
        role = Role(row.role)
        return cls(
            username=row.username, display_name=row.display_name, role=role, role_title=title(role, language),
            area=Area(code=row.area_code, level=AreaLevel(row.area_level), name=row.area_name),
            is_disabled=row.is_disabled, must_change_password=row.must_change_password, created_at=row.created_at,
            password_changed_at=row.password_changed_at, last_sign_in_at=row.last_sign_in_at,
            locked_until=row.locked_until, version=row.version,
        )  # fmt: skip


class UserList(BaseModel):
    """Accounts by username. 账号列表"""

    next_cursor: str | None = Field(examples=[None])
    users: list[User]


class NewUser(BaseModel):
    """An account to be made. 新账号"""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(pattern=USERNAME, examples=["yuexiu"])
    display_name: str | None = Field(default=None, max_length=60, pattern=ONE_LINE, examples=["越秀区人社局"])
    role: Role = Field(examples=["district_officer"])
    area_code: str = Field(
        min_length=1, max_length=32, pattern=AREA, examples=["440104"],
        description="管理员与市级经办为市,区级经办为区,镇街经办为镇街;查看人员不限 · "
        "A city for administrators and city officers, a district, a town; any for viewers",
    )  # fmt: skip
    password: str | None = Field(
        default=None, max_length=LONGEST, description="缺省则随机生成 · A random one unless given", examples=[None]
    )


class UserChange(BaseModel):
    """All of an account as it shall be, and the version that was read. 修改账号"""

    model_config = ConfigDict(extra="forbid")

    display_name: str = Field(max_length=60, pattern=ONE_LINE, examples=["天河区人社局"])
    role: Role = Field(examples=["district_officer"])
    area_code: str = Field(min_length=1, max_length=32, pattern=AREA, examples=["440106"])
    is_disabled: bool = Field(examples=[False])
    version: int = Field(ge=1, le=MAX_ID, examples=[1])


class PasswordReset(BaseModel):
    """A new password for somebody. 重设密码"""

    model_config = ConfigDict(extra="forbid")

    password: str | None = Field(
        default=None, max_length=LONGEST, description="缺省则随机生成 · A random one unless given", examples=[None]
    )


class GivenPassword(BaseModel):
    """An account and the password that was made for it. 账号与初始密码"""

    user: User
    password: str | None = Field(
        description="随机密码,只显示这一次;自行指定或重发请求时为 null · "
        "The random one, shown this once; null where it was given, or the request is sent again",
        examples=["k3fd-9xpm-wtn4-7hqa"],
    )
