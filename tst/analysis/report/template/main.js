// Puts the page together: overview, one record at a time, its questions, the other experiments.
"use strict";

const data = JSON.parse(byId("report-data").textContent);

function showOverview() {
  const overview = data.overview;
  if (!overview) return;
  byId("overview").hidden = false;
  byId("overview-cards").append(...overview.cards.map((c) => card(c.name, c.value, c.more)));
  const kinds = new Set(overview.benchmarks.flatMap((b) => b.marks.map((m) => m.kind)));
  const drawing = el("div", {});
  byId("overview-chart").append(drawing);
  chartPanel(drawing, {
    title: "What text alone scores",
    entries: [...[...seriesEntries(overview.series)].filter(([kind]) => kinds.has(kind)).map(([, entry]) => entry), ["baseline", BASE, "line"]],
    draw: (width) => overviewChart(overview.benchmarks, overview.series, width),
  }).className = "";
  byId("overview-table").append(paperTable(overview.table));
}

function paperTable(table) {
  const headings = table.headings.map((h) => ({ text: h.text, right: !h.label }));
  const notes = el("details", {}, el("summary", {}, "records and notes"), el("ul", {}, table.notes.map((n) => el("li", {}, n))));
  return el("div", {}, el("h3", {}, table.title), el("p", { class: "note" }, table.caption), plainTable(headings, table.rows), notes);
}

function fillPicker() {
  const select = byId("record-select");
  const groups = new Map();
  data.records.forEach((r, i) => {
    if (!groups.has(r.benchmark)) groups.set(r.benchmark, el("optgroup", { label: r.benchmark }));
    groups.get(r.benchmark).append(el("option", { value: i }, `${r.benchmark}: ${r.name}`));
  });
  select.append(...groups.values());
  select.addEventListener("change", () => showRecord(Number(select.value)));
  byId("record-label").hidden = data.records.length < 2;
}

function recordCards(r) {
  const o = r.overall;
  const spread = o.fold_sd && known(o.fold_sd.score_hard) ? `, folds ± ${percent(o.fold_sd.score_hard)}` : "";
  const cards = [card("score", percent(o.score_hard), range(o.interval.score_hard) + spread, "tuned")];
  if (known(o.zero_shot_hard)) {
    cards.push(card("zero-shot", percent(o.zero_shot_hard), range(o.interval.zero_shot_hard), "zero"));
    cards.push(card("Δ over zero-shot", points(o.delta_hard), `95%: ${points(o.interval.delta_hard[0])} to ${points(o.interval.delta_hard[1])}`));
  }
  cards.push(card("baseline", percent(o.baseline), `majority ${percent(o.majority)}`));
  cards.push(card("adjusted", percent(o.adjusted_hard), `${range(o.interval.adjusted_hard)} 0: guessing, 100: given away`));
  if (known(o.bits)) {
    const floor = `of a calibrated model ${fixed(o.ece_floor, 1)}`;
    cards.push(card("bits per question", fixed(o.bits, 3), o.nothing_beyond_counting || `beyond counting positions${known(o.interval.bits[0]) ? `, 95%: ${o.interval.bits.map((b) => fixed(b, 3)).join(" to ")}` : ""}`));
    cards.push(card("calibration error", fixed(o.ece, 1), floor));
  }
  const worst = [...r.types].filter((t) => known(t.adjusted_hard)).sort((a, b) => b.adjusted_hard - a.adjusted_hard)[0];
  if (worst) cards.push(card("most exposed type", percent(worst.score_hard), `${worst.name}, baseline ${percent(worst.baseline)}`));
  cards.push(card("questions", count(o.n), [r.left_out ? `${r.left_out} left out` : "", r.unparsed ? `${r.unparsed} unparsed` : ""].filter(Boolean).join(", ")));
  if (r.null && r.null.permuted && known(r.null.permuted.p)) cards.push(card("p, answers permuted", fixed(r.null.permuted.p, 3)));
  return cards;
}

// Adjusted of the score that the bars show; types without one come last.
function adjustedOrLast(t) {
  return known(t.adjusted_hard) ? t.adjusted_hard : -Infinity;
}

function recordCharts(r, parent) {
  const zeroShot = r.types.filter((t) => known(t.zero_shot_hard));
  const types = [...r.types].sort((a, b) => adjustedOrLast(b) - adjustedOrLast(a));
  const typeEntries = [["score, with 95% interval", TUNED], ["baseline", BASE, "line"]];
  if (zeroShot.length) typeEntries.push(["zero-shot", ZERO, "dot"]);
  chartPanel(parent, { title: "Score by question type", note: "The highest adjusted score first.", wide: true, entries: typeEntries, draw: (w) => typesChart(types, w) });
  const formats = Object.entries(FORMATS).filter(([f]) => r.s.some((b) => b.format === f)).map(([f, name]) => [name, `var(--${f})`]);
  chartPanel(parent, { title: "How biased single questions are", note: "s(x): towards 1, answered without looking.", entries: formats,
    draw: (w) => histogramChart(r.s, w, { label: "s(x)", domain: [0, 1] }) });
  if (r.delta.length) {
    chartPanel(parent, { title: "What training changed", note: "Δ = s(x) tuned − s(x) zero-shot.", entries: formats,
      draw: (w) => histogramChart(r.delta, w, { label: "Δ", domain: [-1, 1], zeroLine: true }) });
    chartPanel(parent, { title: "Zero-shot against TsT, by type", entries: [["zero-shot", ZERO, "dot"], ["tuned", TUNED, "dot"]],
      draw: (w) => gainChart([...zeroShot].sort((a, b) => b.delta_hard - a.delta_hard), w) });
    chartPanel(parent, { title: "Zero-shot against TsT, by question", note: "Above the line: training helped. Darker: more questions.", draw: (w) => planeChart(r.plane, w) });
  }
  if (r.reliability) {
    const entries = [[`tuned, ECE ${percent(r.reliability.ece)}`, TUNED, "dot"]];
    if (r.reliability_zero_shot) entries.push([`zero-shot, ECE ${percent(r.reliability_zero_shot.ece)}`, ZERO, "dot"]);
    chartPanel(parent, { title: "Confidence against accuracy", note: "Multiple choice; on the line, confidence is the share right.", entries,
      draw: (w) => reliabilityChart(r.reliability, r.reliability_zero_shot, w) });
  }
  if (r.importance.length) {
    chartPanel(parent, { title: "What gives the answers away", note: "Points of score lost when a feature family is permuted among held-out questions.",
      wide: true, draw: (w) => importanceChart(r.importance, w) });
  }
}

function showTwins(r) {
  const twins = r.twins;
  byId("twins").hidden = !twins || !twins.clusters;
  if (!twins || !twins.clusters) return;
  byId("twins-note").textContent =
    `${count(twins.questions)} questions have a twin in another fold (same template, same options; ${count(twins.clusters)} sets). ` +
    `Answered as their twins are, they score ${percent(twins.gives_away)}; their baseline is ${percent(twins.baseline)}.`;
  const headings = [["type"], ["template"], ["usual answer"], ["questions", 1], ["gives away", 1], ["baseline", 1]].map(([text, right]) => ({ text, right }));
  const rows = twins.rows.map((t) => [t.question_type, el("div", { class: "long" }, t.template), String(t.answer), count(t.n_questions), percent(t.gives_away), percent(t.baseline)]);
  byId("twins-table").replaceChildren(plainTable(headings, rows));
}

async function showRecord(index) {
  const r = data.records[index];
  byId("record").hidden = false;
  byId("record-select").value = String(index);
  byId("record-title").textContent = `${r.benchmark} · ${r.subject}`;
  byId("record-identity").replaceChildren(`${r.name}${r.repeats > 1 ? `, ${r.repeats} repeats` : ""} · record `, el("code", {}, r.path));
  byId("record-cards").replaceChildren(...recordCards(r));
  byId("record-charts").replaceChildren();
  recordCharts(r, byId("record-charts"));
  showTwins(r);
  drawCharts();
  byId("questions").hidden = !r.chunk;
  if (r.chunk) await showQuestions(r.chunk);
  else byId("record-identity").append(" · questions: ", el("code", {}, r.own_report));
}

function showExperiments() {
  byId("pruning").hidden = !data.pruning.length;
  for (const p of data.pruning) {
    const rows = p.curve.flatMap((c) => [["score", c.score_hard], ["adjusted", c.adjusted_hard], ["baseline", c.baseline]]
      .filter(([, v]) => known(v)).map(([line, v]) => ({ n: c.n, line, value: 100 * v })));
    chartPanel(byId("pruning-charts"), { title: p.name, note: p.note, entries: [["score", TUNED], ["adjusted", ZERO], ["baseline", "var(--good)"]],
      draw: (w) => linesChart(rows, w, { x: "n", y: "value", xLabel: "questions left", yLabel: "percent", color: "line", reverse: true }) });
  }
  byId("noisy").hidden = !data.noisy.length;
  const lines = ["var(--tuned)", "var(--zero)", "var(--good)", "var(--open)", "var(--bad)", "var(--base)"];
  for (const n of data.noisy) {
    const names = [...new Set(n.rows.map((r) => r.optimizer))];
    chartPanel(byId("noisy-charts"), { title: n.name, note: n.note, entries: names.map((name, i) => [name, lines[i % lines.length]]),
      draw: (w) => linesChart(n.rows, w, { x: "step", y: "loss", xLabel: "step", yLabel: "loss", color: "optimizer", dashed: "seed" }) });
  }
}

function showRecords() {
  const headings = [["benchmark"], ["what"], ["questions", 1], ["score", 1], ["baseline", 1], ["finished"], ["record"]].map(([text, right]) => ({ text, right }));
  const open = (i) => el("a", { href: "#record", onclick: () => showRecord(i) }, data.records[i].hash);
  byId("record-list").append(plainTable(headings, data.records.map((r, i) => [
    r.benchmark, r.name, count(r.overall.n), percent(r.overall.score_hard),
    percent(r.overall.baseline), r.finished_at.slice(0, 16).replace("T", " "), el("code", {}, open(i))])));
  if (data.unusable) {
    byId("left-out").append(el("details", { open: "" }, el("summary", {}, `${count(data.unusable)} left out: unfinished, failed, outdated or changed`),
      el("ul", {}, data.left_out.map((sentence) => el("li", {}, sentence)))));
  }
}

byId("made").textContent = `${count(data.records.length)} record${data.records.length === 1 ? "" : "s"} · TsT ${data.version} · ${data.made_at}`;
showOverview();
showExperiments();
showRecords();
fillPicker();
let wait = 0;
byId("search").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(filterQuestions, 90); });
byId("type-filter").addEventListener("change", filterQuestions);
byId("right-filter").addEventListener("change", filterQuestions);
document.querySelector("dialog .close").addEventListener("click", () => byId("detail").close());
byId("detail").addEventListener("click", (event) => { if (event.target === byId("detail")) byId("detail").close(); });
new ResizeObserver(() => requestAnimationFrame(drawCharts)).observe(document.body);
drawCharts();
const ready = () => { document.documentElement.dataset.ready = "yes"; performance.mark("ready"); };
if (data.records.length) showRecord(0).then(ready);
else ready();
