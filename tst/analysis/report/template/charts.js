// Charts with Observable Plot. Colours are CSS variables, so they follow light and dark.
"use strict";

const TUNED = "var(--tuned)", ZERO = "var(--zero)", BASE = "var(--base)";
const FORMATS = { mc: "multiple choice", num: "number", open: "open" };
const TIP = { fill: "var(--panel)", stroke: "var(--line)" };
const ENOUGH = 10; // questions in a confidence bin for the line to go through it
const SERIES = [ZERO, TUNED, "var(--good)", "var(--open)", "var(--bad)", "var(--num)"];
const SYMBOLS = ["circle", "circle", "diamond2", "square", "triangle", "star"];
const drawn = [];

const MOST_ROWS = 20; // question types in a chart before the others are folded away

// A panel whose chart is drawn for its width, again when the width changes.
// table: {headings, rows}, the same figures as text. folded: how many rows there are in all, where
// draw(width, all) draws the first MOST_ROWS of them unless all are asked for.
function chartPanel(parent, { title, note = "", entries = [], key = null, wide = false, table, folded = 0, draw }) {
  const holder = el("div", {});
  const chart = { holder, draw, title, width: 0, all: false };
  const more = folded > MOST_ROWS ? el("button", { class: "more-rows", type: "button", "aria-expanded": "false" }, `show all ${folded}`) : null;
  if (more) more.addEventListener("click", () => {
    chart.all = !chart.all;
    chart.width = 0;
    more.textContent = chart.all ? `show the first ${MOST_ROWS}` : `show all ${folded}`;
    more.setAttribute("aria-expanded", String(chart.all));
    drawCharts();
  });
  const panel = el("div", { class: wide ? "panel wide" : "panel" },
    el("h3", {}, title), note ? el("p", { class: "note" }, note) : null,
    entries.length ? legend(entries) : null, key, holder, more,
    table ? el("details", { class: "as-table" }, el("summary", {}, "as a table"), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, plainTable(table.headings, table.rows))) : null);
  parent.append(panel);
  drawn.push(chart);
  return panel;
}

const headed = (...names) => names.map((text, i) => ({ text, right: i > 0 }));

function drawCharts() {
  for (let i = drawn.length - 1; i >= 0; i--) {
    const chart = drawn[i];
    if (!chart.holder.isConnected) { drawn.splice(i, 1); continue; }
    const width = Math.floor(chart.holder.clientWidth);
    if (width > 0 && width !== chart.width) {
      chart.width = width;
      const node = chart.draw(width, chart.all);
      node.classList.add("plot");
      for (const part of node.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
      node.setAttribute("role", "img");
      node.setAttribute("aria-label", `Chart: ${chart.title}. The same figures stand in the table below it.`);
      chart.holder.replaceChildren(node);
    }
  }
}

function base(width, height, more) {
  return {
    width, height, marginTop: 12, marginRight: 16, marginBottom: 36,
    style: { fontSize: "12px", fontFamily: "inherit", background: "none", color: "var(--soft)" },
    ...more,
  };
}

// Names left of the bars, or above them where there is no room.
function namedRows(names, width) {
  const longest = Math.max(...names.map((n) => n.length));
  const needed = Math.min(7 * longest + 12, 260);
  const above = width < 560 && needed > 0.3 * width;
  return { above, marginLeft: above ? 4 : needed, row: above ? 46 : 34 };
}

function rowNames(names, above) {
  return above
    ? Plot.text(names, { y: (d) => d, x: 0, text: (d) => d, textAnchor: "start", frameAnchor: "left", dy: -19, dx: 2, fill: "var(--ink)" })
    : Plot.axisY({ tickSize: 0, label: null, fill: "var(--ink)", lineWidth: 20, textOverflow: "ellipsis" });
}

const STATES = {
  exposed: ["answered without looking", "var(--tuned)"],
  "one answer": ["one answer suffices", "var(--zero)"],
  "no sign": ["no sign of a shortcut", "var(--base)"],
  "too few": ["too few questions to tell", "var(--faint)"],
};

// How far each type's score is above its baseline, the highest first.
function excessChart(rows, width) {
  const names = rows.map((t) => t.name);
  const { above, marginLeft, row } = namedRows(names, width);
  const limits = rows.filter((t) => known(t.low));
  const low = Math.min(0, ...rows.map((t) => 100 * Math.min(t.excess, t.low ?? t.excess)));
  const high = Math.max(10, ...rows.map((t) => 100 * Math.max(t.excess, t.high ?? t.excess)));
  const describe = (t) => [
    t.name, `${STATES[t.state][0]}${t.to_mend ? `: about ${count(t.to_mend)} of ${count(t.n)} to mend` : `, ${count(t.n)} questions`}`,
    `score ${percent(t.score)}, baseline ${percent(t.baseline)}: ${points(t.excess)} points`,
    known(t.low) ? `95%: ${points(t.low)} to ${points(t.high)}` : "",
  ].filter(Boolean).join("\n");
  return Plot.plot(base(width, rows.length * (above ? row : 27) + 52, {
    marginLeft, marginRight: 118,
    x: { domain: [low, high], label: "points above the baseline", labelAnchor: "center", grid: true, ticks: width < 500 ? 4 : 8 },
    y: { domain: names, padding: above ? 0.62 : 0.36, label: null, axis: null },
    marks: [
      Plot.barX(rows, { y: "name", x: (t) => 100 * t.excess, fill: (t) => STATES[t.state][1], rx: 3, title: describe, tip: TIP }),
      Plot.ruleY(limits, { y: "name", x1: (t) => 100 * t.low, x2: (t) => 100 * t.high, stroke: "var(--ink)", strokeWidth: 1.5 }),
      Plot.ruleX([0], { stroke: "var(--ink)" }),
      Plot.dot(rows.filter((t) => t.state === "one answer"), { y: "name", x: (t) => 100 * t.excess, r: 6, fill: "var(--zero)", stroke: "var(--panel)" }),
      Plot.text(rows, { y: "name", frameAnchor: "right", dx: 112, textAnchor: "end", fontVariant: "tabular-nums",
        text: (t) => `${percent(t.score, 0)} against ${percent(t.baseline, 0)}`, fill: "var(--soft)" }),
      rowNames(names, above),
    ],
  }));
}

function typesChart(types, width) {
  const names = types.map((t) => t.name);
  const { above, marginLeft, row } = namedRows(names, width);
  const zero = types.filter((t) => known(t.zero_shot_hard));
  const limits = types.filter((t) => t.interval && known(t.interval.score_hard[0]));
  const describe = (t) => [
    t.name, `${count(t.n)} questions`, [`score ${percent(t.score_hard)}`, range(t.interval.score_hard)].filter(Boolean).join("  "),
    `baseline ${percent(t.baseline)}, majority ${percent(t.majority)}, adjusted ${percent(t.adjusted_hard)}`,
    ...(known(t.zero_shot_hard) ? [`zero-shot ${percent(t.zero_shot_hard)}, Δ ${points(t.delta_hard)}`] : []),
  ].join("\n");
  return Plot.plot(base(width, types.length * row + 52, {
    marginLeft,
    x: { domain: [0, 100], label: "score, percent", labelAnchor: "center", grid: true, ticks: width < 500 ? 5 : 10 },
    y: { domain: names, padding: above ? 0.62 : 0.42, label: null, axis: null },
    marks: [
      Plot.barX(types, { y: "name", x: (t) => 100 * t.score_hard, fill: TUNED, fillOpacity: 0.78, rx: 3,
        title: describe, tip: TIP }),
      Plot.ruleY(limits, { y: "name", x1: (t) => 100 * t.interval.score_hard[0], x2: (t) => 100 * t.interval.score_hard[1],
        stroke: "var(--ink)", strokeWidth: 1.5 }),
      Plot.tickX(types, { y: "name", x: (t) => 100 * t.baseline, stroke: BASE, strokeWidth: 3, insetTop: -4, insetBottom: -4 }),
      Plot.dot(zero, { y: "name", x: (t) => 100 * t.zero_shot_hard, fill: ZERO, r: 5, stroke: "var(--panel)" }),
      rowNames(names, above),
    ],
  }));
}

function histogramChart(bars, width, { label, domain, zeroLine = false }) {
  return Plot.plot(base(width, 300, {
    marginLeft: 48,
    x: { domain, label, labelAnchor: "center" },
    y: { label: null, grid: true, ticks: 5 },
    color: { domain: Object.keys(FORMATS), range: ["var(--mc)", "var(--num)", "var(--open)"] },
    marks: [
      Plot.rectY(bars, { x1: "x1", x2: "x2", y: "n", fill: "format", inset: 0.7, rx: 2,
        title: (b) => `${FORMATS[b.format]}: ${count(b.n)} questions\n${fixed(b.x1)} to ${fixed(b.x2)}`, tip: TIP }),
      Plot.ruleY([0], { stroke: "var(--line)" }),
      ...(zeroLine ? [Plot.ruleX([0], { stroke: "var(--ink)", strokeDasharray: "3,3" })] : []),
    ],
  }));
}

function gainChart(types, width) {
  const names = types.map((t) => t.name);
  const { above, marginLeft, row } = namedRows(names, width);
  return Plot.plot(base(width, types.length * row + 52, {
    marginLeft,
    x: { domain: [0, 100], label: "score, percent", labelAnchor: "center", grid: true, ticks: 5 },
    y: { type: "band", domain: names, label: null, axis: null },
    marks: [
      Plot.arrow(types, { y1: "name", y2: "name", x1: (t) => 100 * t.zero_shot_hard, x2: (t) => 100 * t.score_hard,
        stroke: "var(--soft)", strokeWidth: 1.5, insetStart: 6, insetEnd: 7, headLength: 6 }),
      Plot.dot(types, { y: "name", x: (t) => 100 * t.zero_shot_hard, fill: ZERO, r: 5 }),
      Plot.dot(types, { y: "name", x: (t) => 100 * t.score_hard, fill: TUNED, r: 5,
        title: (t) => `${t.name}\n${percent(t.zero_shot_hard)} to ${percent(t.score_hard)}: ${points(t.delta_hard)}`, tip: TIP }),
      rowNames(names, above),
    ],
  }));
}

function jointChart(cells, width) {
  const side = Math.min(width, 420);
  return Plot.plot(base(width, side, {
    marginLeft: 44, marginTop: 28,
    x: { domain: [0, 1], label: "s(x) zero-shot", labelAnchor: "center" },
    y: { domain: [0, 1], label: "s(x) tuned", labelAnchor: "top" },
    opacity: { type: "sqrt", range: [0.08, 1], domain: [0, Math.max(...cells.map((c) => c.n))] },
    marks: [
      Plot.rect(cells, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: TUNED, fillOpacity: { value: "n", scale: true }, inset: 0.5, rx: 2,
        title: (c) => `${count(c.n)} questions\nzero-shot ${fixed(c.x1)} to ${fixed(c.x2)}\ntuned ${fixed(c.y1)} to ${fixed(c.y2)}`, tip: TIP }),
      Plot.link([0], { x1: 0, y1: 0, x2: 1, y2: 1, stroke: "var(--ink)", strokeDasharray: "3,3" }),
    ],
  }));
}

function reliabilityChart(tuned, zero, width) {
  const series = [[zero, ZERO], [tuned, TUNED]].filter(([r]) => r);
  const largest = Math.max(...series.flatMap(([r]) => r.bins.map((b) => b.n)));
  return Plot.plot(base(width, Math.min(width, 340), {
    marginLeft: 44, marginTop: 28,
    x: { domain: [0, 1], label: "confidence in the answer given", labelAnchor: "center", grid: true },
    y: { domain: [0, 1], label: "share right", labelAnchor: "top", grid: true },
    r: { type: "sqrt", domain: [0, largest], range: [2, 13] },
    marks: [
      Plot.link([0], { x1: 0, y1: 0, x2: 1, y2: 1, stroke: "var(--soft)", strokeDasharray: "3,3" }),
      ...series.flatMap(([r, color]) => [
        Plot.line(r.bins.filter((b) => b.n >= ENOUGH), { x: "confidence", y: "accuracy", stroke: color, strokeWidth: 1.5 }),
        Plot.ruleX(r.bins, { x: "confidence", y1: (b) => Math.max(0, b.accuracy - 1.96 * b.error),
          y2: (b) => Math.min(1, b.accuracy + 1.96 * b.error), stroke: color, strokeOpacity: 0.6 }),
        Plot.dot(r.bins, { x: "confidence", y: "accuracy", r: "n", fill: color, fillOpacity: 0.75,
          title: (b) => `${count(b.n)} questions\nconfidence ${percent(b.confidence)}, right ${percent(b.accuracy)}`, tip: TIP }),
      ]),
    ],
  }));
}

// What the colours of the heat map mean: a ramp, and how a zero differs from nothing measured.
function importanceKey(rows) {
  const largest = Math.max(0.01, ...rows.map((r) => Math.abs(r.importance)));
  const step = (share, color) => el("i", { style: `background:color-mix(in srgb, ${color} ${80 * share}%, var(--panel))` });
  return el("div", { class: "ramp" },
    el("span", {}, minus(points(-largest))), [1, 0.66, 0.33].map((x) => step(x, "var(--bad)")), step(0, TUNED),
    [0.33, 0.66, 1].map((x) => step(x, TUNED)), el("span", {}, `${points(largest)} points`),
    el("span", { class: "box" }, "framed and empty: 0"), el("span", { class: "no-box" }, "no frame: not measured"));
}

function importanceChart(rows, width) {
  const families = d3.groupSort(rows, (g) => -d3.mean(g, (r) => r.importance), (r) => r.family);
  const types = [...new Set(rows.map((r) => r.question_type))];
  const largest = Math.max(0.01, ...rows.map((r) => Math.abs(r.importance)));
  const longest = Math.max(...families.map((f) => f.length));
  const marginLeft = Math.min(7 * longest + 12, 0.38 * width);
  const band = (width - marginLeft) / types.length;
  const longestType = Math.max(...types.map((t) => t.length));
  const rotated = 7 * longestType > band;
  const marginBottom = rotated ? 4.5 * longestType + 26 : 26;
  return Plot.plot(base(width, families.length * 28 + marginBottom + 4, {
    marginLeft, marginBottom, marginTop: 4, marginRight: 24,
    x: { domain: types, label: null, tickRotate: rotated ? -38 : 0, tickSize: 0 },
    y: { domain: families, label: null, tickSize: 0 },
    opacity: { domain: [0, largest], range: [0, 0.8] },
    marks: [
      Plot.cell(rows, { x: "question_type", y: "family", fill: (r) => (r.importance >= 0 ? TUNED : "var(--bad)"),
        fillOpacity: { value: (r) => Math.abs(r.importance), scale: true }, stroke: "var(--line)", inset: 1, rx: 3,
        title: (r) => `${r.family}, ${r.question_type}\nscore falls by ${points(r.importance)} ± ${percent(r.sd)} points without it`, tip: TIP }),
      ...(band > 40 ? [Plot.text(rows.filter((r) => Math.abs(r.importance) >= 0.0005), { x: "question_type", y: "family", text: (r) => points(r.importance),
        fill: "var(--ink)", fontSize: 11, pointerEvents: "none" })] : []),
    ],
  }));
}

// The overview's series as legend entries, by kind; their colours follow their order.
function seriesEntries(series) {
  return new Map(series.map((s, i) => [s.kind, [s.label, SERIES[i % SERIES.length], s.zero_shot ? "dot" : ""]]));
}

function overviewChart(benchmarks, series, width) {
  const entries = seriesEntries(series), kinds = [...entries.keys()];
  const names = benchmarks.map((b) => b.name);
  const { above, marginLeft, row } = namedRows(names, width);
  const dots = benchmarks.flatMap((b) => b.marks.map((m) => ({ name: b.name, ...m })));
  return Plot.plot(base(width, names.length * (row + 8) + 52, {
    marginLeft,
    x: { domain: [0, 100], label: "score, percent", labelAnchor: "center", grid: true, ticks: width < 500 ? 5 : 10 },
    y: { type: "band", domain: names, label: null, axis: null },
    symbol: { domain: kinds, range: kinds.map((kind, i) => SYMBOLS[i % SYMBOLS.length]) },
    color: { domain: kinds, range: kinds.map((kind) => entries.get(kind)[1]) },
    marks: [
      Plot.ruleY(names, { y: (d) => d, stroke: "var(--line)" }),
      Plot.tickX(benchmarks.filter((b) => known(b.baseline)), { y: "name", x: (b) => 100 * b.baseline, stroke: BASE, strokeWidth: 3, insetTop: 9, insetBottom: 9 }),
      ...kinds.map((kind, i) => Plot.dot(dots.filter((d) => d.kind === kind), { y: "name", x: (d) => 100 * d.value, dy: 5 * i - 8,
        fill: "kind", symbol: "kind", r: 5.5, stroke: "var(--panel)", title: (d) => `${d.name}\n${d.label}: ${d.text}`, tip: TIP })),
      rowNames(names, above),
    ],
  }));
}

function linesChart(rows, width, { x, y, xLabel, yLabel, color, dashed }) {
  return Plot.plot(base(width, 280, {
    marginLeft: 52, marginTop: 28,
    x: { label: xLabel, labelAnchor: "center" },
    y: { label: yLabel, grid: true, ticks: 6 },
    color: { range: [TUNED, ZERO, "var(--good)", "var(--open)", "var(--bad)", BASE], domain: [...new Set(rows.map((r) => r[color]))] },
    marks: [
      Plot.line(rows, { x, y, z: (r) => `${r[color]}|${r[dashed] || ""}`, stroke: color, strokeWidth: 1.8,
        title: (r) => `${r[color]}${r[dashed] ? `, ${r[dashed]}` : ""}\n${xLabel} ${r[x]}: ${fixed(r[y], 3)}`, tip: TIP }),
    ],
  }));
}
