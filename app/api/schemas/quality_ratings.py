"""Visit codes, ratings, and the quality of a station as everybody may see it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.api.language import Language
from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.ledger_stations import ONE_LINE
from app.api.schemas.quality_common import Asked, Short, StationField, StationRef, VersionAsked, title
from app.models.vocabularies import AppraisalGrade, RatingAspect, RatingState, Standard, Verdict
from app.repositories.quality_ratings import BatchRow, RatingRow
from app.services.ratings import NewRating
from app.services.station_quality import StationQuality
from app.settings import QualitySettings

Stars = Annotated[int, Field(ge=1, le=5, examples=[5])]


class VisitCodesAsked(Asked):
    """How many codes, and for how long. 签发评价码"""

    station: str = StationField
    count: int = Field(ge=1, le=500, description="张数 · How many", examples=[20])
    valid_days: int = Field(default=90, ge=1, le=366, description="有效天数 · Good for so many days", examples=[90])


class RevokeAsked(Asked):
    """Why they are no longer good. 作废原因"""

    reason: Short = Field(description="原因 · Why", examples=["遗失"])


class BatchOut(BaseModel):
    """Codes that were issued together. 一批评价码"""

    id: int = Field(examples=[4])
    station: StationRef
    count: int = Field(examples=[20])
    used: int = Field(description="已使用 · Used", examples=[3])
    issued_by: str = Field(examples=["tianhe"])
    issued_at: datetime = Field(examples=["2026-11-25T02:00:00Z"])
    expires_on: date = Field(description="有效期至(含)· Good until, inclusive", examples=["2027-02-23"])
    is_revoked: bool = Field(examples=[False])

    @classmethod
    def of(cls, row: BatchRow) -> BatchOut:
        return cls(
            id=row.id, station=StationRef(code=row.station_code, name=row.station_name), count=row.count,
            used=row.used, issued_by=row.issued_by, issued_at=row.created_at, expires_on=row.expires_on,
            is_revoked=row.is_revoked,
        )  # fmt: skip


class IssuedOut(BaseModel):
    """The codes themselves, once. 评价码只显示这一次"""

    batch: BatchOut
    codes: list[str] | None = Field(
        description="只显示一次,库中只留摘要;重发的请求为 null · Shown once; null when a request is sent again",
        examples=[["7KQ4-RMXD"]],
    )


class BatchList(BaseModel):
    """A page, the latest first."""

    next_cursor: str | None = Field(examples=[None])
    batches: list[BatchOut]


class RatingAsked(Asked):
    """What somebody thinks of a station. 评价"""

    station: str = StationField
    stars: Stars
    aspects: dict[RatingAspect, Stars] = Field(
        default={}, description="分项,1 至 5 · In parts, 1 to 5", examples=[{"teaching": 5, "staff": 4}]
    )  # fmt: skip
    comment: Short | None = Field(
        default=None, description="审核后公开 · Public after moderation", examples=["老师很好"]
    )
    visit_code: str | None = Field(
        default=None, min_length=1, max_length=40, pattern=ONE_LINE, examples=["7KQ4-RMXD"],
        description="到站领取的评价码,每码一次;没有则计入较低权重 · From the station, good for one rating",
    )  # fmt: skip

    def new(self) -> NewRating:
        return NewRating(self.station, self.stars, self.aspects, self.comment, self.visit_code)


class RatingReceipt(BaseModel):
    """What became of a rating. 评价结果"""

    station: StationRef
    stars: int = Field(examples=[5])
    by_code: bool = Field(description="凭评价码 · With a visit code", examples=[True])
    weight: float = Field(description="计入的权重 · What it counts", examples=[1.0])
    state: RatingState = Field(examples=["pending"])
    state_title: str = Field(examples=["待审核"])
    rated_on: date = Field(examples=["2026-11-25"])

    @classmethod
    def of(cls, row: RatingRow, settings: QualitySettings, language: Language) -> RatingReceipt:
        state = RatingState(row.state)
        return cls(
            station=StationRef(code=row.station_code, name=row.station_name), stars=row.stars, by_code=row.by_code,
            weight=1.0 if row.by_code else settings.rating_weight_without_code, state=state,
            state_title=title(state, language), rated_on=row.rated_on,
        )  # fmt: skip


class RatingOut(BaseModel):
    """A rating, for officers. 评价(工作人员)"""

    id: int = Field(examples=[12])
    station: StationRef
    stars: int = Field(examples=[5])
    aspects: dict[RatingAspect, int] = Field(examples=[{"teaching": 5}])
    comment: str | None = Field(examples=["老师很好"])
    by_code: bool = Field(examples=[True])
    rated_on: date = Field(examples=["2026-11-25"])
    state: RatingState = Field(examples=["pending"])
    state_title: str = Field(examples=["待审核"])
    moderated_by: str | None = Field(examples=[None])
    moderation_reason: str | None = Field(examples=[None])
    synthetic: bool = Field(description="演示数据 · Made up for the demonstration", examples=[False])
    version: int = Field(examples=[1])

    @classmethod
    def of(cls, row: RatingRow, language: Language) -> RatingOut:
        state = RatingState(row.state)
        return cls(
            id=row.id, station=StationRef(code=row.station_code, name=row.station_name), stars=row.stars,
            aspects={RatingAspect(name): stars for name, stars in row.aspects.items()}, comment=row.comment,
            by_code=row.by_code, rated_on=row.rated_on, state=state, state_title=title(state, language),
            moderated_by=row.moderated_by, moderation_reason=row.moderation_reason, synthetic=row.synthetic,
            version=row.version,
        )  # fmt: skip


class RatingList(BaseModel):
    """A page, the latest first."""

    next_cursor: str | None = Field(examples=[None])
    ratings: list[RatingOut]


class PublishAsked(VersionAsked):
    """The version that was read, and a remark if wanted. 公开"""

    reason: Short | None = Field(default=None, description="说明 · Remark", examples=[None])


class StarsOut(BaseModel):
    """收缩平均:如同先有 prior_weight 次 prior_stars 星的评价 · As if there had been ``prior_weight`` before."""

    average: float | None = Field(description="1 至 5,没有评价为 null · null without ratings", examples=[4.31])
    ratings: int = Field(description="评价次数(不含不公开的)· Hidden ones left out", examples=[37])
    weight: float = Field(description="加权次数 · What they weigh together", examples=[28.0])
    by_code: int = Field(description="凭评价码的 · With a visit code", examples=[25])
    stars: list[int] = Field(description="1 至 5 星各几次 · How many of 1 to 5 stars", examples=[[1, 2, 4, 10, 20]])
    aspects: dict[RatingAspect, float] = Field(description="分项平均 · In parts", examples=[{"teaching": 4.5}])
    prior_stars: float = Field(examples=[3.5])
    prior_weight: float = Field(examples=[5.0])
    weight_without_code: float = Field(examples=[0.25])


class StandardOut(BaseModel):
    """One of the three standards. 三规范之一"""

    standard: Standard = Field(examples=["signage"])
    standard_title: str = Field(examples=["规范名称标识"])
    verdict: Verdict = Field(examples=["met"])
    verdict_title: str = Field(examples=["达标"])
    checked_on: date | None = Field(
        description="最近检查日;只有台账记载时为 null · null: on record only", examples=["2026-05-06"]
    )  # fmt: skip


class CommentOut(BaseModel):
    """A comment, after moderation. 已审核的评论"""

    stars: int = Field(examples=[5])
    text: str = Field(examples=["老师很好"])
    by_code: bool = Field(examples=[True])
    rated_on: date = Field(examples=["2026-11-25"])


class ExemplarTitle(BaseModel):
    """An honour. 典型样板"""

    year: int = Field(examples=[2025])
    title: str = Field(examples=["“产业+培训”典型样板"])


class StationQualityOut(BaseModel):
    """站点质量:人人可看 · What everybody may see."""

    station: StationRef
    rating: StarsOut
    comments: list[CommentOut] = Field(description="最近 20 条 · The latest 20")
    standards: list[StandardOut]
    last_inspected_on: date | None = Field(examples=["2026-05-06"])
    complaints_not_answered: int = Field(description="未答复的投诉 · Complaints not answered yet", examples=[0])
    exemplars: list[ExemplarTitle]
    grade: AppraisalGrade | None = Field(description="最近一次已公布的年度评估 · Last published", examples=["good"])
    grade_title: str | None = Field(examples=["良好"])
    graded_year: int | None = Field(examples=[2025])
    data_notice: Notice | None = NoticeField

    @classmethod
    def of(
        cls, made: StationQuality, settings: QualitySettings, notice: Notice | None, language: Language
    ) -> StationQualityOut:
        average = made.average
        rating = StarsOut(
            average=None if average.stars is None else round(average.stars, 2), ratings=average.ratings,
            weight=round(average.weight, 4), by_code=made.sums.with_code, stars=list(made.sums.stars),
            aspects={aspect: round(value, 2) for aspect, value in made.aspects.items()},
            prior_stars=settings.rating_prior_stars, prior_weight=settings.rating_prior_weight,
            weight_without_code=settings.rating_weight_without_code,
        )  # fmt: skip
        standards = [
            StandardOut(
                standard=state.standard, standard_title=title(state.standard, language), verdict=state.verdict,
                verdict_title=title(state.verdict, language), checked_on=state.checked_on,
            )
            for state in made.standards
        ]  # fmt: skip
        return cls(
            station=StationRef(code=made.station_code, name=made.station_name), rating=rating,
            comments=[CommentOut(**vars(comment)) for comment in made.comments], standards=standards,
            last_inspected_on=made.last_inspected_on, complaints_not_answered=made.complaints_not_answered,
            exemplars=[ExemplarTitle(year=year, title=text) for year, text in made.exemplar_titles],
            grade=made.grade, grade_title=None if made.grade is None else title(made.grade, language),
            graded_year=made.graded_year, data_notice=notice,
        )  # fmt: skip
