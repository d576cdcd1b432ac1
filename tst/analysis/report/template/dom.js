// Elements and numbers as text. Benchmark text only ever becomes a text node.
"use strict";

const DASH = "–";
const byId = (id) => document.getElementById(id);
const known = (x) => x !== null && x !== undefined && Number.isFinite(x);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("--")) node.style.setProperty(name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

const minus = (text) => text.replace("-", "−");
// As Python rounds for terminal and tables, so that 29 of 80 is 36.2 there and here: what lies
// exactly between two roundings (an odd multiple of 1 / 2 ** (digits + 1)) takes the even one.
function rounded(x, digits) {
  const halves = x * 2 ** (digits + 1);
  if (!Number.isInteger(halves) || halves % 2 === 0) return x.toFixed(digits);
  const low = Math.floor(Math.abs(x) * 10 ** digits);
  const even = low % 2 === 0 ? low : low + 1;
  return (x < 0 ? "-" : "") + (even / 10 ** digits).toFixed(digits);
}
const percent = (x, digits = 1) => (known(x) ? minus(rounded(100 * x, digits)) : DASH);
const points = (x) => (known(x) ? minus((x > 0 ? "+" : "") + rounded(100 * x, 1)) : DASH);
const fixed = (x, digits = 2) => (known(x) ? minus(rounded(x, digits)) : DASH);
const count = (x) => (known(x) ? x.toLocaleString("en-US") : DASH);
const range = (pair) => (pair && known(pair[0]) ? `95%: ${percent(pair[0])} to ${percent(pair[1])}` : "");

function card(name, value, more = "", kind = "") {
  return el("div", { class: `card ${kind}` },
    el("div", { class: "name" }, name),
    el("div", { class: "value" }, value),
    el("div", { class: "more" }, more));
}

// A heading's right sets its column right; its extra leaves the column out on a phone.
function plainTable(headings, rows) {
  const kind = (h) => [h.right ? "right" : "", h.extra ? "extra" : ""].join(" ").trim();
  const head = headings.map((h) => el("th", { class: kind(h), scope: "col" }, h.text));
  const body = rows.map((cells) => el("tr", {},
    cells.map((cell, i) => {
      const classes = [kind(headings[i]), cell && cell.best ? "best" : ""].join(" ");
      const content = cell instanceof Node ? cell : String(cell && cell.text !== undefined ? cell.text : cell);
      return el("td", { class: classes }, content);
    })));
  return el("table", { class: "plain" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body));
}

function legend(entries) {
  return el("div", { class: "legend" },
    entries.map(([text, color, shape]) => el("span", { class: shape || "", "--c": color }, text)));
}
