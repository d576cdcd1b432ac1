"""Explain a record: attributions of the tuned and the untrained model, checks, a probe."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tst.config.schema import RunConfig
from tst.core.errors import UserError
from tst.core.progress import Progress
from tst.diagnostics.llm.fold_fitting import part_name
from tst.diagnostics.llm.model.adapters import adapter_folders, attach_saved, bare_again
from tst.diagnostics.llm.scoring.calibration import Calibration
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.session import Session
from tst.diagnostics.llm.settings import LoraSettings
from tst.explaining.attribution import Attribution, OptionScores, Reader
from tst.explaining.contrast import contrast_of
from tst.explaining.faithfulness import Masking, measure_masking, summarise_masking
from tst.explaining.planted_cues import cue_words
from tst.explaining.probe import Probe, probe_types
from tst.explaining.settings import ExplainConfig
from tst.explaining.words import WordedPrompt, split_listed_words, split_words

log = logging.getLogger("tst")


@dataclass
class Explained:
    """One question, and what each of its words adds to the gold option against the runner-up.

    tuned, untrained: attributions of the tuned and of the untrained model
    cue: indices of the planted cue's words, where the truth is known
    """

    row: dict[str, Any]
    prompt: WordedPrompt
    gold: int
    runner_up: int
    s: float
    s_zero_shot: float
    correct: bool
    tuned: Attribution
    untrained: Attribution
    masking: Masking
    cue: np.ndarray


@dataclass
class Explanation:
    """All explained questions of a record, and the checks over them.

    most: how many questions were to be explained, highest s first; 0: all
    """

    questions: list[Explained]
    faithfulness: dict[str, float]
    probes: list[Probe]
    left_out: dict[str, str] = field(default_factory=dict)
    most: int = 0

    @property
    def chosen(self) -> str:
        """Which questions the figures are about."""
        return "the questions with the highest s" if self.most else "all questions"


def explain_record(
    record: Path,
    config: RunConfig,
    table: pd.DataFrame,
    scored: pd.DataFrame,
    settings: ExplainConfig,
) -> Explanation:
    """Explain the multiple-choice questions with the highest s.

    config: the record's own; table: its questions; scored: its questions.parquet
    """
    chosen = choose_questions(table, scored, settings.questions)
    session = Session(
        table.drop(columns="answer"),
        config.diagnostic,
        config.model,
        settings.device,
        config.scoring.rules(),
    )
    rng = np.random.default_rng(0)
    found: list[Explained] = []
    left_out: dict[str, str] = {}
    with Progress("explaining", 2 * len(chosen), "prompt") as progress:
        explainer = _Explainer(session, table, scored, settings, rng, progress)
        for fold, part in chosen.groupby("fold", sort=True):
            folder = adapter_folder(record, int(str(fold)), config.diagnostic)
            log.info("fold %d: explaining %d questions", fold, len(part))
            prompts = {i: _words(session, table, i) for i in part.index}
            cut = [str(table.at[i, "id"]) for i, prompt in prompts.items() if prompt is None]
            left_out |= dict.fromkeys(cut, "its prompt was cut to max_length")
            whole = {i: prompt for i, prompt in prompts.items() if prompt is not None}
            found += explainer.explain_fold(folder, whole)
    if not found:
        raise UserError("no chosen question fits max_length: there is nothing to explain.")
    order = {str(table.at[i, "id"]): n for n, i in enumerate(chosen.index)}
    found.sort(key=lambda q: order[str(q.row["id"])])
    return Explanation(
        found,
        summarise_masking([q.masking for q in found], rng),
        _probes(session, table, scored),
        left_out,
        settings.questions,
    )


@dataclass
class _Explainer:
    """Explains questions of ``table``, which ``scored`` has the scores of, fold by fold."""

    session: Session
    table: pd.DataFrame
    scored: pd.DataFrame
    settings: ExplainConfig
    rng: np.random.Generator
    progress: Progress

    def explain_fold(self, adapter: Path, prompts: dict[Any, WordedPrompt]) -> list[Explained]:
        """The questions that one adapter answered. prompts: by position in the table."""
        session, untrained, found = self.session, {}, []
        with _reader(session, None, None, self.settings.batch) as reader:
            for i, prompt in prompts.items():
                contrast = contrast_of(self.table.loc[i], self.scored.loc[i], session, None)
                untrained[i] = reader.attribute(prompt, contrast)
                self.progress.advance()
        reading = FoldReading.load(adapter)
        with _reader(session, adapter, reading, self.settings.batch) as reader:
            for i, prompt in prompts.items():
                row, scores = _row(self.table, i), self.scored.loc[i]
                contrast = contrast_of(self.table.loc[i], scores, session, reading)
                tuned = reader.attribute(prompt, contrast)
                masking = measure_masking(
                    reader, prompt, tuned.words, contrast,
                    mask_token(session.base.tokenizer), self.settings.draws, self.rng,
                )  # fmt: skip
                found.append(
                    Explained(
                        row, prompt, contrast.gold, contrast.runner_up, float(scores["s"]),
                        float(scores["s_zero_shot"]), bool(scores["correct"] == 1.0),
                        tuned, untrained[i], masking, cue_words(row, prompt.words),
                    )
                )  # fmt: skip
                self.progress.advance()
        return found


def choose_questions(table: pd.DataFrame, scored: pd.DataFrame, most: int) -> pd.DataFrame:
    """Rows of questions.parquet, indexed as the table: mc, highest s first, ``most`` (0: all)."""
    scored = scored.loc[table.index]
    mc = scored[scored["format"] == "mc"].sort_values(["s", "id"], ascending=[False, True])
    if mc.empty:
        raise UserError("this record has no multiple-choice question: there is nothing to explain.")
    return mc.head(most) if most else mc


def adapter_folder(record: Path, fold: int, settings: LoraSettings) -> Path:
    """The folder of a fold's saved adapter (of repeat 0); of its first, where it has several."""
    folder = record / "adapters" / f"0-{fold}" / part_name(settings, ["mc"])
    folder = adapter_folders(folder, settings.adapters_per_fold)[0]
    if not (folder / "adapter_config.json").exists():
        raise UserError(
            f"{record}: no adapter of fold {fold}. Run it again with "
            "diagnostic.save_adapters=true in a new outputs_root: finished folds are not run again."
        )
    return folder


def _words(session: Session, table: pd.DataFrame, i: int) -> WordedPrompt | None:
    row = _row(table, i)
    prompt = session.encoded.take([i]).prompts[0]
    if session.lists is None:
        return split_words(session.base.tokenizer, session.encoder.render(row)[0], prompt, row)
    return split_listed_words(session.lists, session.lists.render_turn(row), prompt, row)


def _row(table: pd.DataFrame, i: int) -> dict[str, Any]:
    return {str(column): value for column, value in table.loc[i].items()}


@contextmanager
def _reader(
    session: Session, adapter: Path | None, reading: FoldReading | None, batch: int
) -> Iterator[Reader]:
    """A reader of the untrained model, or of the model with an adapter and its reading."""
    base = session.base
    options = None
    if session.lists is not None:
        options = OptionScores(session.lists.yes_no)
        if reading is not None and reading.head is not None:
            head = torch.from_numpy(reading.head)[None].to(base.device)
            how = reading.calibrations.get("mc", Calibration())
            options = OptionScores(session.lists.yes_no, head, how.temperature)
    with bare_again(base):
        model: Any = base.model if adapter is None else attach_saved(base.model, adapter)
        with Reader(model, batch, options).reading() as reader:
            yield reader


def mask_token(tokenizer: Any) -> int:
    """The token that replaces a masked one: a line break; the unknown one where there is none.

    Padding is often the end-of-turn token, and a prompt full of those is unlike any text.
    """
    ids = tokenizer("\n", add_special_tokens=False)["input_ids"]
    return int(ids[-1] if ids else tokenizer.unk_token_id)


def _probes(session: Session, table: pd.DataFrame, scored: pd.DataFrame) -> list[Probe]:
    """Probes on the untrained model's final state of every multiple-choice question."""
    mc = table[table["format"] == "mc"]
    states = final_states(session, mc)
    questions = pd.DataFrame(
        {
            "question_type": mc["question_type"].to_numpy(),
            "label": mc["answer"].astype(int).to_numpy(),
            "fold": scored.loc[mc.index, "fold"].to_numpy(),
        }
    )
    used = sorted({t for p in session.encoded.take(mc.index).prompts for t in p.ids})
    output: Any = session.base.model.get_output_embeddings()
    unembedding = output.weight[torch.tensor(used, device=output.weight.device)]
    tokenizer: Any = session.base.tokenizer
    names = [str(tokenizer.decode([t])).strip() for t in used]
    return probe_types(states, questions, unembedding.float().cpu().numpy(), names)


@torch.no_grad()
def final_states(session: Session, questions: pd.DataFrame) -> np.ndarray:
    """float array (n, hidden): the untrained model's final hidden state at the answer position."""
    model: Any = session.base.model
    rows = []
    for prompt in session.encoded.take(questions.index).prompts:
        tensor = torch.tensor([prompt.ids], device=session.base.device)
        output = model(input_ids=tensor, output_hidden_states=True, use_cache=False)
        rows.append(output.hidden_states[-1][0, -1].float().cpu().numpy())
    return np.stack(rows)
