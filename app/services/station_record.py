"""The full record of a station: which fields it has, and what each may hold.

One list for all that reads or writes records: the officers' calls, workbooks in and out, exports, the public page. The
fields are those of the plan (穗人社 2025-05-30, §2.4, §3 and §4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.geo.crs import Crs
from app.models.vocabularies import (
    HostKind,
    OperatingMode,
    StationStatus,
    StationType,
    TargetGroup,
    TrainingMode,
    Vocabulary,
)


class FieldKind(StrEnum):
    """What a field holds; in Python: str, str, str, member's value, list of them, list of str, int, float, bool, date,
    list of exceptions."""

    CODE = "code"
    TEXT = "text"
    LONG_TEXT = "long_text"  # may have several lines
    WORD = "word"
    WORDS = "words"
    TEXTS = "texts"
    WHOLE = "whole"
    NUMBER = "number"
    YES_NO = "yes_no"
    DAY = "day"
    HOURS = "hours"
    EXCEPTIONS = "exceptions"  # [{"date": "2026-02-17", "hours": null, "note": "春节"}], hours null: closed


@dataclass(frozen=True)
class RecordField:
    """One field. ``section_zh`` groups fields in workbooks and pages; ``is_public`` ones are shown to everybody."""

    name: str
    title_zh: str
    title_en: str
    kind: FieldKind
    section_zh: str
    vocabulary: type[Vocabulary] | type[Crs] | None = None
    required: bool = False
    is_public: bool = True
    note_zh: str = ""
    note_en: str = ""


def _fields() -> tuple[RecordField, ...]:
    text, long, word = FieldKind.TEXT, FieldKind.LONG_TEXT, FieldKind.WORD
    days = (
        ("selected_on", "遴选日期", "Selected on"), ("plaque_hung_on", "挂牌日期", "Plaque hung on"),
        ("opened_on", "开站日期", "Opened on"), ("closed_on", "关闭日期", "Closed on"),
    )  # fmt: skip
    published = (
        ("published_rules", "规章制度", "Rules"), ("published_workflow", "工作流程", "Workflow"),
        ("published_norms", "服务规范", "Norms of service"), ("published_services", "服务内容", "Services"),
    )  # fmt: skip
    standards = (
        ("signage", "规范名称标识", "Name and sign"), ("service", "规范服务标准", "Standard of service"),
        ("training", "规范技能培训", "Standard of training"),
    )  # fmt: skip
    hours_zh = "OSM 写法,如 Mo-Fr 09:00-17:00; Sa 09:00-12:00;24/7 为全天"
    return (
        RecordField(
            "code", "编号", "Code", FieldKind.CODE, "基本信息", required=True,
            note_zh="唯一,登记后不再更改;字母、数字与 . _ -,至多 40 位",
            note_en="unique, never changed; at most 40 of A-Z a-z 0-9 . _ -",
        ),
        RecordField("name", "名称", "Name", text, "基本信息", required=True),
        RecordField("type", "站点类型", "Type", word, "基本信息", StationType, required=True),
        RecordField("host_kind", "载体类型", "Host", word, "基本信息", HostKind, required=True),
        RecordField("status", "状态", "Status", word, "基本信息", StationStatus, required=True),
        RecordField("address", "地址", "Address", text, "基本信息"),
        RecordField(
            "lng", "经度", "Longitude", FieldKind.NUMBER, "基本信息", required=True,
            note_zh="十进制度,如 113.3245", note_en="decimal degrees",
        ),
        RecordField(
            "lat", "纬度", "Latitude", FieldKind.NUMBER, "基本信息", required=True,
            note_zh="十进制度,如 23.1291", note_en="decimal degrees",
        ),
        RecordField(
            "crs", "坐标系", "Coordinate system", word, "基本信息", Crs, required=True,
            note_zh="GPS:wgs84;天地图:cgcs2000;高德、腾讯、微信:gcj02;百度:bd09",
            note_en="GPS: wgs84; Tianditu: cgcs2000; Amap, Tencent, WeChat: gcj02; Baidu: bd09",
        ),
        RecordField("batch", "批次", "Batch", FieldKind.WHOLE, "建设进度", note_zh="1、2 或 3", note_en="1, 2 or 3"),
        *(RecordField(name, zh, en, FieldKind.DAY, "建设进度") for name, zh, en in days),
        RecordField("host_organisation", "载体单位", "Host organisation", text, "单位与模式"),
        RecordField("operator_organisation", "运营单位", "Operator", text, "单位与模式"),
        RecordField("contractor_organisations", "承训单位", "Contractors", FieldKind.TEXTS, "单位与模式"),
        RecordField("partner_organisations", "合作单位", "Partners", FieldKind.TEXTS, "单位与模式"),
        RecordField("operating_mode", "运营模式", "Operating mode", word, "单位与模式", OperatingMode),
        RecordField("training_mode", "培训模式", "Training mode", word, "单位与模式", TrainingMode),
        RecordField("target_groups", "面向群体", "Target groups", FieldKind.WORDS, "单位与模式", TargetGroup),
        RecordField(
            "opening_hours", "开放时间", "Opening hours", FieldKind.HOURS, "服务信息", note_zh=hours_zh,
            note_en="as OpenStreetMap's opening_hours",
        ),
        RecordField(
            "hour_exceptions", "例外日期", "Exceptional days", FieldKind.EXCEPTIONS, "服务信息",
            note_zh="每行一天:2026-02-17 休息 # 春节",
            note_en="one day a line: 2026-02-17 closed # note",
        ),
        RecordField("phone", "联系电话", "Telephone", text, "服务信息"),
        RecordField("complaint_channel", "投诉方式", "Where to complain", text, "服务信息"),
        *(RecordField(name, zh, en, long, "服务信息") for name, zh, en in published),
        *(
            one
            for name, zh, en in standards
            for one in (
                RecordField(f"{name}_met", f"{zh}达标", f"{en}: met", FieldKind.YES_NO, "三规范"),
                RecordField(f"{name}_evidence", f"{zh}依据", f"{en}: evidence", long, "三规范", is_public=False),
            )
        ),
        RecordField("staff_count", "工作人员数", "Staff", FieldKind.WHOLE, "人员与场地", is_public=False),
        RecordField(
            "staff_trained_count", "已岗前培训人数", "Staff trained before starting", FieldKind.WHOLE, "人员与场地",
            is_public=False, note_zh="岗前培训率须达到 100%", note_en="all of the staff should be",
        ),
        RecordField("seats", "座位数", "Seats", FieldKind.WHOLE, "人员与场地"),
        RecordField("accessible_entrance", "无障碍入口", "Step-free entrance", FieldKind.YES_NO, "人员与场地"),
        RecordField("notes", "备注", "Notes", long, "人员与场地", is_public=False),
    )  # fmt: skip


FIELDS: tuple[RecordField, ...] = _fields()
FIELD: dict[str, RecordField] = {field.name: field for field in FIELDS}
POSITION = ("lng", "lat", "crs")
ORGANISATIONS = (
    "host_organisation", "operator_organisation", "contractor_organisations", "partner_organisations",
)  # fmt: skip
EMPTY: dict[str, Any] = {
    field.name: [] if field.kind in (FieldKind.WORDS, FieldKind.TEXTS, FieldKind.EXCEPTIONS) else None
    for field in FIELDS
}
