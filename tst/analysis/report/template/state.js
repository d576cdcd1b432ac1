// What is shown is in the page's address: the record, the search, the order, the open question.
"use strict";

const EMPTY = { record: "", search: "", type: "", right: "", sort: "s-desc", question: "" };
const shown = { ...EMPTY };

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(Object.entries(EMPTY).map(([name, value]) => [name, given.get(name) ?? value]));
}

// Notes what changed. A step that "back" should take back gets an entry of its own in the history.
function note(changes, isStep = false) {
  Object.assign(shown, changes);
  const kept = Object.entries(shown).filter(([name, value]) => value !== EMPTY[name]);
  const address = `#${new URLSearchParams(kept)}`;
  if (address === (location.hash || "#")) return;
  if (isStep) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}
