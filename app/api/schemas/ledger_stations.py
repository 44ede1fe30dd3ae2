"""Full records of stations, as officers read and write them. The fields are those of ``station_record.FIELDS``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from app.api.language import Language
from app.api.schemas.common import AreaRef, Notice, NoticeField
from app.models.vocabularies import Vocabulary
from app.services.station_checks import LARGEST_WHOLE, LONGEST_LONG_TEXT, LONGEST_TEXT, MOST_TEXTS
from app.services.station_history import PublicState, StationChange
from app.services.station_ledger import EditResult
from app.services.station_record import FIELD, FIELDS, POSITION, FieldKind, RecordField
from app.services.station_register import LedgerStation

CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
LINES = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
EXAMPLES: dict[str, Any] = {
    "code": "YC440106-031", "name": "天河南街羊城技能加油站", "address": "天河区体育西横街 1 号", "lng": 113.3245,
    "lat": 23.1291, "crs": "gcj02", "type": "community", "host_kind": "party_service_centre", "status": "open",
    "batch": 2, "selected_on": "2026-02-10", "plaque_hung_on": "2026-03-20", "opened_on": "2026-04-01",
    "closed_on": None, "host_organisation": "天河南街道党群服务中心", "operator_organisation": "天河南街道办事处",
    "contractor_organisations": ["广州市某职业培训学校"], "partner_organisations": [], "operating_mode": "purchased",
    "training_mode": "joint", "target_groups": ["graduates", "unemployed"], "opening_hours": "Mo-Fr 09:00-21:00",
    "hour_exceptions": [{"date": "2026-02-17", "hours": None, "note": "春节"}], "phone": "020-00000000",
    "complaint_channel": "020-12345", "published_rules": None, "published_workflow": None, "published_norms": None,
    "published_services": "夜校、沙龙", "signage_met": True, "signage_evidence": "挂牌照片 2026-03-20",
    "service_met": True, "service_evidence": None, "training_met": None, "training_evidence": None, "staff_count": 4,
    "staff_trained_count": 4, "seats": 60, "accessible_entrance": True, "notes": None,
}  # fmt: skip


class HourException(BaseModel):
    """A day with hours of its own. 例外日期"""

    model_config = ConfigDict(extra="forbid")

    date: date
    hours: str | None = Field(
        default=None, max_length=LONGEST_TEXT, pattern=ONE_LINE, examples=["09:00-12:00"],
        description="null 为当日休息 · null: closed on that day",
    )  # fmt: skip
    note: str | None = Field(default=None, max_length=100, pattern=ONE_LINE, examples=["春节"])


def _text(pattern: str, longest: int) -> Any:
    return Annotated[str, Field(max_length=longest, pattern=pattern)]


PLAIN_TYPES: dict[FieldKind, Any] = {
    FieldKind.CODE: _text(CODE, 40),
    FieldKind.TEXT: _text(ONE_LINE, LONGEST_TEXT),
    FieldKind.HOURS: _text(ONE_LINE, LONGEST_TEXT),
    FieldKind.LONG_TEXT: _text(LINES, LONGEST_LONG_TEXT),
    FieldKind.TEXTS: Annotated[list[_text(ONE_LINE, LONGEST_TEXT)], Field(max_length=MOST_TEXTS)],  # type: ignore[misc]
    FieldKind.WHOLE: Annotated[int, Field(ge=0, le=LARGEST_WHOLE)],
    FieldKind.NUMBER: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)],
    FieldKind.YES_NO: bool,
    FieldKind.DAY: date,
    FieldKind.EXCEPTIONS: Annotated[list[HourException], Field(max_length=366)],
}


def _type(field: RecordField) -> Any:
    words: Any = field.vocabulary
    if field.kind is FieldKind.WORD:
        return words
    if field.kind is FieldKind.WORDS:
        return Annotated[list[words], Field(max_length=MOST_TEXTS)]
    return PLAIN_TYPES[field.kind]


def _read_type(field: RecordField) -> Any:
    """What was imported before may be longer than what is taken now."""
    if field.kind is FieldKind.TEXTS:
        return list[str]
    return str if field.kind in (FieldKind.CODE, FieldKind.TEXT, FieldKind.HOURS, FieldKind.LONG_TEXT) else _type(field)


def _described(field: RecordField, default: Any) -> Any:
    note_zh, note_en = (f"({note})" if note else "" for note in (field.note_zh, field.note_en))
    return Field(
        default, description=f"{field.title_zh}{note_zh} · {field.title_en}{note_en}", examples=[EXAMPLES[field.name]]
    )


_written: Any = {f.name: (_type(f) | None, _described(f, None)) for f in FIELDS}
_read: Any = {f.name: (_read_type(f) if f.required else _read_type(f) | None, _described(f, ...)) for f in FIELDS}
_changed: Any = {name: definition for name, definition in _written.items() if name != "code"}

StationValues: Any = create_model(
    "StationValues",
    __config__=ConfigDict(extra="forbid"),
    __doc__="The record of a new station. 新站点的登记",
    **_written,
)
StationChanges: Any = create_model(
    "StationChanges", __config__=ConfigDict(extra="forbid"),
    __doc__="Only the fields that change; null empties one. 只写要改的字段", **_changed,
)  # fmt: skip
StationRecord: Any = create_model("StationRecord", __doc__="All fields of a station. 站点全部字段", **_read)

# the public page of a station has these beside the rest
SHOWN_ELSEWHERE = (
    "code", "name", "type", "host_kind", "status", "address", "selected_on", "plaque_hung_on", "opened_on", "closed_on",
    *POSITION,
)  # fmt: skip
PUBLISHED = {f.name: f for f in FIELDS if f.is_public and f.name not in SHOWN_ELSEWHERE}
WORDS = {f.name: f.vocabulary for f in PUBLISHED.values() if f.vocabulary is not None}


def _titles(name: str, held: Any, language: Language) -> Any:
    """The title of a term, or those of a list of terms."""
    if isinstance(held, list):
        return [_titles(name, word, language) for word in held]
    words: Any = WORDS[name]
    return None if held is None else language.pick(words(held).title_zh, words(held).title_en)


def _title_of(name: str) -> Any:
    example = _titles(name, EXAMPLES[name], Language.ZH)
    return (list[str] if isinstance(example, list) else str | None, Field(examples=[example]))


PublicRecord: Any = create_model(
    "PublicRecord", __doc__="What is published of a station's record. 登记中对外公布的内容",
    **{name: _read[name] for name in PUBLISHED}, **{f"{name}_title": _title_of(name) for name in WORDS},
)  # fmt: skip


def public_record_of(values: Mapping[str, Any], language: Language) -> Any:
    """A ``PublicRecord`` of what is kept, with the titles of its terms."""
    titles = {f"{name}_title": _titles(name, values[name], language) for name in WORDS}
    return PublicRecord(**{name: values[name] for name in PUBLISHED}, **titles)


def values_of(model: BaseModel) -> dict[str, Any]:
    """The fields that were sent, as a record holds them."""
    values: dict[str, Any] = {}
    for name in model.model_fields_set:
        value = getattr(model, name)
        kind = FIELD[name].kind
        if kind in (FieldKind.WORDS, FieldKind.TEXTS):
            value = [one.value if isinstance(one, Vocabulary) else one for one in value or []]
        elif kind is FieldKind.EXCEPTIONS:
            value = [one.model_dump(mode="json") for one in value or []]
        elif kind is FieldKind.WORD and value is not None:
            value = value.value
        values[name] = value
    return values


class NewStationQuestion(BaseModel):
    """A station to be registered. 登记新站点"""

    model_config = ConfigDict(extra="forbid")

    record: StationValues
    reason: str | None = Field(default=None, max_length=LONGEST_TEXT, pattern=ONE_LINE, examples=["第二批遴选"])


class StationChangeQuestion(BaseModel):
    """A change of a station. 变更"""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=2**31 - 1, description="读取时的版本 · The version that was read", examples=[3])
    changes: StationChanges
    effective_on: date | None = Field(
        default=None, examples=["2026-04-01"],
        description="自此日起生效;不写即为更正(一直如此)· "
        "It holds from that day; without: a correction of what is recorded",
    )  # fmt: skip
    effective_until: date | None = Field(
        default=None, examples=[None], description="至此日(不含)为止 · until before that day"
    )
    reason: str | None = Field(default=None, max_length=LONGEST_TEXT, pattern=ONE_LINE, examples=["迁址"])


class FieldChange(BaseModel):
    """A field and its values before and after."""

    field: str = Field(examples=["address"])
    field_title: str = Field(examples=["地址"])
    old: Any = Field(examples=["天河区体育西横街 1 号"])
    new: Any = Field(examples=["天河区体育西横街 3 号"])


def field_changes(changes: Mapping[str, tuple[Any, Any]], language: Language) -> list[FieldChange]:
    """Changes by field as they are shown."""
    return [
        FieldChange(field=name, field_title=language.pick(FIELD[name].title_zh, FIELD[name].title_en), old=old, new=new)
        for name, (old, new) in changes.items()
    ]


class StationChangeOut(BaseModel):
    """What became known at a moment of a time: what, by whom, when, why. 一次变更"""

    at: AwareDatetime = Field(examples=["2026-11-20T02:15:00Z"])
    by: str | None = Field(description="null:早于审计 · null: before there was an audit log", examples=["tianhe"])
    role: str | None = Field(examples=["district_officer"])
    channel: str | None = Field(examples=["session"])
    action: str = Field(description="insert、update 或 delete", examples=["update"])
    reason: str | None = Field(examples=["迁址"])
    valid_from: date | None = Field(
        description="自此日起;null 为自始(更正)· From that day on; null: from the beginning, a correction",
        examples=["2026-04-01"],
    )
    valid_to: date | None = Field(
        description="至此日(不含)为止;null 为至今 · Until before that day; null: still", examples=[None]
    )
    changes: list[FieldChange]

    @classmethod
    def of(cls, change: StationChange, language: Language) -> StationChangeOut:
        return cls(
            at=change.at, by=change.actor, role=change.role, channel=change.channel, action=change.action.value,
            reason=change.reason, valid_from=change.valid_from, valid_to=change.valid_to,
            changes=field_changes(change.changes, language),
        )  # fmt: skip


class StationChangeList(BaseModel):
    """All changes of a station, the newest first."""

    code: str = Field(examples=["YC440106-031"])
    changes: list[StationChangeOut]


class PublicStateOut(BaseModel):
    """What was so from a day on. 某日起的情况"""

    valid_from: date | None = Field(description="null 为自始 · null: from the beginning", examples=[None])
    valid_to: date | None = Field(description="不含此日;null 为至今 · Before that day; null: still", examples=[None])
    changes: list[FieldChange] = Field(description="与之前的不同 · Against the state before")

    @classmethod
    def of(cls, state: PublicState, language: Language) -> PublicStateOut:
        return cls(valid_from=state.valid_from, valid_to=state.valid_to, changes=field_changes(state.changes, language))


class StationHistory(BaseModel):
    """A station's timeline as known now, the oldest first."""

    code: str = Field(examples=["YC440106-031"])
    states: list[PublicStateOut]


class Advice(BaseModel):
    """Something worth a look that did not stop the change."""

    field: str = Field(examples=["lng, lat"])
    value: str | None = Field(examples=["113.3, 23.1"])
    message: str = Field(examples=["该位置在城市边界之外 120 米"])
    remedy: str | None = Field(examples=["核对坐标"])


class StationSaved(BaseModel):
    """What came of it."""

    code: str = Field(examples=["YC440106-031"])
    outcome: str = Field(description="added、changed 或 unchanged", examples=["changed"])
    version: int = Field(examples=[4])
    changes: list[FieldChange]
    warnings: list[Advice]

    @classmethod
    def of(cls, result: EditResult, warnings: list[Advice], language: Language) -> StationSaved:
        return cls(
            code=result.code, outcome=result.outcome.value, version=result.version or 1,
            changes=field_changes(result.changes, language),
            warnings=warnings,
        )  # fmt: skip


class LedgerStationAnswer(BaseModel):
    """A station's full record, and what is still missing of it."""

    code: str = Field(examples=["YC440106-031"])
    version: int = Field(description="修改时带上 · To be named when it is changed", examples=[3])
    updated_at: datetime = Field(examples=["2026-11-20T02:15:00Z"])
    district: AreaRef | None
    town: AreaRef | None
    wgs84_lng: float = Field(examples=[113.3191])
    wgs84_lat: float = Field(examples=[23.1318])
    record: StationRecord
    missing: list[str] = Field(
        description="方案要求公布或登记而尚未填写的字段 · Fields that the plan asks for and that are empty",
        examples=[["published_rules"]],
    )
    staff_trained_rate: float | None = Field(
        description="岗前培训率,须为 1 · Share of staff trained before starting; it must be 1", examples=[1.0]
    )
    synthetic: bool = Field(examples=[False])

    @classmethod
    def of(cls, station: LedgerStation) -> LedgerStationAnswer:
        kept = station.kept

        def area(code: str | None, name: str | None) -> AreaRef | None:
            return None if code is None else AreaRef(code=code, name=name)

        return cls(
            code=kept.code, version=kept.version, updated_at=kept.updated_at,
            district=area(kept.district_code, station.district_name), town=area(kept.town_code, station.town_name),
            wgs84_lng=round(kept.lng, 7), wgs84_lat=round(kept.lat, 7),
            record=StationRecord(**kept.values), missing=list(station.missing),
            staff_trained_rate=station.staff_trained_rate, synthetic=station.synthetic,
        )  # fmt: skip


class LedgerStationDetail(LedgerStationAnswer):
    """With what has to be said about the data."""

    data_notice: Notice | None = NoticeField


class LedgerStationList(BaseModel):
    """A page, by code."""

    total: int = Field(examples=[31])
    next_cursor: str | None = Field(examples=[None])
    data_notice: Notice | None = NoticeField
    stations: list[LedgerStationAnswer]
