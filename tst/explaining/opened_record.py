"""A finished LLM record, opened for explaining: its config, its questions, its scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from omegaconf import OmegaConf

from tst.config.schema import DIAGNOSTICS, RunConfig
from tst.core.errors import UserError
from tst.records.verified import read_record
from tst.stress_test.run import load_table


def open_record(path: Path) -> tuple[Path, RunConfig, pd.DataFrame, pd.DataFrame]:
    """Folder, config, question table and questions.parquet in the table's order.

    Raises UserError where the record is no finished one of an LLM, or its questions have changed.
    """
    record = read_record(path)
    if record.diagnostic != "lora_llm":
        raise UserError(
            f"record {path} is of {record.diagnostic}; only lora_llm has tokens to explain."
        )
    config = read_config(record.path)
    table = load_table(config)
    if table.fingerprint != record.fingerprint:
        raise UserError(
            f"record {path}: its questions are not those that {table.source} holds now; "
            "explain it where the benchmark it was run on is."
        )
    scored = record.questions.set_index("id").loc[table.frame["id"]].reset_index()
    return record.path, config, table.frame, scored.set_index(table.frame.index)


def read_config(record: Path) -> RunConfig:
    """config.yaml of a record, typed."""
    plain: dict[str, Any] = yaml.safe_load((record / "config.yaml").read_text(encoding="utf-8"))
    schema = OmegaConf.structured(RunConfig)
    schema.diagnostic = OmegaConf.structured(DIAGNOSTICS[plain["diagnostic"]["name"]])
    config = OmegaConf.to_object(OmegaConf.merge(schema, plain))
    assert isinstance(config, RunConfig)
    return config
