"""Reads a finished LLM record for explaining: its config, its questions, its scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from omegaconf import OmegaConf

from tst.config.schema import DIAGNOSTICS, RunConfig
from tst.core.errors import UserError
from tst.records.run_records import read_record
from tst.stress_test.run import load_table


def open_record(path: Path) -> tuple[Path, RunConfig, pd.DataFrame, pd.DataFrame]:
    """Folder, config, question table and questions.parquet in the table's order.

    Raises UserError where the record is unfinished or not of an LLM, or its questions have changed.
    """
    record = read_record(path)
    if record.diagnostic != "lora_llm":
        raise UserError(
            f"record {path} is of diagnostic={record.diagnostic}; only lora_llm can be explained."
        )
    config = read_config(record.path)
    table = load_table(config)
    if table.fingerprint != record.fingerprint:
        raise UserError(
            f"record {path}: its questions differ from those in {table.source} now; explain it "
            "where the benchmark that it was run on is."
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
