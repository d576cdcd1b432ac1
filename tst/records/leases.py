"""Leases: one file per piece of work says which process does it. No flock: a shared file system
may not have it.

A lease file is created exclusively, names its owner, and is touched every HEARTBEAT_SECONDS while
the owner lives. Another process takes it over when the last touch is STALE_SECONDS old, or when the
owner ran on this host and is gone. Ages are measured with the clock that stamps the files: all
hosts share it, while their own clocks may differ. In the worst race two processes compute the same
fold and write the same file: work is lost, never a result.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 90.0


@dataclass(frozen=True)
class Owner:
    """Who holds a lease: host and process, with the process' start so that a reused id differs."""

    host: str
    pid: int
    started: str
    token: str

    @property
    def name(self) -> str:
        return f"process {self.pid} on {self.host}"

    def is_gone(self) -> bool:
        """True when the owner ran on this host and its process no longer exists."""
        return self.host == socket.gethostname() and process_start(self.pid) != self.started


def process_start(pid: int) -> str:
    """Start time of a process in clock ticks (from /proc), empty when there is no such process."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _alive_without_proc(pid)
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _alive_without_proc(pid: int) -> str:
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"


def file_time(folder: Path) -> float:
    """Now in seconds, by the clock that stamps the files of a folder.

    By this host's clock where no file can be created (``tst.status`` on a read-only copy).
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            return os.fstat(probe.fileno()).st_mtime
    except OSError:
        return time.time()


class Leases:
    """The leases in a folder as one process sees them; a thread keeps its own alive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        me = os.getpid()
        self.owner = Owner(socket.gethostname(), me, process_start(me), uuid.uuid4().hex)
        self._held: set[Path] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, name: str) -> bool:
        """Take a free lease, or one whose owner is dead; False when a live process holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        if self._create(path):
            return True
        if self.holder(name) is not None:
            return False
        expired = path.with_name(f".{name}.{uuid.uuid4().hex[:8]}.stale")
        with contextlib.suppress(FileNotFoundError):
            path.rename(expired)
        expired.unlink(missing_ok=True)
        return self._create(path)

    def _create(self, path: Path) -> bool:
        try:
            file = path.open("x")
        except FileExistsError:
            return False
        try:
            with file:
                json.dump(self.owner.__dict__, file)
        except OSError:  # a full disk: nobody should wait until half a lease is old
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            self._held.add(path)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, daemon=True)
                self._thread.start()
        return True

    def holder(self, name: str) -> Owner | None:
        """The live owner of a lease, or None when it is free or its owner is dead."""
        path = self.folder / name
        try:
            age = file_time(self.folder) - path.stat().st_mtime
            owner = Owner(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # being written at this moment, or cut short: live until it is old
            return Owner("unknown host", 0, "", "") if age < STALE_SECONDS else None
        return None if owner.is_gone() or age > STALE_SECONDS else owner

    def holders(self) -> list[str]:
        """Names of the live processes that hold any lease here."""
        found = (self.holder(path.name) for path in self.folder.glob("*.json"))
        return sorted({owner.name for owner in found if owner is not None})

    def give_back(self, name: str) -> None:
        path = self.folder / name
        with self._lock:
            self._held.discard(path)
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give back all leases of ours and end the heartbeat."""
        self._stop.set()
        with self._lock:
            held, self._held = self._held, set()
        for path in held:
            path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            with self._lock:
                held = list(self._held)
            for path in held:
                try:
                    os.utime(path)
                except OSError:
                    continue
