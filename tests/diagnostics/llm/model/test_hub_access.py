"""A hub that cannot be reached is found out in seconds, asked once, and told in one message."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tst.core.errors import UserError
from tst.diagnostics.llm.model import hub_access
from tst.diagnostics.llm.model.pretrained import count_parameters
from tst.diagnostics.llm.settings import ModelSettings


class DeafHub:
    """A server on this machine that hears requests and never answers."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.callers: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):  # the server is closed
            while True:
                self.callers.append(self.server.accept()[0])

    def asked_for_models(self) -> int:
        return sum(b" /some/model" in _begin(c) or b"models/some" in _begin(c)
                   for c in self.callers)  # fmt: skip


def _begin(caller: socket.socket) -> bytes:
    caller.settimeout(0.5)
    return caller.recv(200, socket.MSG_PEEK)


@pytest.fixture
def deaf_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeafHub]:
    hub = DeafHub()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    monkeypatch.setattr(hub_access, "TIMEOUT", 0.5)
    hub_access.why_out_of_reach.cache_clear()
    yield hub
    hub_access.why_out_of_reach.cache_clear()
    hub.server.close()


def test_a_hub_that_never_answers_is_one_message_within_seconds(deaf_hub, caplog, capfd):
    started = time.perf_counter()
    with pytest.raises(UserError, match=r"model\.name=some/model: the hub cannot be reached"):
        count_parameters(ModelSettings("some/model"))
    assert time.perf_counter() - started < 8
    assert deaf_hub.asked_for_models() == 1
    assert caplog.messages == [] and capfd.readouterr().err == ""


def test_a_hub_that_is_not_there_has_its_reason(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    hub_access.why_out_of_reach.cache_clear()
    assert "refused" in hub_access.why_out_of_reach("some/model", None).lower()
    hub_access.why_out_of_reach.cache_clear()


def test_a_folder_needs_no_hub(tmp_path, deaf_hub):
    assert hub_access.why_out_of_reach(str(tmp_path), None) == ""
