// Puts the page together: overview, one record at a time, its questions, the other experiments.
"use strict";

const data = JSON.parse(byId("report-data").textContent);

function showOverview() {
  const overview = data.overview;
  if (!overview) return;
  byId("overview").hidden = false;
  byId("overview-title").textContent = overview.title;
  byId("overview-cards").append(...overview.cards.map((c) => card(c.name, c.value, c.more)));
  const kinds = new Set(overview.benchmarks.flatMap((b) => b.marks.map((m) => m.kind)));
  const drawing = el("div", {});
  byId("overview-chart").append(drawing);
  chartPanel(drawing, {
    title: "What text alone scores",
    entries: [...[...seriesEntries(overview.series)].filter(([kind]) => kinds.has(kind)).map(([, entry]) => entry), ["baseline", BASE, "line"]],
    table: {
      headings: headed("benchmark", "what", "score", "baseline"),
      rows: overview.benchmarks.flatMap((b) => b.marks.map((m) => [b.name, m.label, m.text, percent(b.baseline)])),
    },
    draw: (width) => overviewChart(overview.benchmarks, overview.series, width),
  }).className = "";
  byId("overview-table").append(paperTable(overview.table));
  byId("overview-context").hidden = !overview.context;
  if (overview.context) byId("overview-context").append(paperTable(overview.context));
}

function paperTable(table) {
  const isEmpty = (i) => table.rows.every((cells) => (cells[i].text ?? cells[i]) === DASH);
  const headings = table.headings.map((h, i) => ({ text: h.text, right: !h.label, extra: ["n", "majority"].includes(h.text) || isEmpty(i) }));
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
  select.addEventListener("change", () => goTo({ record: data.records[Number(select.value)].hash, search: "", type: "", right: "", question: "" }));
  byId("record-label").hidden = data.records.length < 2;
}

function showExperiments() {
  byId("pruning").hidden = !data.pruning.length;
  for (const p of data.pruning) {
    const rows = p.curve.flatMap((c) => [["score", c.score_hard], ["adjusted", c.adjusted_hard], ["baseline", c.baseline]]
      .filter(([, v]) => known(v)).map(([line, v]) => ({ removed: c.removed, line, value: 100 * v })));
    chartPanel(byId("pruning-charts"), { title: p.name, note: p.note, entries: [["score", TUNED], ["adjusted", ZERO], ["baseline", "var(--good)"]],
      table: { headings: headed("percent removed", "questions left", "score", "adjusted", "baseline"), rows: p.curve.map((c) => [fixed(c.removed, 1), count(c.n), percent(c.score_hard), percent(c.adjusted_hard), percent(c.baseline)]) },
      draw: (w) => linesChart(rows, w, { x: "removed", y: "value", xLabel: "percent of the questions removed", yLabel: "percent", color: "line" }) });
  }
  byId("noisy").hidden = !data.noisy.length;
  const lines = ["var(--tuned)", "var(--zero)", "var(--good)", "var(--open)", "var(--bad)", "var(--base)"];
  for (const n of data.noisy) {
    const names = [...new Set(n.rows.map((r) => r.optimizer))];
    chartPanel(byId("noisy-charts"), { title: n.name, note: n.note, entries: names.map((name, i) => [name, lines[i % lines.length]]),
      table: { headings: headed("optimizer", "seed", "step", "loss"), rows: n.rows.map((r) => [r.optimizer, r.seed, count(r.step), fixed(r.loss, 3)]) },
      draw: (w) => linesChart(n.rows, w, { x: "step", y: "loss", xLabel: "step", yLabel: "loss", color: "optimizer", dashed: "seed" }) });
  }
}

function showRecords() {
  const headings = [["benchmark"], ["score", 1], ["baseline", 1], ["what"], ["questions", 1], ["finished"], ["record"]].map(([text, right]) => ({ text, right }));
  const open = (r) => el("button", { class: "link", type: "button", onclick: () => { goTo({ ...EMPTY, record: r.hash }); scrollTo(0, 0); } }, r.hash);
  byId("record-list").hidden = !data.records.length;
  byId("record-heading").hidden = !data.records.length && !data.unusable;
  byId("record-list").append(plainTable(headings, data.records.map((r) => [
    r.benchmark, percent(r.overall.score_hard), percent(r.overall.baseline), r.name, count(r.overall.n),
    r.finished_at.slice(0, 16).replace("T", " "), el("code", {}, open(r))])));
  if (data.unusable) {
    byId("left-out").append(el("details", { open: "" }, el("summary", {}, `${count(data.unusable)} left out: unfinished, failed, outdated or changed`),
      el("ul", {}, data.left_out.map((sentence) => el("li", {}, sentence)))));
  }
}

// a folder of noisy tuning or pruning alone has no stress tests to count
const counted = data.records.length || data.unusable ? `${count(data.records.length)} record${data.records.length === 1 ? "" : "s"} · ` : "";
byId("made").textContent = `${counted}TsT ${data.version} · ${data.made_at}`;
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
byId("detail").addEventListener("close", () => note({ question: "" }));
window.addEventListener("popstate", showAddress);
new ResizeObserver(() => requestAnimationFrame(drawCharts)).observe(document.body);
drawCharts();
const ready = () => { document.documentElement.dataset.ready = "yes"; performance.mark("ready"); };

// A step to another record, search or question: noted in the address, then shown.
async function goTo(changes) {
  note(changes, true);
  await showAddress();
}

// Shows what the address says.
async function showAddress() {
  const wanted = readAddress();
  const index = Math.max(0, data.records.findIndex((r) => r.hash === wanted.record));
  Object.assign(shown, wanted);
  if (shownIndex !== index) await showRecord(index);
  if (data.records[index].chunk) applyToQuestions();
}

if (data.records.length) showAddress().then(ready);
else ready();
