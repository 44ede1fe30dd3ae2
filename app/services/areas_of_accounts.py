"""Which area goes with which role, and which areas lie inside a scope."""

from __future__ import annotations

import re

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput
from app.models.vocabularies import AreaLevel, Role
from app.repositories import accounts as repo
from app.repositories import areas as area_repo
from app.repositories.scope import Scope
from app.services.suggestions import unknown_code

LEVEL_OF_ROLE = {
    Role.TOWN_OFFICER: AreaLevel.TOWN,
    Role.DISTRICT_OFFICER: AreaLevel.DISTRICT,
    Role.CITY_OFFICER: AreaLevel.CITY,
    Role.ADMINISTRATOR: AreaLevel.CITY,
}
CODE = re.compile(r"[A-Za-z0-9._-]{1,32}").fullmatch


def check_role_and_area(session: Session, role: Role, area_code: str) -> Scope:
    """The scope that an area code names for a role.

    A city's scope is everything: while no area of that level is loaded, any code of the usual form stands for it, so
    that there can be an administrator before there are data. Raises InvalidInput for a code that there is not (with
    those like it) or of another level.
    """
    wanted = LEVEL_OF_ROLE.get(role)
    is_new = repo.level_of_area(session, area_code) is None
    if is_new and wanted in (None, AreaLevel.CITY) and CODE(area_code) and not repo.cities(session):
        return Scope(AreaLevel.CITY, area_code)
    scope = scope_of_area(session, area_code)
    if wanted is not None and scope.level is not wanted:
        item = ErrorItem(
            "area_code", f"是{scope.level.title_zh}级区划", f"is an area of level {scope.level.value}", value=area_code,
            remedy_zh=f"“{role.title_zh}”须对应{wanted.title_zh}级区划",
            remedy_en=f"{role.value} takes a {wanted.value}",
        )  # fmt: skip
        raise InvalidInput("角色与区划级别不符。", "Role and area do not go together.", errors=[item])
    return scope


def scope_of_area(session: Session, area_code: str) -> Scope:
    """An area by its code. Raises InvalidInput with the codes like it."""
    level = repo.level_of_area(session, area_code)
    if level is None:
        raise _unknown_area(session, area_code)
    return Scope(AreaLevel(level), area_code)


def the_city(session: Session) -> str:
    """The one city that is loaded. Raises InvalidInput where there is none, or more."""
    cities = repo.cities(session)
    if len(cities) == 1:
        return cities[0]
    item = ErrorItem(
        "area_code", "缺少", "is missing", remedy_zh="写明区划代码,如 4401", remedy_en="name the area, such as 4401"
    )
    raise InvalidInput("请写明管辖区划。", "Name the area of the account.", errors=[item])


def holds_area(session: Session, scope: Scope, area: Scope) -> bool:
    """Does an area lie inside a scope?"""
    if scope.level is AreaLevel.CITY or area == scope:
        return True
    inside = scope.level is AreaLevel.DISTRICT and area.level is AreaLevel.TOWN
    return inside and repo.parent_of_area(session, area.code) == scope.code


def _unknown_area(session: Session, area_code: str) -> InvalidInput:
    known = area_repo.area_codes(session)
    none_zh, none_en = "尚未导入区划:先用 import boundaries 导入", "none is loaded: import boundaries first"
    item = unknown_code(
        "area_code", area_code, known, "区划", "area",
        "全部代码见 /v1/areas" if known else none_zh, "all codes are at /v1/areas" if known else none_en,
    )  # fmt: skip
    return InvalidInput(f"没有代码为 {area_code} 的区划。", f"There is no area {area_code}.", errors=[item])
