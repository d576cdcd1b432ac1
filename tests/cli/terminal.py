"""A command in a terminal of so many columns, as a user sees it."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from tests.commands import SECONDS, StartedCommand

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


def in_terminal(columns: int, module: str, *words: str, **environment: str) -> Screen:
    """Run ``python -m MODULE WORDS`` with standard output and error in a terminal of this width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {"COLUMNS": "", "NO_COLOR": "", "TERM": "xterm-256color", **environment}
    command = StartedCommand(module, *words, terminal=os.ttyname(slave), **environment)
    output, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        ended = command.has_ended()
        if select.select([master], [], [], 0.05)[0]:
            output += os.read(master, 65536)
        elif ended:
            break
    code = command.end(0).returncode
    os.close(slave)
    os.close(master)
    return Screen(code, output.decode(errors="replace"))
