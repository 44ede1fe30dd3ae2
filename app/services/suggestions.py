"""Codes that a person may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, NotFound
from app.models.vocabularies import AreaLevel
from app.repositories import areas as area_repo
from app.repositories.scope import Scope

Named = TypeVar("Named")


def unknown_code(
    field: str, code: str, known: Sequence[str], what_zh: str, what_en: str, otherwise_zh: str, otherwise_en: str
) -> ErrorItem:
    """An item for a code that is not there, with up to three that look like it, or else where to find the codes."""
    close = difflib.get_close_matches(code, known, n=3, cutoff=0.6)
    return ErrorItem(
        field, f"未知的{what_zh}代码", f"unknown {what_en} code", value=code,
        remedy_zh=f"相近的代码:{'、'.join(close)}" if close else otherwise_zh,
        remedy_en=f"close to it: {', '.join(close)}" if close else otherwise_en,
    )  # fmt: skip


def find_named(known: Mapping[str, Named], name: str, field: str, what_zh: str, what_en: str) -> Named:
    """What has a name, which came as ``field``. Raises NotFound, with the names that look like it and all of them."""
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name[:40].lower(), known, n=2, cutoff=0.5)
    every = ", ".join(known)
    item = ErrorItem(
        field, f"没有这个{what_zh}", f"no such {what_en}", value=name,
        remedy_zh=f"{f'是否想写 {close[0]}?' if close else ''}可用:{every}",
        remedy_en=f"{f'did you mean {close[0]}? ' if close else ''}one of {every}",
    )  # fmt: skip
    raise NotFound(f"没有{what_zh} {name[:40]}。", f"There is no {what_en} {name[:40]}.", errors=[item])


def read_area_scope(session: Session, code: str | None, field: str) -> Scope | None:
    """An area that is loaded, as a part of the city; None for None. Raises InvalidInput, with codes like it."""
    if code is None:
        return None
    level = area_repo.levels_of_codes(session, [code]).get(code)
    if level is not None:
        return Scope(AreaLevel(level), code)
    known = area_repo.area_codes(session)
    item = unknown_code(field, code, known, "区划", "area", "全部代码见 /v1/areas", "all codes are at /v1/areas")
    raise InvalidInput(f"没有代码为 {code} 的区划。", f"There is no area {code}.", errors=[item])
