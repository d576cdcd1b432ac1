"""One self-contained HTML page: checks, question types, a heat map per question. No script."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from importlib.resources import files

import numpy as np

from tst.diagnostics.llm.prompting.prompts import LETTERS, render_prompt
from tst.explaining.aggregate import MeanShare, TypeSummary, check_cue, summarise_types
from tst.explaining.probe import Probe
from tst.explaining.run import Explained, Explanation

LEAST_TINTED = 0.04
"""A word whose value is below this share of the largest value is not tinted."""


def render_page(explanation: Explanation, title: str) -> str:
    """The whole page. ``title``: which record is explained, as plain text."""
    style = files("tst.explaining").joinpath("template/page.css").read_text(encoding="utf-8")
    body = "\n".join(
        [
            f"<h1>Why the model answers as it does</h1><p class=soft>{escape(title)}</p>",
            _figures(explanation),
            "<h2>Question types</h2><div class=types>",
            *(_type(t) for t in summarise_types(explanation.questions)),
            "</div>",
            _probes(explanation.probes),
            "<h2>Questions</h2>",
            LEGEND,
            *(_question(q, opened=n < 3) for n, q in enumerate(explanation.questions)),
            _left_out(explanation),
        ]
    )
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
        "style-src 'unsafe-inline'\">"
        f"<title>Explained: {escape(title)}</title><style>{style}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _figures(explanation: Explanation) -> str:
    faith = explanation.faithfulness
    cue = check_cue(explanation.questions)
    rows = [
        (f"{100 * faith['top']:.1f} points", "the probability of the gold option changes by, when "
         "the top 10% attributed tokens are masked"),
        (f"{100 * faith['random']:.1f} points", "when as many random tokens are masked"),
        (f"{100 * faith['more_often']:.0f}%", "of questions change more with attributed tokens; "
         f"difference {100 * faith['difference_low']:.1f} to {100 * faith['difference_high']:.1f} "
         "points (95%)"),
    ]  # fmt: skip
    if cue.questions:
        rows.append(
            (f"{cue.found} of {cue.questions}",
             f"of {explanation.chosen} that have a cue and are answered right: the word with the "
             f"highest value is the planted cue. By the attributions of the untrained model: "
             f"{cue.untrained}; by a random word: {100 * cue.chance:.0f}%")
        )  # fmt: skip
    items = "".join(f"<li><b>{escape(n)}</b>{escape(text)}</li>" for n, text in rows)
    return f"<ul class=figures>{items}</ul>"


def _type(summary: TypeSummary) -> str:
    cue = ""
    if summary.cue.questions:
        cue = (
            "<p>Right answers in which the planted cue has the highest value: "
            f"{escape(str(summary.cue))}.</p>"
        )
    return (
        f"<section><h3>{escape(summary.question_type)}</h3>"
        f"<p class=soft>{summary.questions} question{'s' * (summary.questions != 1)}</p>{cue}"
        f"<h3>Words</h3>{_bars(summary.words)}<h3>Parts</h3>{_bars(summary.parts)}</section>"
    )


def _bars(shares: list[MeanShare]) -> str:
    strongest = max((abs(c.share) for c in shares), default=1.0) or 1.0
    return "".join(
        f"<div class=bar><span>{escape(c.name)}</span>"
        f"<i{' class=minus' if c.share < 0 else ''} style='--a:{abs(c.share) / strongest:.3f}'></i>"
        f"<span>{100 * c.share:.1f}%</span></div>"
        for c in shares
    )


def _probes(probes: list[Probe]) -> str:
    if not probes:
        return ""
    rows = "".join(
        f"<tr><td>{escape(p.question_type)}<td class=n>{p.n}<td class=n>{100 * p.accuracy:.1f}"
        f"<td class=n>{100 * p.majority:.1f}<td>{escape('  '.join(t for t in p.tokens if t))}"
        for p in probes
    )
    return (
        "<h2>A probe on the untrained model's final state</h2>"
        "<p class=soft>Logistic regression per question type, on held-out folds: how often it "
        "reads the gold option from the state at the answer position, and how often the most "
        "frequent option is right. Tokens: those nearest to its direction of that option.</p>"
        "<div class=scroll><table><tr><th>type<th class=n>questions<th class=n>accuracy"
        f"<th class=n>majority<th>tokens{rows}</table></div>"
    )


LEGEND = (
    "<p class='key soft'><i></i> favours the gold option, <i class=minus></i> the runner-up; both "
    "sides have the same scale. Underlined: the planted cue. The value of a word is what it adds "
    "to the log-odds of the gold option against the runner-up (Shapley values of question and "
    "options, divided among their words). The letter of the gold option has the value of the "
    "order.</p>"
)


def _question(question: Explained, opened: bool) -> str:
    row = question.row
    both = (question.tuned, question.untrained)
    scale = max(float(np.abs(found.words).max()) for found in both) or 1.0
    maps = "".join(
        f"<div><h3>{name}: log-odds {found.log_odds:+.2f}</h3>"
        f"<p class=map>{_heat(question, found.words, scale)}</p></div>"
        for name, found in zip(("Tuned", "Zero-shot"), both, strict=True)
    )
    zero_shot = (
        "" if math.isnan(question.s_zero_shot) else f" (zero-shot {question.s_zero_shot:.2f})"
    )
    return (
        f"<details{' open' if opened else ''}><summary>{escape(str(row['id']))} · "
        f"{escape(str(row['question_type']))} · {LETTERS[question.gold]} against "
        f"{LETTERS[question.runner_up]} · s {question.s:.2f}{zero_shot}</summary>"
        f"<div class=pair>{maps}</div></details>"
    )


def _heat(question: Explained, values: np.ndarray, scale: float) -> str:
    """The prompt, each word tinted by its value."""
    prompt = render_prompt(question.row)
    cue = set(question.cue.tolist())
    parts: list[str] = []
    at = 0
    for number, (word, value) in enumerate(
        zip(question.prompt.words, values.tolist(), strict=True)
    ):
        begin = prompt.index(word.text, at)
        parts.append(escape(prompt[at:begin]))
        at = begin + len(word.text)
        share = abs(value) / scale
        tinted = share > LEAST_TINTED
        classes = ["cue"] * (number in cue) + ["minus"] * (tinted and value < 0)
        tint = f" style='--a:{share:.2f}' title='{value:+.2f}'" if tinted else ""
        named = f" class='{' '.join(classes)}'" if classes else ""
        parts.append(f"<span{named}{tint}>{escape(word.text)}</span>" if named or tint
                     else escape(word.text))  # fmt: skip
    return "".join([*parts, escape(prompt[at:])])


def _left_out(explanation: Explanation) -> str:
    if not explanation.left_out:
        return ""
    named: Iterable[str] = (
        f"{escape(i)}: {escape(why)}" for i, why in explanation.left_out.items()
    )
    return f"<p class=soft>Left out: {'; '.join(named)}.</p>"
