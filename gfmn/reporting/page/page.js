"use strict";
// Enlarging, sorting and filtering. The page can be read without it: what needs a script is hidden
// until this one runs. It loads nothing from a network.

const queryAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const query = (selector, root = document) => root.querySelector(selector);
const runData = query("#runs");
const data = runData ? JSON.parse(runData.textContent) : { runs: [], groups: [], chosen: [] };

const SVG_TAGS = new Set(["svg", "use", "path", "line", "text", "circle", "g"]);
const SVG_NAMESPACE = query("svg.image-store").namespaceURI;

/** An element with attributes and children; text is never read as markup. */
function make(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS(SVG_NAMESPACE, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// The reader's choices are in the address: #compare=a,b&down=linear&filter=vgg16
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

const dialog = query("dialog");

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.zoom");
  if (!button) return;
  const name = button.dataset.image;
  if (name) {
    const image = document.getElementById(`image-${name}`);
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

// Sorting: ascending, descending, as given; real data on top, rows without a value at the bottom --

function sortKey(row, column) {
  const cell = row.cells[column];
  if (cell === undefined) return null;
  if (cell.dataset.value) return Number(cell.dataset.value);
  const text = (query(".name", cell) ?? cell).textContent.trim();
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
      const up = head.dataset.direction !== "higher";
      const turns = up ? ["ascending", "descending", null] : ["descending", "ascending", null];
      const next = turns[(turns.indexOf(head.getAttribute("aria-sort")) + 1) % turns.length];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      table.classList.toggle("sorted", next !== null);
      body.append(...(next ? sorted(given, head.cellIndex, next) : given));
    });
  }
}

// Filtering: a run is shown where its name and settings contain every term ------------------------

const field = query(".filter input");
const searchTexts = new Map(data.runs.map((run) => [run.name, run.terms.toLowerCase()]));

function applyFilter(text) {
  const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (searchText) => terms.every((term) => searchText.includes(term));
  const shown = new Map();
  for (const element of queryAll("[data-run]")) {
    const name = element.dataset.run;
    if (!shown.has(name)) {
      shown.set(name, matches(searchTexts.get(name) ?? name.toLowerCase()));
    }
    element.hidden = !shown.get(name);
  }
  for (const row of queryAll("tr.published")) {
    row.hidden = !matches(row.cells[0].textContent.toLowerCase());
  }
  for (const group of queryAll(".results tr.group")) {
    let row = group.nextElementSibling;
    while (row && row.hidden && !row.classList.contains("group")) row = row.nextElementSibling;
    group.hidden = !row || row.classList.contains("group");
  }
  const kept = [...shown.values()].filter(Boolean).length;
  query(".filter output").textContent = terms.length ? `${kept} of ${shown.size}` : "";
}

field.addEventListener("input", () => {
  applyFilter(field.value);
  writeState("filter", field.value.trim());
});

function applyState() {
  field.value = state.get("filter") ?? "";
  applyFilter(field.value);
}

for (const table of queryAll("table.sorts")) makeSortable(table);
for (const element of queryAll(".scripted")) element.hidden = false;
document.documentElement.classList.add("live");
addEventListener("hashchange", () => {
  if (readState()) applyState();
});
readState();
applyState();

// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  for (const closed of queryAll("details:not([open])")) {
    closed.dataset.closed = "";
    closed.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const opened of queryAll("details[data-closed]")) {
    opened.open = false;
    delete opened.dataset.closed;
  }
});
