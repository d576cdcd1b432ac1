"""Whether the hub answers for a model, found out in seconds and asked once.

The hub library's own retries take half a minute for every file of a model, and print each try.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

TIMEOUT = 5.0
"""Seconds to wait for the hub."""


@lru_cache
def why_out_of_reach(source: str, revision: str | None) -> str:
    """Why the hub cannot be asked for a model; empty where it can, and for a local folder.

    A model that the hub does not have, or does not give to this user, is within reach.
    """
    if Path(source).exists():
        return ""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(source, revision=revision, timeout=TIMEOUT)
    except HfHubHTTPError as error:
        status = error.response.status_code
        return f"the hub answers {status}" if status >= 500 else ""
    except ValueError:  # not even a name that the hub could have
        return ""
    except Exception as error:  # what it raises depends on the hub library and its HTTP library
        text = str(error).strip().partition("\n")[0] or f"no answer in {TIMEOUT:.0f} s"
        return f"{type(error).__name__}: {text}"
    return ""
