"""A command in a terminal of so many columns, as a user sees it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """What a terminal shows at the end: exit code and lines, those overwritten left out."""

    def __init__(self, code: int, raw: str) -> None:
        self.code, self.raw = code, raw
        plain = ESCAPES.sub("", raw).replace("\r\n", "\n")
        self.lines = [line.rpartition("\r")[2].rstrip() for line in plain.split("\n")]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def in_terminal(columns: int, *words: str, timeout: float = 300, **environment: str) -> Screen:
    """Run ``python WORDS`` with standard output and error in a terminal of this width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdin=slave, stdout=slave, stderr=slave,
        env={**known, "TERM": "xterm-256color", **environment}, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    output, end = b"", time.monotonic() + timeout
    while time.monotonic() < end:
        if not select.select([master], [], [], 1.0)[0]:
            continue
        try:
            part = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        output += part
    else:
        process.kill()
    os.close(master)
    return Screen(process.wait(), output.decode(errors="replace"))
