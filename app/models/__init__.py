"""SQLAlchemy tables. Importing this package registers all of them on ``Base.metadata``."""

from app.models.accounts import (
    ApiToken,
    AuthKey,
    AuthSession,
    RefreshToken,
    SignInFailure,
    SignInState,
    User,
)
from app.models.areas import Area
from app.models.audit import AnsweredRequest, AuditEntry
from app.models.base import Base
from app.models.coverage import CoverageAreaResult, CoverageCellResult, CoverageRun
from app.models.datasets import DatabaseIdentity, Dataset, LayerVersion
from app.models.network import WalkEdge, WalkNode
from app.models.population import PopulationCell
from app.models.stations import Organisation, Pairing, Station, StationVersion
from app.models.targets import Target, TargetVersion
from app.models.training import Course, CourseSession, TrainingEntry, TrainingEntryVersion

__all__ = [
    "AnsweredRequest",
    "ApiToken",
    "Area",
    "AuditEntry",
    "AuthKey",
    "AuthSession",
    "Base",
    "Course",
    "CourseSession",
    "CoverageAreaResult",
    "CoverageCellResult",
    "CoverageRun",
    "DatabaseIdentity",
    "Dataset",
    "LayerVersion",
    "Organisation",
    "Pairing",
    "PopulationCell",
    "RefreshToken",
    "SignInFailure",
    "SignInState",
    "Station",
    "StationVersion",
    "Target",
    "TargetVersion",
    "TrainingEntry",
    "TrainingEntryVersion",
    "User",
    "WalkEdge",
    "WalkNode",
]
