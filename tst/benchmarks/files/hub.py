"""Records from the Hugging Face hub: text columns alone, at a pinned revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tst.benchmarks.files.parquet import read_parquet_texts
from tst.benchmarks.files.reading import read_one
from tst.benchmarks.files.records import FileRecords, Source, numbered
from tst.benchmarks.settings import HubSettings
from tst.core.errors import UserError

TIMEOUT = 5.0


def read_hub(
    name: str,
    hub: HubSettings,
    choose: Callable[[Sequence[str]], Sequence[str]],
    tried: str = "",
) -> Source:
    """Records of a hub dataset at the commit that its revision means.

    Of Parquet files only the columns that ``choose`` picks are transferred, and never those that
    hold bytes (images). ``tried`` says what was looked for before. Raises one UserError,
    within seconds, when the hub or the dataset is out of reach.
    """
    from huggingface_hub import HfApi, HfFileSystem, hf_hub_download

    address = f"hf://datasets/{hub.repo}@{hub.revision}"
    try:
        # one request that is not retried: no network shows here, before anything that retries
        info = HfApi().dataset_info(hub.repo, revision=hub.revision, timeout=TIMEOUT)
        present = [sibling.rfilename for sibling in info.siblings or []]
        paths = _match(name, hub, present)
        commit = info.sha or hub.revision
        files: list[FileRecords] = []
        for path in paths:
            if path.endswith(".parquet"):
                remote = f"datasets/{hub.repo}@{commit}/{path}"
                # no read-ahead: it would transfer the pictures between the text columns
                with HfFileSystem().open(remote, "rb", cache_type="none") as file:
                    texts = read_parquet_texts(file, remote, choose)
                files.append(numbered(path, texts))
            else:
                local = hf_hub_download(hub.repo, path, repo_type="dataset", revision=commit)
                files.append(replace(read_one(Path(local)), name=path))
    except UserError:
        raise
    except Exception as error:  # what it raises depends on the hub library and its HTTP library
        raise UserError(_explain(name, address, tried, error)) from error
    return Source(files, f"{address}: {', '.join(paths)}", commit)


def _match(name: str, hub: HubSettings, present: list[str]) -> list[str]:
    """The files of the first pattern that matches any."""
    patterns = [p.replace("{split}", hub.split).replace("{config}", hub.config) for p in hub.files]
    for pattern in patterns:
        if paths := sorted(p for p in present if fnmatchcase(p, pattern)):
            return paths
    raise UserError(
        f"benchmark {name}: {hub.repo} has no file like {', '.join(patterns)}; it has "
        f"{', '.join(present[:20])}. Set benchmark.hub.files=[PATTERN]."
    )


def _explain(name: str, address: str, tried: str, error: Any) -> str:
    reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return (
        f"benchmark {name}: {tried}{address} cannot be read ({reason:.300}).\n"
        "Read a copy instead with benchmark.path=FILE, or data_root=DIR (one sub-folder per "
        f"benchmark: DIR/{name}/...); for a gated or private dataset set HF_TOKEN; "
        "check the network and that HF_HUB_OFFLINE is not set."
    )
