"""One W&B run a record; the only module that imports wandb.

The run's id is the record's hash, so that processes and reruns meet in one run.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

from tst.tracking import metric_names
from tst.tracking.run_content import Story, axes, end_of, fold_rows, question_table
from tst.tracking.settings import TrackingSettings

log = logging.getLogger("tst")

GOOD_ENDS = ("finished", "partial", "running")
"""States of a record (``survey.STATES``) at which a run has not failed."""

UPLOADED = ("config.yaml", "environment.json", "summary.json", "questions.parquet",
            "predictions.parquet", "importance.csv", "near_duplicates.csv", "steps.parquet",
            "curve.parquet", "pairs.parquet", "iterations.csv", "removed_ids.txt",
            "kept_ids.txt")  # fmt: skip


def is_online(settings: TrackingSettings) -> bool:
    """Whether to talk to the server: asked for, or a key is found; nothing is prompted for."""
    if settings.mode != "auto":
        return settings.mode == "online"
    if os.environ.get("WANDB_MODE", "online") != "online":
        return False
    os.environ["WANDB_SILENT"] = "true"
    import wandb

    try:
        return bool(wandb.login(prompt=False, verify=False))
    except wandb.Error as error:
        log.warning("tracking: the W&B key cannot be used (%s): offline", error)
        return False


class WandbRun:
    """An open W&B run of one record."""

    def __init__(self, run: Any, story: Story, online: bool) -> None:
        self._run = run
        self.story = story
        self.online = online
        run.define_metric(metric_names.FOLD, hidden=True)

    @property
    def url(self) -> str:
        """Where the run is shown; empty offline."""
        return str(self._run.url or "") if self.online else ""

    @property
    def folder(self) -> str:
        """What `wandb sync` takes."""
        return str(Path(self._run.dir).parent)

    def log_fold(self, name: str) -> None:
        """A finished fold (repeat-fold): its curve and its scores."""
        for key, axis in axes(self.story.record, name).items():
            self._run.define_metric(key, step_metric=axis)
        for row in fold_rows(self.story.record, name):
            self._run.log(row)

    def close(self, state: str) -> None:
        """Summary, table and artifact where there is a result; then the end, good or failed."""
        import wandb

        record, settings = self.story.record, self.story.settings
        words = end_of(record, state)
        if state == "finished" and settings.table_rows:
            questions = question_table(record, settings)
            if questions is not None:
                self._run.log({metric_names.QUESTIONS: wandb.Table(dataframe=questions)})
        if state == "finished" and settings.artifacts:
            artifact = wandb.Artifact(f"record-{self.story.hash}", type="record")
            for name in UPLOADED:
                if (record / name).exists():
                    artifact.add_file(str(record / name))
            self._run.log_artifact(artifact)
        self._run.summary.update(words)
        try:
            self._run.finish(exit_code=0 if state in GOOD_ENDS else 1)
        except TimeoutError:
            self.online = False
            log.warning("tracking: W&B did not take all; `wandb sync %s` does", self.folder)

    def remove_offline(self, folder: Path) -> None:
        """Drop an earlier offline copy of this run that was never uploaded: this one has it all."""
        ours = folder.parent == self.story.outputs_root / "wandb"
        if ours and folder.is_dir() and not list(folder.glob("*.synced")):
            shutil.rmtree(folder, ignore_errors=True)


def open_run(story: Story, online: bool) -> WandbRun:
    """The record's run; offline where the server cannot be reached in time."""
    home = story.outputs_root / "wandb"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["WANDB_SILENT"] = "true"
    os.environ["WANDB_DIR"] = str(story.outputs_root)
    os.environ.setdefault("WANDB_CACHE_DIR", str(home / "cache"))
    os.environ.setdefault("WANDB_DATA_DIR", str(home / "data"))
    import wandb

    if online:
        try:
            return WandbRun(_init(story, online=True), story, online=True)
        except (wandb.Error, OSError, TimeoutError) as error:
            reason = " ".join(str(error).split())[:200]
            log.warning("tracking: W&B cannot be reached (%s): kept offline", reason)
            wandb.teardown()
    return WandbRun(_init(story, online=False), story, online=False)


def _init(story: Story, online: bool) -> Any:
    import wandb

    settings, seconds = story.settings, story.settings.timeout
    return wandb.init(
        project=settings.project,
        entity=settings.entity,
        group=settings.group,
        job_type=story.place[1],
        name=story.name,
        id=story.hash,
        tags=story.tags,
        config=story.config(),
        resume="allow" if online else None,
        allow_val_change=True,
        settings=wandb.Settings(
            mode="online" if online else "offline",
            root_dir=str(story.outputs_root),
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
            # what the terminal, the arguments and the working tree hold is nobody else's business
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
