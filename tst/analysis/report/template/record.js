// One record: its sentence, the excess by question type, what to mend, figures and charts.
"use strict";

const MOST_LETTERS = 90; // of a question in the list of those to mend

function recordCards(r) {
  const o = r.overall;
  const spread = o.fold_sd && known(o.fold_sd.score_hard) ? `, folds ± ${percent(o.fold_sd.score_hard)}` : "";
  const cards = [card("score", percent(o.score_hard), range(o.interval.score_hard) + spread, "tuned")];
  if (known(o.zero_shot_hard)) {
    cards.push(card("zero-shot", percent(o.zero_shot_hard), range(o.interval.zero_shot_hard), "zero"));
    cards.push(card("Δ over zero-shot", points(o.delta_hard), `95%: ${points(o.interval.delta_hard[0])} to ${points(o.interval.delta_hard[1])}`));
  }
  cards.push(card("baseline", percent(o.baseline), `majority ${percent(o.majority)}`));
  cards.push(card("adjusted", percent(o.adjusted_hard), `${range(o.interval.adjusted_hard)}; 0: guessing, 100: given away`));
  if (known(o.bits)) {
    const floor = `of a calibrated model ${fixed(o.ece_floor, 1)}`;
    cards.push(card("bits per question", fixed(o.bits, 3), o.nothing_beyond_counting || `beyond counting positions${known(o.interval.bits[0]) ? `, 95%: ${o.interval.bits.map((b) => fixed(b, 3)).join(" to ")}` : ""}`));
    cards.push(card("log-likelihood", fixed(o.log_likelihood, 3), `of the right option; positions ${fixed(o.prior_log_likelihood, 3)}, uniform ${fixed(o.uniform_log_likelihood, 3)}`));
    cards.push(card("calibration error", fixed(o.ece, 1), floor));
  }
  cards.push(card("questions", count(o.n), [r.left_out ? `${r.left_out} left out` : "", r.unparsed ? `${r.unparsed} unparsed` : ""].filter(Boolean).join(", ")));
  if (r.null && r.null.permuted && known(r.null.permuted.p)) cards.push(card("p, answers permuted", fixed(r.null.permuted.p, 3)));
  return cards;
}

function showExcess(r, parent) {
  const rows = r.excess;
  const states = Object.keys(STATES).filter((state) => rows.some((t) => t.state === state));
  chartPanel(parent, {
    title: "Points above the baseline, by question type", note: "The highest first, with 95% intervals. Right: score against baseline, percent.",
    entries: states.map((state) => STATES[state]), folded: rows.length,
    table: {
      headings: headed("question type", "above its baseline", "95% from", "to", "score", "baseline", "questions", "to mend", "state"),
      rows: rows.map((t) => [t.name, points(t.excess), points(t.low), points(t.high), percent(t.score), percent(t.baseline), count(t.n), count(t.to_mend), STATES[t.state][0]]),
    },
    draw: (w, all) => excessChart(all ? rows : rows.slice(0, MOST_ROWS), w),
  });
}

function showToMend(r) {
  const listed = r.to_mend;
  byId("to-mend").hidden = !listed || !listed.n;
  if (!listed || !listed.n) return;
  const rest = listed.shortcuts > listed.rows.length ? ` The ${listed.rows.length} largest of ${count(listed.shortcuts)} rows.` : "";
  byId("to-mend-note").textContent = `${count(listed.n)} questions of the types answered without looking, by what tells the answer.${rest} The example is the question that gives most away; to_mend.csv in the record's folder has all.`;
  const short = (text) => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text);
  const open = (t) => el("button", { class: "link", type: "button", onclick: () => openQuestion(t.id) }, short(t.question));
  const rows = listed.rows.map((t) => [
    el("div", { class: "asked" }, el("b", {}, t.shortcut), el("div", { class: "under" }, t.question_type)),
    count(t.n), el("div", { class: "long" }, t.repair || ""),
    el("div", { class: "long" }, r.chunk ? open(t) : short(t.question), el("div", { class: "under" }, t.why || "")),
    t.gold, `${t.answered ?? DASH}${known(t.probability) ? ` (${percent(t.probability, 0)}%)` : ""}`,
  ]);
  const headings = ["what tells it", "questions", "repair", "example, and why", "right answer", "answered"];
  byId("to-mend-table").replaceChildren(plainTable(headings.map((text) => ({ text, right: text === "questions" })), rows));
}

// The score of which "adjusted" is shown is the hard one; types without any come last.
function adjustedOrLast(t) {
  return known(t.adjusted_hard) ? t.adjusted_hard : -Infinity;
}

function binsTable(bars) {
  const rows = bars.map((b) => [`${fixed(b.x1)} to ${fixed(b.x2)}`, FORMATS[b.format], count(b.n)]);
  return { headings: [{ text: "range" }, { text: "format" }, { text: "questions", right: true }], rows };
}

function recordCharts(r, parent) {
  const zeroShot = r.types.filter((t) => known(t.zero_shot_hard));
  const types = [...r.types].sort((a, b) => adjustedOrLast(b) - adjustedOrLast(a));
  const typeEntries = [["score, with 95% interval", TUNED], ["baseline", BASE, "line"]];
  if (zeroShot.length) typeEntries.push(["zero-shot", ZERO, "dot"]);
  chartPanel(parent, { title: "Score by question type", note: "The highest adjusted score first.", wide: true, entries: typeEntries, folded: types.length,
    table: {
      headings: headed("question type", "score", "95% from", "to", "baseline", "majority", "adjusted", ...(zeroShot.length ? ["zero-shot", "Δ"] : []), "questions"),
      rows: types.map((t) => [t.name, percent(t.score_hard), percent(t.interval.score_hard[0]), percent(t.interval.score_hard[1]), percent(t.baseline), percent(t.majority), percent(t.adjusted_hard),
        ...(zeroShot.length ? [percent(t.zero_shot_hard), points(t.delta_hard)] : []), count(t.n)]),
    },
    draw: (w, all) => typesChart(all ? types : types.slice(0, MOST_ROWS), w) });
  const formats = Object.entries(FORMATS).filter(([f]) => r.s.some((b) => b.format === f)).map(([f, name]) => [name, `var(--${f})`]);
  chartPanel(parent, { title: "How biased single questions are", note: "s(x): towards 1, answered without looking.", entries: formats, table: binsTable(r.s),
    draw: (w) => histogramChart(r.s, w, { label: "s(x)", domain: [0, 1] }) });
  if (r.delta.length) {
    chartPanel(parent, { title: "What training changed", note: "Δ = s(x) tuned − s(x) zero-shot.", entries: formats, table: binsTable(r.delta),
      draw: (w) => histogramChart(r.delta, w, { label: "Δ", domain: [-1, 1], zeroLine: true }) });
    const gains = [...zeroShot].sort((a, b) => b.delta_hard - a.delta_hard);
    chartPanel(parent, { title: "Zero-shot against TsT, by type", note: "The largest gain first.", entries: [["zero-shot", ZERO, "dot"], ["tuned", TUNED, "dot"]], folded: gains.length,
      table: { headings: headed("question type", "zero-shot", "tuned", "Δ"), rows: gains.map((t) => [t.name, percent(t.zero_shot_hard), percent(t.score_hard), points(t.delta_hard)]) },
      draw: (w, all) => gainChart(all ? gains : gains.slice(0, MOST_ROWS), w) });
    chartPanel(parent, { title: "Zero-shot against TsT, by question", note: "Above the line: training helped. Darker: more questions.",
      table: { headings: headed("s(x) zero-shot", "s(x) tuned", "questions"), rows: r.joint_histogram.map((c) => [`${fixed(c.x1)} to ${fixed(c.x2)}`, `${fixed(c.y1)} to ${fixed(c.y2)}`, count(c.n)]) },
      draw: (w) => jointChart(r.joint_histogram, w) });
  }
  if (r.reliability) {
    const entries = [[`tuned, ECE ${percent(r.reliability.ece)}`, TUNED, "dot"]];
    if (r.reliability_zero_shot) entries.push([`zero-shot, ECE ${percent(r.reliability_zero_shot.ece)}`, ZERO, "dot"]);
    const bins = [["tuned", r.reliability], ["zero-shot", r.reliability_zero_shot]].flatMap(([name, c]) => (c ? c.bins.map((b) => [name, percent(b.confidence), percent(b.accuracy), count(b.n)]) : []));
    chartPanel(parent, { title: "Confidence against accuracy", note: "Multiple choice; on the line, confidence is the share right.", entries,
      table: { headings: headed("model", "confidence", "right", "questions"), rows: bins },
      draw: (w) => reliabilityChart(r.reliability, r.reliability_zero_shot, w) });
  }
  if (r.importance.length) {
    const order = r.excess.map((t) => t.name).filter((name) => r.importance.some((i) => i.question_type === name));
    const byType = (names) => names.flatMap((name) => r.importance.filter((i) => i.question_type === name));
    chartPanel(parent, { title: "What gives the answers away", note: "Points of score lost when a feature family is permuted among held-out questions.",
      wide: true, key: importanceKey(r.importance), folded: order.length,
      table: { headings: headed("feature family", "question type", "points", "±"), rows: byType(order).map((i) => [i.family, i.question_type, points(i.importance), percent(i.sd)]) },
      draw: (w, all) => importanceChart(byType(all ? order : order.slice(0, MOST_ROWS)), w) });
  }
}

function showNearDuplicates(r) {
  const found = r.near_duplicates;
  byId("near-duplicates").hidden = !found || !found.clusters;
  if (!found || !found.clusters) return;
  byId("near-duplicates-note").textContent =
    `${count(found.questions)} questions have a near-duplicate in another fold (same template, same options; ${count(found.clusters)} sets). ` +
    `Answered as their near-duplicates are, they score ${percent(found.gives_away)}; their baseline is ${percent(found.baseline)}.`;
  const headings = [["type"], ["gives away", 1], ["baseline", 1], ["questions", 1], ["usual answer"], ["template"]].map(([text, right]) => ({ text, right }));
  const rows = found.rows.map((t) => [t.question_type, percent(t.gives_away), percent(t.baseline), count(t.n_questions), String(t.answer), el("div", { class: "long" }, t.template)]);
  byId("near-duplicates-table").hidden = !found.rows.length;
  byId("near-duplicates-table").replaceChildren(plainTable(headings, rows));
}

let shownIndex = -1;

async function showRecord(index) {
  shownIndex = index;
  const r = data.records[index];
  byId("record").hidden = false;
  byId("figures").hidden = false;
  byId("record-select").value = String(index);
  byId("record-title").textContent = `${r.benchmark} · ${r.subject}`;
  byId("headline").textContent = r.sentence;
  byId("violated").hidden = !r.violated.length;
  byId("violated").textContent = r.violated.join(" ");
  byId("verdict-list").replaceChildren(...r.verdict.map((sentence) => el("li", {}, sentence)));
  byId("record-identity").replaceChildren(`${r.name}${r.repeats > 1 ? `, ${r.repeats} repeats` : ""} · record `, el("code", {}, r.path));
  byId("record-excess").replaceChildren();
  showExcess(r, byId("record-excess"));
  showToMend(r);
  byId("record-cards").replaceChildren(...recordCards(r));
  byId("record-charts").replaceChildren();
  recordCharts(r, byId("record-charts"));
  showNearDuplicates(r);
  drawCharts();
  byId("questions").hidden = !r.chunk;
  if (r.chunk) await showQuestions(r.chunk);
  else byId("record-identity").append(" · questions: ", el("code", {}, r.own_report));
}
