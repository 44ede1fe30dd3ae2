"""Columns of a station ledger by their Chinese and English headings, and the words of its vocabularies."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

from app.models.vocabularies import HostKind, StationStatus, StationType, Vocabulary

HEADINGS: dict[str, tuple[str, ...]] = {
    "code": ("编号", "站点编号", "站点编码", "站点代码", "编码", "代码", "code", "stationcode", "id", "stationid"),
    "name": ("名称", "站点名称", "站点名", "站名", "站点", "name", "stationname", "station"),
    "type": ("类型", "站点类型", "type", "stationtype"),
    "host_kind": ("载体", "载体类型", "依托载体", "载体类别", "hostkind", "host", "hosttype"),
    "status": ("状态", "运营状态", "站点状态", "status", "state"),
    "address": ("地址", "详细地址", "站点地址", "address"),
    "lng": ("经度", "东经", "lng", "lon", "long", "longitude", "x"),
    "lat": ("纬度", "北纬", "lat", "latitude", "y"),
    "selected_on": ("遴选日期", "遴选时间", "入选日期", "selectedon", "selected"),
    "plaque_hung_on": ("挂牌日期", "挂牌时间", "plaquehungon", "plaquehung"),
    "opened_on": ("开站日期", "开站时间", "开放日期", "开业日期", "启用日期", "openedon", "opened", "opendate"),
    "closed_on": ("关闭日期", "关站日期", "关闭时间", "停用日期", "closedon", "closed", "closedate"),
    "district": ("区", "区县", "所属区", "所在区", "行政区", "区名", "district", "districtname", "districtcode"),
    "town": ("镇街", "街道", "街镇", "所属镇街", "所在镇街", "镇街名称", "town", "townname", "towncode"),
}  # fmt: skip
REQUIRED = ("name", "lng", "lat")
DATES = ("selected_on", "plaque_hung_on", "opened_on", "closed_on")
VOCABULARIES: dict[str, type[Vocabulary]] = {"type": StationType, "host_kind": HostKind, "status": StationStatus}
DEFAULTS: dict[str, Vocabulary] = {
    "type": StationType.COMMUNITY, "host_kind": HostKind.OTHER, "status": StationStatus.OPEN
}  # fmt: skip
BRACKETS = re.compile(r"[(\[【].*?[)\]】]")

_FIELDS = {heading: field for field, headings in HEADINGS.items() for heading in headings}
V = TypeVar("V", bound=Vocabulary)


def field_of(heading: object) -> str | None:
    """The field that a heading names: brackets, spaces, underscores and case do not matter. None when unknown."""
    text = unicodedata.normalize("NFKC", str(heading or ""))
    return _FIELDS.get(plain(BRACKETS.sub("", text)))


def plain(text: str) -> str:
    """Letters and digits only, in lower case, full-width ones as ordinary ones."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def word_of(vocabulary: type[V], text: str) -> V:
    """The member of a vocabulary by its identifier, Chinese or English title. Raises ValueError."""
    wanted = plain(text)
    for member in vocabulary:
        if wanted in (plain(member.value), plain(member.title_zh), plain(member.title_en)):
            return member
    raise ValueError(text)


def words(vocabulary: type[Vocabulary]) -> Sequence[str]:
    """All words that may be written, for messages: title and identifier."""
    return [f"{member.title_zh}({member.value})" for member in vocabulary]
