"""Reads a finished LLM record for explaining: its config, its questions, its scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tst.config.composition import typed_record
from tst.config.schema import RunConfig
from tst.core.errors import UserError
from tst.diagnostics.llm.declaration import LoraLLM
from tst.records.run_records import read_record
from tst.stress_testing.build import diagnostic_of
from tst.stress_testing.run import load_table


def open_record(path: Path) -> tuple[Path, RunConfig, pd.DataFrame, pd.DataFrame]:
    """Folder, config, question table and questions.parquet in the table's order.

    Raises UserError where the record is unfinished or not of an LLM, or its questions have changed.
    """
    record = read_record(path)
    plain: dict[str, Any] = yaml.safe_load((record.path / "config.yaml").read_text("utf-8"))
    config = typed_record(plain)
    if not issubclass(diagnostic_of(config), LoraLLM):
        raise UserError(
            f"record {path} is of {record.label}; only {LoraLLM.label} can be explained."
        )
    table = load_table(config)
    if table.fingerprint != record.fingerprint:
        raise UserError(
            f"record {path}: its questions differ from those in {table.source} now; explain it "
            "where the benchmark that it was run on is."
        )
    scored = record.questions.set_index("id").loc[table.frame["id"]].reset_index()
    return record.path, config, table.frame, scored.set_index(table.frame.index)
