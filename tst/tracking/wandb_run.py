"""One W&B run per record; the only module besides the workspace that imports wandb.

The run's id is the record's hash, so that processes and reruns meet in one run.
"""

from __future__ import annotations

import logging
import math
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

from tst.records.files import read_json
from tst.tracking.content import TrackedRecord
from tst.tracking.settings import TrackingSettings

log = logging.getLogger("tst")

GOOD_ENDS = ("finished", "partial", "running")
"""States of a record (``record_states.STATES``) with which its run ends as successful."""
QUESTIONS = "questions"


def is_online(settings: TrackingSettings) -> bool:
    """Whether to use the server: as ``mode`` says; auto: where a key is found. Never prompts."""
    if settings.mode != "auto":
        return settings.mode == "online"
    if os.environ.get("WANDB_MODE", "online") != "online":
        return False
    import wandb

    try:
        return bool(wandb.login(prompt=False, verify=False))
    except wandb.Error as error:
        log.warning("tracking: the W&B key cannot be used (%s): offline", error)
        return False


class WandbRun:
    """The open W&B run of a record; offline where the server cannot be reached in time.

    folder: what `wandb sync` takes; url: where an online run is shown
    """

    def __init__(self, record: TrackedRecord, online: bool) -> None:
        self.record, self.online = record, online
        import wandb

        reason = ""
        if online:
            try:
                self._run = _init(record, online=True)
            except (wandb.Error, OSError, TimeoutError) as error:
                reason = " ".join(str(error).split())[:200] or type(error).__name__
                wandb.teardown()
                self.online = False
        if not self.online:
            self._run = _init(record, online=False)
        self.folder = str(Path(self._run.dir).parent)
        self.url = str(self._run.url or "") if self.online else ""
        if reason:
            log.warning("tracking: W&B cannot be reached (%s): %s", reason, self.describe_place())
        else:
            log.info("tracking: %s", self.describe_place())

    def describe_place(self) -> str:
        """Where the run is shown, or where it is kept and how it is uploaded."""
        if self.online:
            return f"the run is at {self.url}"
        return f"the run is kept offline; upload it with: wandb sync {shlex.quote(self.folder)}"

    def log_part(self, part: str) -> None:
        """The numbers of a finished part, along their axes."""
        for table in self.record.kind.series(self.record.path, part):
            axis = str(table.index.name)
            self._run.define_metric(axis, hidden=True)
            for name in table:
                self._run.define_metric(name, step_metric=axis)
            for row in table.reset_index().to_dict("records"):
                self._run.log({k: float(v) for k, v in row.items() if math.isfinite(v)})

    def close(self) -> bool:
        """Figures, table and artifact where there is a result; then the end, good or failed.

        Returns whether the server has it all.
        """
        import wandb

        record, settings, end = self.record, self.record.settings, self.record.end()
        if end["state"] == "finished":
            if (questions := record.question_table()) is not None:
                self._run.log({QUESTIONS: wandb.Table(dataframe=questions)})
            if settings.artifacts:
                artifact = wandb.Artifact(f"record-{record.hash}", type="record")
                for name in (
                    "config.yaml",
                    "environment.json",
                    *read_json(record.path / "status.json")["files"],
                ):
                    artifact.add_file(str(record.path / name))
                self._run.log_artifact(artifact)
        self._run.summary.update(end)
        try:
            self._run.finish(exit_code=0 if end["state"] in GOOD_ENDS else 1)
        except TimeoutError:
            log.warning("tracking: W&B did not take all; `wandb sync %s` does", self.folder)
            return False
        return self.online

    def remove_offline(self, folder: str) -> None:
        """Drop an earlier offline copy of this run that was never uploaded: this one has it all."""
        path = Path(folder)
        ours = path.parent == self.record.outputs_root / "wandb"
        if ours and path.is_dir() and not list(path.glob("*.synced")):
            shutil.rmtree(path, ignore_errors=True)


def _init(record: TrackedRecord, online: bool) -> Any:
    import wandb

    settings, seconds = record.settings, record.settings.timeout
    return wandb.init(
        project=settings.project,
        entity=settings.entity,
        group=settings.group,
        job_type=record.place[1],
        name=" ".join([*record.place, record.hash[:6]]),
        id=record.hash,
        tags=record.tags,
        config=record.config(),
        resume="allow" if online else None,
        allow_val_change=True,
        settings=wandb.Settings(
            mode="online" if online else "offline",
            root_dir=str(record.outputs_root),
            init_timeout=seconds,
            login_timeout=seconds,
            finish_timeout=seconds,
            finish_timeout_raises=True,
            x_graphql_timeout_seconds=seconds / 3,
            x_graphql_retry_max=1,
            x_file_stream_retry_max=3,
            x_file_stream_timeout_seconds=seconds,
            x_file_transfer_retry_max=1,
            x_file_transfer_timeout_seconds=seconds,
            # terminal output, arguments, code and host name stay on this machine
            console="off",
            silent=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_disable_stats=True,
            x_save_requirements=False,
            disable_git=True,
            disable_code=True,
            disable_job_creation=True,
        ),
    )
