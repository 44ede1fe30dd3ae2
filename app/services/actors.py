"""Who acts, in which part of the city, and what that lets them do. The one place where powers are decided."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import ErrorItem, Forbidden, OutOfScope
from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories.scope import Scope


@dataclass(frozen=True)
class Actor:
    """Who a request comes from. ``user_id`` is None for the command line, the system and the public.

    ``may_write`` is False for API tokens that only read. ``address`` is where an officer's request came from.
    """

    user_id: int | None
    username: str
    display_name: str
    role: Role
    scope: Scope
    channel: Channel
    may_write: bool = True
    address: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    token_id: int | None = None

    def require(self, role: Role, *, write: bool = False) -> None:
        """Raises Forbidden for a lower role, or for an API token that only reads where ``write``."""
        if self.role.rank < role.rank:
            raise Forbidden(
                f"此操作需要“{role.title_zh}”或更高的角色,当前账号为“{self.role.title_zh}”。",
                f"This needs the role {role.value} or a higher one; this account has {self.role.value}.",
                errors=[
                    ErrorItem(
                        "role", "权限不足", "not allowed for this role", value=self.role.value,
                        remedy_zh="请由有权限的人员操作,或请管理员调整角色",
                        remedy_en="ask somebody who may, or an administrator to change the role",
                    )
                ],
            )  # fmt: skip
        if write and not self.may_write:
            raise Forbidden(
                "此接口令牌只能读取。", "This API token may only read.",
                errors=[
                    ErrorItem(
                        "Authorization", "令牌没有写权限", "the token may not write",
                        remedy_zh="请签发可写的令牌", remedy_en="issue a token that may write",
                    )
                ],
            )  # fmt: skip

    def require_area(self, district_code: str | None, town_code: str | None, *, field: str, value: str) -> None:
        """Raises OutOfScope unless something that lies in these areas is in the actor's scope.

        ``field`` and ``value`` name it in the error, e.g. ``code`` and the station's code.
        """
        if self.scope.holds(district_code, town_code):
            return
        raise OutOfScope(
            f"{value} 不在您的管辖范围({self.scope.code})之内。",
            f"{value} is outside of your scope ({self.scope.code}).",
            errors=[
                ErrorItem(
                    field, "不在管辖范围内", "outside of the account's scope", value=value,
                    remedy_zh=f"只能操作 {self.scope.code}({self.scope.level.title_zh})之内的数据",
                    remedy_en=f"only what lies in {self.scope.code} ({self.scope.level.value}) can be touched",
                )
            ],
        )  # fmt: skip


def of_command(username: str) -> Actor:
    """The person at the command line: whoever may run it holds the database anyway."""
    everything = Scope(AreaLevel.CITY, "*")
    return Actor(None, username, username, Role.ADMINISTRATOR, everything, Channel.COMMAND)


def of_system(name: str) -> Actor:
    """What the software does of itself, e.g. the demonstration city."""
    return Actor(None, name, name, Role.ADMINISTRATOR, Scope(AreaLevel.CITY, "*"), Channel.SYSTEM)


def of_public() -> Actor:
    """Somebody unknown who rates or complains: no name, no address is kept."""
    return Actor(None, "public", "公众", Role.VIEWER, Scope(AreaLevel.CITY, "*"), Channel.PUBLIC)
