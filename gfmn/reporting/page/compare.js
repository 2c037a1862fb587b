"use strict";
// Comparison of runs: their losses in one chart; below, images, scores and parameters that differ.

const section = query("#compare");
if (section) compareRuns();

function compareRuns() {
  const IMAGES = [
    ["samples", "Samples"],
    ["interpolations", "From one sample to another"],
    ["neighbors", "Samples above their nearest training images"],
  ];
  const byName = new Map(data.runs.map((run) => [run.name, run]));
  const chosen = new Set();
  const chart = lossChart(query(".chart", section), () => [...chosen].map((name) => byName.get(name)));

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
    query(".chips", section).append(chip);
  }

  const inOrder = () => data.runs.map((run) => run.name).filter((name) => chosen.has(name));

  function show() {
    const runs = inOrder().map((name) => byName.get(name));
    chosen.clear();
    for (const run of runs) chosen.add(run.name);
    for (const [name, box] of chips) box.checked = chosen.has(name);
    chart.draw();
    const head = make("tr", {}, make("td"));
    for (const run of runs) head.append(make("th", { scope: "col" }, key(run), run.name));
    const rows = [...imageRows(runs), ...data.groups.flatMap((group) => groupRows(group, runs))];
    const table = query(".comparison", section);
    table.style.setProperty("--runs", runs.length);
    table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }

  function imageRows(runs) {
    const rows = [];
    for (const [kind, label] of IMAGES) {
      if (!runs.some((run) => run.images[kind])) continue;
      const row = make("tr", { class: "images" }, make("th", { scope: "row" }, label));
      for (const run of runs) {
        const name = run.images[kind];
        const shown = name ? imageButton(name, `${label} of run ${run.name}`, kind) : run.status;
        row.append(make("td", { class: name ? "" : "none" }, shown));
      }
      rows.push(row);
    }
    return rows;
  }

  function groupRows(group, runs) {
    const rows = [];
    for (const [label, name, direction, values] of group.rows) {
      const cells = runs.map((run) => values[run.name] ?? ["", null]);
      const texts = new Set(cells.map(([text]) => text));
      if (group.differing ? texts.size < 2 : texts.size === 1 && texts.has("")) continue;
      const head = make("th", { scope: "row" }, label);
      if (name) head.append(make("small", {}, make("code", {}, name)));
      const row = make("tr", {}, head);
      const best = bestOf(cells.map(([, value]) => value), direction);
      for (const [text, value] of cells) {
        const isBest = value !== null && value === best;
        row.append(make("td", { class: isBest ? "best" : "" }, text || "–"));
      }
      rows.push(row);
    }
    if (rows.length === 0) return [];
    const title = make("th", { colspan: runs.length + 1, scope: "rowgroup" }, group.title);
    if (group.note) title.append(" ", make("small", {}, group.note));
    return [make("tr", { class: "group" }, title), ...rows];
  }

  function applyChoice() {
    const named = (state.get("compare") ?? "").split(",").filter((name) => byName.has(name));
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
function bestOf(values, direction) {
  const there = values.filter((value) => value !== null);
  if (new Set(there).size < 2) return undefined;
  if (direction === "lower") return Math.min(...there);
  return direction === "higher" ? Math.max(...there) : undefined;
}

/** A short line in a run's color and dash pattern. */
function key(run) {
  const line = make("line", { x1: 0, y1: 4, x2: 18, y2: 4, ...stroke(run) });
  return make("svg", { class: "key", viewBox: "0 0 18 8", "aria-hidden": "true" }, line);
}

function stroke(run) {
  const dashes = ["none", "6 3", "2 3", "9 3 2 3"][run.dash % 4];
  const style = `--light: ${run.light}; --dark: ${run.dark}`;
  return { class: "stroke", style, "stroke-dasharray": dashes };
}

/** One of the page's grids again; samples and their nearest images apart. */
function imageButton(name, label, kind) {
  const image = document.getElementById(`image-${name}`);
  const [width, height, tile, shown] = ["width", "height", "data-tile", "data-shown"].map((side) =>
    Number(image.getAttribute(side)),
  );
  const parts = kind === "neighbors" ? [[0, tile], [tile, height - tile]] : [[0, shown * tile]];
  const button = make("button", { type: "button", "data-image": name, "aria-label": label });
  button.className = kind === "neighbors" ? "zoom apart" : "zoom";
  for (const [top, high] of parts) {
    const box = { class: "pixels", viewBox: `0 ${top} ${width} ${high}`, role: "img" };
    button.append(make("svg", box, make("use", { href: `#image-${name}` })));
  }
  return button;
}
