"use strict";
// Runs side by side: their losses in one chart; below, pictures, scores and parameters that differ.

const section = one("#compare");
if (section) compareRuns();

function compareRuns() {
  const PICTURES = [
    ["samples", "Samples"],
    ["between", "From one sample to another"],
    ["near", "Samples above their nearest training images"],
  ];
  const known = new Map(data.runs.map((run) => [run.name, run]));
  const chosen = new Set();
  const chart = lossChart(one(".chart", section), () => [...chosen].map((name) => known.get(name)));

  const chips = new Map();
  for (const run of data.runs) {
    const box = make("input", { type: "checkbox" });
    const chip = make("label", { class: "chip", "data-run": run.name }, box, key(run), run.name);
    if (run.curves.length === 0) chip.append(make("small", {}, run.status.split(":")[0]));
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(run.name);
      else chosen.delete(run.name);
      section.classList.add("chosen");
      writeState("compare", inOrder().join(","));
      show();
    });
    chips.set(run.name, box);
    one(".chips", section).append(chip);
  }

  const inOrder = () => data.runs.map((run) => run.name).filter((name) => chosen.has(name));

  function show() {
    const runs = inOrder().map((name) => known.get(name));
    chosen.clear();
    for (const run of runs) chosen.add(run.name);
    for (const [name, box] of chips) box.checked = chosen.has(name);
    chart.draw();
    const head = make("tr", {}, make("td"));
    for (const run of runs) head.append(make("th", { scope: "col" }, key(run), run.name));
    const rows = [...pictureRows(runs), ...data.groups.flatMap((group) => groupRows(group, runs))];
    const table = one(".versus", section);
    table.style.setProperty("--runs", runs.length);
    table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }

  function pictureRows(runs) {
    const rows = [];
    for (const [kind, label] of PICTURES) {
      if (!runs.some((run) => run.pictures[kind])) continue;
      const row = make("tr", { class: "pictures" }, make("th", { scope: "row" }, label));
      for (const run of runs) {
        const name = run.pictures[kind];
        const shown = name ? pictured(name, `${label} of run ${run.name}`, kind) : run.status;
        row.append(make("td", { class: name ? "" : "none" }, shown));
      }
      rows.push(row);
    }
    return rows;
  }

  function groupRows(group, runs) {
    const rows = [];
    for (const [label, name, best, values] of group.rows) {
      const cells = runs.map((run) => values[run.name] ?? ["", null]);
      const texts = new Set(cells.map(([text]) => text));
      if (group.differing ? texts.size < 2 : texts.size === 1 && texts.has("")) continue;
      const head = make("th", { scope: "row" }, label);
      if (name) head.append(make("small", {}, make("code", {}, name)));
      const row = make("tr", {}, head);
      const first = bestOf(cells.map(([, value]) => value), best);
      for (const [text, value] of cells) {
        const won = value !== null && value === first;
        row.append(make("td", { class: won ? "best" : "" }, text || "–"));
      }
      rows.push(row);
    }
    if (rows.length === 0) return [];
    const title = make("th", { colspan: runs.length + 1, scope: "rowgroup" }, group.title);
    if (group.note) title.append(" ", make("small", {}, group.note));
    return [make("tr", { class: "group" }, title), ...rows];
  }

  function applyChoice() {
    const named = (state.get("compare") ?? "").split(",").filter((name) => known.has(name));
    section.classList.toggle("chosen", named.length > 0);
    chosen.clear();
    for (const name of named.length ? named : data.chosen) chosen.add(name);
    show();
    if (state.has("compare")) section.scrollIntoView();
  }

  section.hidden = false;
  applyFilter(field.value); // to the chips too
  addEventListener("hashchange", () => {
    if (location.hash.includes("=")) applyChoice();
  });
  applyChoice();
}

/** The best of several values, where they are not all the same. */
function bestOf(values, best) {
  const there = values.filter((value) => value !== null);
  if (new Set(there).size < 2) return undefined;
  if (best === "min") return Math.min(...there);
  return best === "max" ? Math.max(...there) : undefined;
}

/** A stroke as a run's line has it. */
function key(run) {
  const line = make("line", { x1: 0, y1: 4, x2: 18, y2: 4, ...stroke(run) });
  return make("svg", { class: "key", viewBox: "0 0 18 8", "aria-hidden": "true" }, line);
}

function stroke(run) {
  const dashes = ["none", "6 3", "2 3", "9 3 2 3"][run.dash % 4];
  const style = `--light: ${run.light}; --dark: ${run.dark}`;
  return { class: "stroke", style, "stroke-dasharray": dashes };
}

/** One of the page's pictures once more, in parts where a row of it stands for itself. */
function pictured(name, label, kind) {
  const image = document.getElementById(`picture-${name}`);
  const [width, height, tile, shown] = ["width", "height", "data-tile", "data-shown"].map((side) =>
    Number(image.getAttribute(side)),
  );
  const parts = kind === "near" ? [[0, tile], [tile, height - tile]] : [[0, shown * tile]];
  const button = make("button", { type: "button", "data-picture": name, "aria-label": label });
  button.className = kind === "near" ? "zoom apart" : "zoom";
  for (const [top, high] of parts) {
    const box = { class: "pixels", viewBox: `0 ${top} ${width} ${high}`, role: "img" };
    button.append(make("svg", box, make("use", { href: `#picture-${name}` })));
  }
  return button;
}
