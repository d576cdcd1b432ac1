"""The process that publishes a record in W&B while it grows.

What to publish comes on its standard input, whose end is the end of the run. Of several processes
on one record, the one that holds the tracking lease publishes for all.
``tracking/published.json`` of the record says what W&B has, so that a later process adds what is
new: online by resuming the run, offline by writing it whole again. A run that the server did not
take whole is sent whole again too; rows that it had then stand there twice.
"""

from __future__ import annotations

import logging
import pickle
import sys
import threading
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tst.records.files import read_json, write_json
from tst.records.leases import Leases
from tst.records.record_states import read_state
from tst.tracking.content import TrackedRecord
from tst.tracking.wandb_run import WandbRun, is_online

log = logging.getLogger("tst")

POLL_SECONDS = 0.5
LEASE, PUBLISHED = "writer.json", "published.json"


@dataclass
class Published:
    """What W&B has of a record.

    result: checksum of its summary.json, empty while there is none
    folder: of an offline run, what `wandb sync` takes; url: of an online one
    """

    online: bool = False
    parts: list[str] = field(default_factory=list)
    result: str = ""
    state: str = ""
    folder: str = ""
    url: str = ""


def publish(record: TrackedRecord, over: threading.Event) -> None:
    """Publish a record until the run is over, unless nothing is new or another process does."""
    folder = record.path / "tracking"
    online = is_online(record.settings)
    run: WandbRun | None = None
    with closing(Leases(folder)) as leases:
        while True:
            ended = over.is_set()  # before looking: what the run wrote last is not missed
            if run is None:
                known = read_published(folder)
                if is_behind(record, known, online, ended) and leases.take(LEASE):
                    run = WandbRun(record, online)
                    parts = known.parts if run.online and known.online else []
            if run is not None:
                for part in (part for part in record.parts if part not in parts):
                    run.log_part(part)
                    parts.append(part)
            if ended:
                break
            over.wait(POLL_SECONDS)
        if run is not None:
            now = Published(False, parts, record.result, read_state(record.path).state, run.folder)
            if run.close():
                now = replace(now, online=True, folder="", url=run.url)
            write_json(folder / PUBLISHED, asdict(now))
            if known.folder not in ("", now.folder):
                run.remove_offline(known.folder)


def is_behind(record: TrackedRecord, known: Published, online: bool, ended: bool) -> bool:
    """Whether W&B lacks something: a run that goes on, a part, a result, the final state."""
    if (online and not known.online) or not (ended or known.result):
        return True
    now = (record.parts, record.result, read_state(record.path).state)
    return now != (known.parts, known.result, known.state)


def read_published(folder: Path) -> Published:
    """What earlier processes published; nothing where there was none."""
    try:
        return Published(**read_json(folder / PUBLISHED))
    except (OSError, ValueError, TypeError):
        return Published()


def main() -> None:
    """Publish the record given on standard input; an error is one line in the record's log."""
    record: TrackedRecord = pickle.load(sys.stdin.buffer)
    if not record.path.is_dir():  # a mistake ended the run before it began
        return
    kept = logging.FileHandler(record.path / "log")
    kept.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    shown = logging.StreamHandler()  # as the lines of the run's own process
    shown.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    for handler in (kept, shown):
        log.addHandler(handler)
    over = threading.Event()

    def listen() -> None:
        sys.stdin.buffer.read()
        over.set()

    log.setLevel(logging.INFO)
    threading.Thread(target=listen, daemon=True).start()
    try:
        publish(record, over)
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        log.warning("tracking: W&B stopped (%s: %s)", type(error).__name__, text)


if __name__ == "__main__":
    main()
