// The table of all questions of a record, decoded when the record is shown.
"use strict";

let questionTable = null;
let questionRows = [];

async function unpack(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function answerText(kind, options, value) {
  if (value === null || value === undefined) return DASH;
  if (kind === "mc") return options[value];
  if (typeof value === "number") return String(Number(value.toPrecision(4)));
  return Array.isArray(value) ? value.join(" / ") : String(value);
}

// Columns of lists -> one object a question, with the text that a search looks through.
function toRows(columns) {
  return columns.id.map((id, i) => {
    const row = { index: i };
    for (const [name, values] of Object.entries(columns)) row[name] = values[i];
    row.gold = answerText(row.format, row.options, row.answer);
    row.said = answerText(row.format, row.options, row.prediction);
    row.reasons = row.reasons || [];
    row.why = row.reasons[0] || "";
    row.right = row.format === "mc" ? row.answer === row.prediction : row.s >= 0.5;
    row.haystack = [id, row.question, ...(row.options || []), row.gold, row.said, ...row.reasons, row.cue || ""]
      .join("\n").toLowerCase();
    return row;
  });
}

function meter(color) {
  return (cell) => {
    const value = cell.getValue();
    if (!known(value)) return DASH;
    return el("span", { class: "meter" },
      el("i", { "--c": color, "--p": `${Math.max(0, Math.min(1, value)) * 100}%` }), fixed(value));
  };
}

function optionBars(cell) {
  const row = cell.getData();
  if (!row.p_options) return el("span", { class: row.right ? "right-answer" : "wrong-answer" }, row.said);
  return el("span", { class: "spark", title: row.p_options.map((p) => percent(p, 0)).join("  ") },
    row.p_options.map((p, i) => el("i", { class: i === row.answer ? "gold" : "", style: `height:${Math.max(1, 20 * p)}px` })));
}

const isNarrow = () => window.innerWidth < 600;

function columnsOf(rows) {
  const narrow = isNarrow();

  const number = { sorter: "number", sorterParams: { alignEmptyValues: "bottom" }, hozAlign: "right", headerHozAlign: "right", headerSortStartingDir: "desc" };
  const text = { formatter: "plaintext" };
  const signed = (cell) => points(cell.getValue());
  const all = [
    { title: "question", field: "question", ...text, minWidth: narrow ? 130 : 220, widthGrow: 4, responsive: 0 },
    { title: "type", field: "question_type", ...text, minWidth: 130, widthGrow: 1.6, responsive: 4, cssClass: "muted" },
    { title: "answer", field: "gold", ...text, minWidth: 100, widthGrow: 1.4, responsive: 3 },
    { title: "predicted", field: "p_options", formatter: optionBars, headerSort: false, minWidth: narrow ? 84 : 104, width: narrow ? 84 : 112, responsive: 0 },
    { title: "s(x)", field: "s", ...number, formatter: narrow ? (c) => fixed(c.getValue()) : meter("var(--tuned)"), width: narrow ? 66 : 112, responsive: 0 },
    { title: "zero-shot", field: "s_zero_shot", ...number, formatter: meter("var(--zero)"), width: 112, responsive: 3 },
    { title: "Δ", field: "delta", ...number, formatter: signed, width: 76, responsive: 1 },
    { title: "adjusted", field: "adjusted", ...number, formatter: (c) => fixed(c.getValue()), width: 86, responsive: 4 },
    { title: "bits", field: "bits", ...number, formatter: (c) => fixed(c.getValue()), width: 76, responsive: 5 },
    { title: "why", field: "why", ...text, minWidth: 160, widthGrow: 2, responsive: 5, headerSort: false, cssClass: "muted" },
  ];
  const shown = all.filter((c) => c.field === "p_options" || rows.some((r) => r[c.field] !== undefined && r[c.field] !== null && r[c.field] !== ""));
  return shown;
}

async function showQuestions(chunk) {
  questionRows = toRows(await unpack(chunk));
  const types = [...new Set(questionRows.map((r) => r.question_type))].sort();
  byId("type-filter").replaceChildren(el("option", { value: "" }, "all types"),
    ...types.map((t) => el("option", { value: t }, t)));
  if (questionTable) questionTable.destroy();
  byId("questions").hidden = false;
  questionTable = new Tabulator("#question-table", {
    data: questionRows, index: "index", columns: columnsOf(questionRows), layout: "fitColumns",
    responsiveLayout: "hide", height: Math.min(640, 47 + 43 * questionRows.length), rowHeight: 43,
    initialSort: [{ column: "s", dir: "desc" }], placeholder: "no question matches", columnDefaults: { resizable: false },
    rowFormatter: (row) => { row.getElement().tabIndex = 0; },
  });
  questionTable.on("rowClick", (event, row) => openQuestion(row.getData().id));
  questionTable.on("dataFiltered", (filters, rows) => showCount(rows.length));
  await new Promise((done) => questionTable.on("tableBuilt", done));
  for (const column of questionTable.getColumns()) makeSortable(column);
  // the rows take the focus, so the box round them need not
  byId("question-table").querySelector(".tabulator-tableholder").removeAttribute("tabindex");
  questionTable.on("dataSorted", ([sorter]) => { if (sorter) note({ sort: `${sorter.field}-${sorter.dir}` }); });
  showCount(questionRows.length);
}

// A heading that sorts by keyboard as it does by pointer.
function makeSortable(column) {
  if (column.getDefinition().headerSort === false) return;
  const head = column.getElement();
  head.tabIndex = 0;
  head.addEventListener("keydown", (event) => {
    if (event.target !== head || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    const first = column.getDefinition().headerSortStartingDir || "asc";
    const [sorter] = questionTable.getSorters();
    const again = sorter && sorter.field === column.getField();
    questionTable.setSort(column.getField(), again ? (sorter.dir === "asc" ? "desc" : "asc") : first);
  });
}

// Enter opens the question of a row that has the focus; the arrows move between rows.
byId("question-table").addEventListener("keydown", (event) => {
  const row = event.target.closest && event.target.closest(".tabulator-row");
  if (!row || event.target !== row) return;
  const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
  if (event.key === "Enter" || event.key === " ") openQuestion(questionTable.getRow(row).getData().id);
  else if (next) next.focus();
  else return;
  event.preventDefault();
});

// Search, filters, order and the open question as the address has them.
function applyToQuestions() {
  byId("search").value = shown.search;
  byId("type-filter").value = shown.type;
  byId("right-filter").value = shown.right;
  if (byId("type-filter").selectedIndex < 0) byId("type-filter").value = "";
  const [, field, dir] = /^(.*)-(asc|desc)$/.exec(shown.sort) || [];
  const [sorter] = questionTable.getSorters();
  const isColumn = questionTable.getColumns().some((column) => column.getField() === field);
  if (isColumn && (!sorter || sorter.field !== field || sorter.dir !== dir)) questionTable.setSort(field, dir);
  filterQuestions();
  const row = questionRows.find((r) => r.id === shown.question);
  if (row) showDetail(row);
  else byId("detail").close();
}

function openQuestion(id) {
  note({ question: id }, true);
  showDetail(questionRows.find((r) => r.id === id));
}

function showCount(n) {
  byId("shown").textContent = n === questionRows.length ? `${count(n)} questions` : `${count(n)} of ${count(questionRows.length)} questions`;
}

function filterQuestions() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const type = byId("type-filter").value, right = byId("right-filter").value;
  note({ search: byId("search").value, type, right });
  questionTable.setFilter((row) =>
    (!type || row.question_type === type) && (!right || row.right === (right === "right")) &&
    words.every((word) => row.haystack.includes(word)));
}

function bar(value, color) {
  return el("div", { class: "bar", "--c": color }, el("span", {}, el("i", { style: `width:${100 * value}%` })), el("b", {}, percent(value)));
}

function optionRow(row, text, i) {
  const bars = row.p_options ? [bar(row.p_options[i], "var(--tuned)")] : [];
  if (row.p_options_zero_shot) bars.push(bar(row.p_options_zero_shot[i], "var(--zero)"));
  return el("div", { class: i === row.answer ? "option gold" : "option" },
    el("span", { class: "mark" }, i === row.answer ? "✓" : ""),
    el("span", { class: "text" }, text), el("div", { class: "bars" }, bars));
}

function showDetail(row) {
  const fact = (name, value) => (value === DASH ? null : el("span", {}, `${name} `, el("b", {}, value)));
  const groups = Object.keys(row).filter((k) => k.startsWith("group_") && row[k]);
  byId("detail-body").replaceChildren(...[
    el("span", { class: "tag" }, row.question_type), " ", el("code", {}, row.id),
    el("div", { class: "detail-question" }, row.question),
    row.options ? el("div", {}, row.options.map((text, i) => optionRow(row, text, i)))
      : el("div", { class: "facts" }, fact("right answer", row.gold), fact("predicted", row.said), fact("generated", row.generated || DASH)),
    row.p_options_zero_shot ? legend([["tuned", "var(--tuned)"], ["zero-shot", "var(--zero)"]]) : null,
    el("div", { class: "facts" }, fact("s(x)", fixed(row.s)), fact("zero-shot", fixed(row.s_zero_shot)), fact("Δ", points(row.delta)),
      fact("baseline", fixed(row.baseline)), fact("adjusted", fixed(row.adjusted)), fact("bits", fixed(row.bits)), fact("margin", fixed(row.margin)),
      fact("letter mass", fixed(row.letter_mass)), fact("fold", String(row.fold)), fact("planted cue", row.cue || DASH),
      groups.map((g) => fact(g.replace("group_", ""), row[g]))),
    row.reasons.length ? el("h3", {}, "What moved the prediction") : null,
    row.reasons.length ? el("ul", { class: "reasons" }, row.reasons.map((r) => el("li", {}, r))) : null,
  ].filter((x) => x !== null));
  if (!byId("detail").open) byId("detail").showModal();
}
