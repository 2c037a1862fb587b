"use strict";
// Enlarging, sorting and filtering. The page can be read without it: what only a script can serve
// is hidden until this one runs. It asks nothing of any network.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const held = one("#runs");
const data = held ? JSON.parse(held.textContent) : { runs: [], groups: [], chosen: [] };

const DRAWN = new Set(["svg", "use", "path", "line", "text", "circle", "g"]);
const SPACE = one("svg.album").namespaceURI;

/** An element with attributes and children; text is never read as markup. */
function make(tag, attributes = {}, ...children) {
  const element = DRAWN.has(tag)
    ? document.createElementNS(SPACE, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What the reader chose stands in the address: #compare=a,b&down=linear&filter=vgg16
const state = new Map();

function readState() {
  if (!location.hash.includes("=")) return false;
  state.clear();
  for (const pair of location.hash.slice(1).split("&")) {
    const [name, ...rest] = pair.split("=");
    try {
      state.set(name, decodeURIComponent(rest.join("=")));
    } catch {
      // an address that was cut off within a character
    }
  }
  return true;
}

function writeState(name, value) {
  if (value) state.set(name, value);
  else state.delete(name);
  const pairs = [...state].map(([key, text]) => `${key}=${encodeURIComponent(text)}`);
  const hash = pairs.join("&").replaceAll("%2C", ",");
  try {
    history.replaceState(null, "", `#${hash}`);
  } catch {
    location.hash = hash; // where a file may not rewrite its address
  }
}

// Enlarging ---------------------------------------------------------------------------------------

const dialog = one("dialog");

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.zoom");
  if (!button) return;
  const { picture } = button.dataset;
  if (picture) {
    const image = document.getElementById(`picture-${picture}`);
    const label = button.getAttribute("aria-label");
    const shown = make("img", { src: image.getAttribute("href"), class: "pixels", alt: label });
    shown.style.setProperty("--ratio", image.getAttribute("width") / image.getAttribute("height"));
    dialog.replaceChildren(shown);
  } else {
    dialog.replaceChildren(button.firstElementChild.cloneNode(true));
  }
  dialog.showModal();
});
dialog.addEventListener("click", () => dialog.close());

// Sorting: up, down, and as it was; real data stay on top, what has no value at the bottom --------

function sortKey(row, column) {
  const cell = row.cells[column];
  if (cell === undefined) return null;
  if (cell.dataset.value) return Number(cell.dataset.value);
  const text = (one(".name", cell) ?? cell).textContent.trim();
  if (text === "" || text === "–") return null;
  const number = Number(text.replaceAll(",", "").replace("−", "-"));
  return Number.isNaN(number) ? text : number;
}

function compareKeys(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a.localeCompare(b, "en", { numeric: true });
}

function sorted(rows, column, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const isReal = (row) => row.classList.contains("real");
  const keyed = rows.map((row) => ({ row, key: sortKey(row, column), real: isReal(row) }));
  keyed.sort((a, b) => {
    if (a.real !== b.real) return a.real ? -1 : 1;
    if (a.real) return 0;
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
    return sign * compareKeys(a.key, b.key);
  });
  return keyed.map(({ row }) => row);
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const given = [...body.rows];
  const heads = [...[...table.tHead.rows].at(-1).cells];
  for (const head of heads) {
    const button = make("button", { type: "button", class: "sort" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.dataset.best !== "max";
      const turns = up ? ["ascending", "descending", null] : ["descending", "ascending", null];
      const next = turns[(turns.indexOf(head.getAttribute("aria-sort")) + 1) % turns.length];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      table.classList.toggle("sorted", next !== null);
      body.append(...(next ? sorted(given, head.cellIndex, next) : given));
    });
  }
}

// Filtering: a run stays where its name and settings hold every word ------------------------------

const field = one(".filter input");
const words = new Map(data.runs.map((run) => [run.name, run.words.toLowerCase()]));

function applyFilter(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const stays = (held) => wanted.every((word) => held.includes(word));
  const seen = new Map();
  for (const element of all("[data-run]")) {
    const name = element.dataset.run;
    if (!seen.has(name)) seen.set(name, stays(words.get(name) ?? name.toLowerCase()));
    element.hidden = !seen.get(name);
  }
  for (const row of all("tr.published")) {
    row.hidden = !stays(row.cells[0].textContent.toLowerCase());
  }
  for (const group of all(".results tr.group")) {
    let row = group.nextElementSibling;
    while (row && row.hidden && !row.classList.contains("group")) row = row.nextElementSibling;
    group.hidden = !row || row.classList.contains("group");
  }
  const kept = [...seen.values()].filter(Boolean).length;
  one(".filter output").textContent = wanted.length ? `${kept} of ${seen.size}` : "";
}

field.addEventListener("input", () => {
  applyFilter(field.value);
  writeState("filter", field.value.trim());
});

function applyState() {
  field.value = state.get("filter") ?? "";
  applyFilter(field.value);
}

for (const table of all("table.sorts")) makeSortable(table);
for (const element of all(".scripted")) element.hidden = false;
document.documentElement.classList.add("live");
addEventListener("hashchange", () => {
  if (readState()) applyState();
});
readState();
applyState();

// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  for (const closed of all("details:not([open])")) {
    closed.dataset.closed = "";
    closed.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const opened of all("details[data-closed]")) {
    opened.open = false;
    delete opened.dataset.closed;
  }
});
