"""Long work."""

from __future__ import annotations

from app.models.vocabularies.base import Vocabulary


class JobState(Vocabulary):
    """Where a job stands. The last three are final."""

    QUEUED = "queued", "排队中", "Queued"
    RUNNING = "running", "运行中", "Running"
    DONE = "done", "已完成", "Done"
    FAILED = "failed", "失败", "Failed"
    CANCELLED = "cancelled", "已取消", "Cancelled"
