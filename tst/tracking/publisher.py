"""The process beside a run: reads its record and tells W&B; ``python -m tst.tracking.publisher``.

Gets its order as one line of JSON; the end of that stream is the end of the run. Of several
processes on one record, the one that holds the tracking lease publishes the folds of all. What is
published is written down in ``tracking/published.json`` of the record, so that a later process adds
what is new: online by resuming the run, offline by writing it whole again. A run that the server
did not take whole is told whole again too; rows that it had then stand there twice.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tst.records.files import read_json, write_json
from tst.records.leases import Leases
from tst.records.survey import read_state
from tst.tracking.run_content import Story, finished_folds, result_digest
from tst.tracking.settings import TrackingSettings
from tst.tracking.wandb_run import WandbRun, is_online, open_run

log = logging.getLogger("tst")

POLL_SECONDS = 0.5
LEASE = "writer.json"
PUBLISHED = "published.json"


@dataclass
class Published:
    """What W&B has been told.

    folder: of an offline run, what `wandb sync` takes; result: ``result_digest``
    """

    online: bool = False
    folds: list[str] = field(default_factory=list)
    result: str = ""
    state: str = ""
    folder: str = ""
    url: str = ""


def publish(story: Story, over: threading.Event) -> None:
    """Publish a record until the run is over and nothing is new."""
    folder = story.record / "tracking"
    leases = Leases(folder)
    online = is_online(story.settings)
    try:
        while True:
            ended = over.is_set()
            if has_news(story, _read(folder), online, ended) and leases.take(LEASE):
                try:
                    online = _publish_once(story, folder, over, online)
                finally:
                    leases.give_back(LEASE)
                continue  # another process may have finished a fold meanwhile
            if ended:
                return
            over.wait(POLL_SECONDS)
    finally:
        leases.close()


def has_news(story: Story, known: Published, online: bool, ended: bool) -> bool:
    """Whether W&B has something to learn: a run that goes on, a fold, a result, an end."""
    if online and not known.online:
        return True
    if not ended and not known.result:
        return True
    new_folds = set(finished_folds(story.record)) - set(known.folds)
    state = read_state(story.record).state
    return bool(new_folds) or result_digest(story.record) != known.result or state != known.state


def _publish_once(story: Story, folder: Path, over: threading.Event, online: bool) -> bool:
    """Open the run, log folds as they finish, close it when this process's run is over."""
    known = _read(folder)
    run = open_run(story, online)
    if not (run.online and known.online):
        known = Published(online=run.online, folder=known.folder)
    while True:
        ended = over.is_set()
        for name in finished_folds(story.record):
            if name not in known.folds:
                run.log_fold(name)
                known.folds.append(name)
        if ended:
            break
        over.wait(POLL_SECONDS)
    known.state = read_state(story.record).state
    known.result = result_digest(story.record)
    _close(run, story, folder, known)
    return run.online


def _close(run: WandbRun, story: Story, folder: Path, known: Published) -> None:
    superseded = known.folder
    run.close(known.state)
    known.online = run.online  # a server that stops answering at the end does not know it all
    known.folder, known.url = ("", run.url) if run.online else (run.folder, "")
    write_json(folder / PUBLISHED, asdict(known))
    if superseded and superseded != known.folder:
        run.remove_offline(Path(superseded))


def _read(folder: Path) -> Published:
    try:
        return Published(**read_json(folder / PUBLISHED))
    except (OSError, ValueError, TypeError):
        return Published()


def read_order(line: str) -> Story:
    """The story that the run's order tells."""
    order: dict[str, Any] = json.loads(line)
    return Story(
        Path(order["record"]),
        Path(order["outputs_root"]),
        order["leaves"],
        order["source"],
        TrackingSettings(**order["settings"]),
    )


def main() -> None:
    """Read the order, publish; a fault is one line of the log, never the run's."""
    story = read_order(sys.stdin.readline())
    _log_to(story.record)
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    started = time.monotonic()
    try:
        publish(story, over)
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        log.warning("tracking: W&B stopped (%s: %s)", type(error).__name__, text)
        log.debug("after %.0f s", time.monotonic() - started, exc_info=True)


def _log_to(record: Path) -> None:
    form = logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s")
    file = logging.FileHandler(record / "log", encoding="utf-8")
    file.setFormatter(form)
    screen = logging.StreamHandler(sys.stderr)
    screen.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    for handler in (file, screen):
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


if __name__ == "__main__":
    main()
