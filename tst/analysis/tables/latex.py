"""Paper tables as LaTeX with booktabs."""

from __future__ import annotations

from tst.analysis.tables.paper_table import (
    EARLIER,
    Figure,
    PaperTable,
    footnotes,
    shown_labels,
    write_figure,
)
from tst.core.number_text import DASH, MINUS

PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\usepackage[utf8]{inputenc}
\usepackage{booktabs,longtable}
\begin{document}
"""
LONG = 30
"""Tables of more rows than this run over pages."""

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    MINUS: "$-$", DASH: "--", "±": r"$\pm$", "Δ": r"$\Delta$", "τ": r"$\tau$", "≤": r"$\leq$",
    EARLIER: r"\dag{}",
}  # fmt: skip


def escape(text: str) -> str:
    """Text as LaTeX shows it; characters that pdflatex does not know become a question mark."""
    out = []
    for character in text:
        if character in _SPECIAL:
            out.append(_SPECIAL[character])
        else:
            out.append(character if ord(character) < 0x180 else "?")
    return "".join(out)


def render_latex(table: PaperTable) -> str:
    """A complete table environment; needs booktabs, and longtable beyond ``LONG`` rows."""
    shape = "l" * len(table.label_headings) + "r" * len(table.columns)
    width = len(shape)
    head = [r"\toprule", *_span_lines(table), _heading_line(table), r"\midrule"]
    body = _body_lines(table)
    caption = rf"\caption{{{escape(table.title)}. {escape(table.caption)}}}"
    notes = [escape(note) for note in footnotes(table)]
    label = rf"\label{{tab:{table.name}}}"
    if len(table.rows) > LONG:
        block = [
            r"{\small", rf"\begin{{longtable}}{{{shape}}}", caption + label + r"\\", *head,
            r"\endhead", *body, r"\bottomrule", r"\end{longtable}", *_note_lines(notes), "}",
        ]  # fmt: skip
    else:
        if not body:
            body = [rf"\multicolumn{{{width}}}{{c}}{{no records}} \\"]
        block = [
            r"\begin{table}[htbp]", r"\centering\small", caption, label,
            rf"\begin{{tabular}}{{{shape}}}", *head, *body, r"\bottomrule", r"\end{tabular}",
            *_note_lines(notes), r"\end{table}",
        ]  # fmt: skip
    return "\n".join(block) + "\n"


def render_document(names: list[str]) -> str:
    """A document that shows the tables of these names, to be compiled beside them."""
    inputs = "\n".join(rf"\input{{{name}}}\clearpage" for name in names)
    return f"{PREAMBLE}{inputs}\n\\end{{document}}\n"


def _span_lines(table: PaperTable) -> list[str]:
    """Headings over several columns with a rule under each; none where no column has one."""
    if not any(c.span for c in table.columns):
        return []
    first = len(table.label_headings)
    cells = [""] * first
    rules = []
    start = 0
    while start < len(table.columns):
        end = start
        span = table.columns[start].span
        while end < len(table.columns) and table.columns[end].span == span:
            end += 1
        if span:
            cells.append(rf"\multicolumn{{{end - start}}}{{c}}{{{escape(span)}}}")
            rules.append(rf"\cmidrule(lr){{{first + start + 1}-{first + end}}}")
        else:
            cells += [""] * (end - start)
        start = end
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def _heading_line(table: PaperTable) -> str:
    headings = [*table.label_headings, *(c.heading for c in table.columns)]
    return " & ".join(map(escape, headings)) + r" \\"


def _body_lines(table: PaperTable) -> list[str]:
    """The rows, with a rule where a new block begins."""
    lines = []
    for index, (row, labels) in enumerate(zip(table.rows, shown_labels(table.rows), strict=True)):
        if index and len(labels) > 1 and labels[0]:
            lines.append(r"\midrule")
        cells = [_cell(row.cells[c.key]) for c in table.columns]
        lines.append(" & ".join([*map(escape, labels), *cells]) + r" \\")
    return lines


def _cell(figure: Figure) -> str:
    text = escape(write_figure(figure))
    return rf"\textbf{{{text}}}" if figure.best else text


def _note_lines(notes: list[str]) -> list[str]:
    if not notes:
        return []
    joined = r"\\".join(notes)
    return [r"\par\medskip", rf"{{\footnotesize\raggedright {joined}\par}}"]
