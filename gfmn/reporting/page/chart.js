"use strict";
// A chart of the losses of some runs: axes to choose, and a readout at the point that the pointer or
// the arrow keys choose.

/** Linear or logarithmic: from values to px, back, and round values to mark. */
function scale(kind, [low, high], [from, to]) {
  const log = kind === "log";
  const [a, b] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const span = b - a || 1;
  const at = (value) => from + (((log ? Math.log10(value) : value) - a) / span) * (to - from);
  const back = (px) => {
    const value = a + ((px - from) / (to - from)) * span;
    return log ? 10 ** value : value;
  };
  return { at, back, marks: log ? logMarks(low, high) : evenMarks(low, high) };
}

function evenMarks(low, high) {
  const raw = (high - low || 1) / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((times) => times * power >= raw) * power;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function logMarks(low, high) {
  const marks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const times of [1, 2, 5]) marks.push(Number(`${times}e${power}`));
  }
  const within = marks.filter((mark) => mark >= low * 0.999 && mark <= high * 1.001);
  if (within.length <= 9) return within.length > 1 ? within : evenMarks(low, high);
  const tens = within.filter((mark) => String(mark.toExponential()).startsWith("1e"));
  return tens.filter((_, i) => i % Math.ceil(tens.length / 9) === 0);
}

function short(value) {
  if (value !== 0 && (value >= 1e6 || value < 1e-3)) {
    const [digits, power] = value.toExponential(2).split("e");
    return `${Number(digits)} × 10${[...String(Number(power))].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d] ?? "⁻").join("")}`;
  }
  const rounded = value >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString("en-GB", { maximumFractionDigits: 6 });
}

/** Rising positions at least `gap` apart, close to the wanted ones. */
function apart(wanted, gap) {
  const groups = [];
  for (const y of wanted) {
    groups.push([y, 1]);
    while (groups.length > 1) {
      const [[a, m], [b, n]] = groups.slice(-2);
      if (b - a >= (gap * (m + n)) / 2) break;
      groups.splice(-2, 2, [(a * m + b * n) / (m + n), m + n]);
    }
  }
  return groups.flatMap(([centre, n]) =>
    Array.from({ length: n }, (_, i) => centre + gap * (i - (n - 1) / 2)),
  );
}

/** A chart in `figure` of the runs that `chosen` gives; `draw` redraws it. */
function lossChart(figure, chosen) {
  const DIALS = [
    ["loss", "Loss", [["absolute", "as it is"], ["relative", "relative to its first"]]],
    ["down", "Loss axis", [["log", "log"], ["linear", "linear"]]],
    ["across", "Against", [["step", "steps"], ["images", "images seen"]]],
    ["along", "Its axis", [["linear", "linear"], ["log", "log"]]],
  ];
  const svg = query("svg.lines", figure);
  const readout = query(".readout", figure);
  const buttons = new Map();
  let shown = null; // lines and scales of the last drawing

  const setting = (name) => {
    const [, , options] = DIALS.find(([dial]) => dial === name);
    const values = options.map(([value]) => value);
    if (values.includes(state.get(name))) return state.get(name);
    const features = new Set(chosen().map((run) => run.matched));
    return name === "loss" && features.size > 1 ? "relative" : values[0];
  };

  for (const [name, label, options] of DIALS) {
    const dial = make("div", { class: "dial", role: "group", "aria-label": label });
    dial.append(make("span", {}, label));
    for (const [value, text] of options) {
      const button = make("button", { type: "button" }, text);
      button.addEventListener("click", () => {
        writeState(name, value);
        draw();
      });
      buttons.set(`${name}=${value}`, button);
      dial.append(button);
    }
    query(".dials", figure).append(dial);
  }

  /** Curves as points; what an axis cannot show is left out. */
  function series() {
    const positive = setting("along") === "log";
    return chosen().flatMap((run) =>
      run.curves.map((curve) => {
        const unit = setting("loss") === "relative" ? curve.loss[0] : 1;
        const points = curve.loss.map((loss, i) => [curve[setting("across")][i], loss / unit]);
        const kept = points.filter(([x]) => x > 0 || !positive);
        return { run, points: kept, thin: run.curves.length > 1 };
      }),
    ).filter(({ points }) => points.length > 0);
  }

  function draw() {
    for (const [name, button] of buttons) {
      const [dial, value] = name.split("=");
      button.setAttribute("aria-pressed", setting(dial) === value);
    }
    readout.hidden = true;
    const lines = series();
    const width = Math.max(280, svg.parentElement.clientWidth);
    const height = Math.round(Math.min(430, Math.max(270, width * 0.36)));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    shown = null;
    writeCaption(lines);
    if (lines.length === 0) return;
    const labels = width >= 620;
    const longest = Math.max(...lines.map(({ run }) => run.name.length));
    const box = { left: 62, right: width - (labels ? 34 + 7.2 * longest : 20), top: 12 };
    box.bottom = height - 42;
    const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
    const ys = lines.flatMap(({ points }) => points.map(([, y]) => y));
    const least = setting("along") === "log" ? Math.min(...xs) : 0;
    const floor = setting("down") === "log" ? Math.min(...ys) / 1.12 : 0;
    const across = scale(setting("along"), [least, Math.max(...xs)], [box.left, box.right]);
    const down = scale(setting("down"), [floor, Math.max(...ys) * 1.08], [box.bottom, box.top]);
    drawAxes(box, across, down);
    for (const { run, points, thin } of lines) {
      const path = points.map(([x, y]) => `${across.at(x).toFixed(1)} ${down.at(y).toFixed(1)}`);
      const d = path.length > 1 ? `M${path.join("L")}` : `M${path[0]}h4`;
      svg.append(make("path", { ...stroke(run), d, "stroke-width": thin ? 1.1 : 1.8 }));
    }
    if (labels) drawEnds(lines, box, down);
    svg.append(make("g", { class: "cursor" }));
    shown = { lines, box, across, down };
  }

  function drawAxes(box, across, down) {
    const word = setting("across") === "images" ? "images seen" : "step";
    const text = (x, y, anchor, what) => make("text", { x, y, "text-anchor": anchor }, what);
    for (const mark of down.marks) {
      const y = down.at(mark);
      svg.append(make("line", { class: "rule", x1: box.left, x2: box.right, y1: y, y2: y }));
      svg.append(text(box.left - 8, y + 4, "end", short(mark)));
    }
    const base = { y1: box.bottom, y2: box.bottom };
    svg.append(make("line", { class: "axis", x1: box.left, x2: box.right, ...base }));
    let free = -Infinity;
    for (const mark of across.marks) {
      const [x, label] = [across.at(mark), short(mark)];
      if (x - 3.6 * label.length < free) continue;
      free = x + 3.6 * label.length + 6;
      svg.append(make("line", { class: "axis", x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4 }));
      svg.append(text(x, box.bottom + 18, "middle", label));
    }
    svg.append(text((box.left + box.right) / 2, box.bottom + 36, "middle", word));
  }

  function drawEnds(lines, box, down) {
    const ends = new Map();
    for (const { run, points } of lines) if (!ends.has(run)) ends.set(run, down.at(points.at(-1)[1]));
    const order = [...ends].sort((a, b) => a[1] - b[1]);
    const positions = apart(order.map(([, y]) => y), 16);
    order.forEach(([run, y], i) => {
      const d = `M${box.right + 4} ${y}L${box.right + 16} ${positions[i]}`;
      svg.append(make("path", { ...stroke(run), d, "stroke-width": 1, "stroke-dasharray": "none" }));
      const label = make("text", { x: box.right + 20, y: positions[i] + 4 }, run.name);
      label.setAttribute("style", stroke(run).style);
      label.setAttribute("class", "end");
      svg.append(label);
    });
  }

  function writeCaption(lines) {
    const several = lines.some(({ thin }) => thin) ? " Thin lines of one color are seeds." : "";
    const why =
      setting("loss") === "relative"
        ? "Each loss as a fraction of its first value: shapes compare, heights do not."
        : "The loss of equation 1. Heights compare between runs that match the same features.";
    const text = lines.length ? why + several : "None of the chosen runs has a loss to show.";
    query("figcaption", figure).textContent = text;
    const ends = lines.map(({ run, points }) => `${run.name} ends at ${short(points.at(-1)[1])}`);
    svg.setAttribute("aria-label", `Loss curves. ${ends.join(", ")}.`);
  }

  function showReadout(x) {
    const { lines, box, across, down } = shown;
    const nearest = ({ points }) =>
      points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
    const points = lines.map((line) => ({ run: line.run, at: nearest(line) }));
    const at = points.map((point) => point.at[0]).reduce((a, b) => (Math.abs(b - x) < Math.abs(a - x) ? b : a));
    const near = points.filter((point) => Math.abs(across.at(point.at[0]) - across.at(at)) < 12);
    near.sort((a, b) => b.at[1] - a.at[1]);
    const px = across.at(at);
    const rule = make("line", { class: "axis", x1: px, x2: px, y1: box.top, y2: box.bottom });
    const dots = near.map(({ run, at: [, y] }) =>
      make("circle", { ...stroke(run), cx: px, cy: down.at(y), r: 3.5 }),
    );
    query(".cursor", svg).replaceChildren(rule, ...dots);
    const word = setting("across") === "images" ? "images" : "step";
    const rows = near.map(({ run, at: [, y] }) =>
      make("div", {}, key(run), make("span", {}, run.name), make("b", {}, short(y))),
    );
    readout.replaceChildren(make("div", {}, `${word} ${at.toLocaleString("en-GB")}`), ...rows);
    readout.hidden = false;
    const left = px > (box.left + box.right) / 2;
    readout.style.left = left ? "" : `${px + 12}px`;
    readout.style.right = left ? `${svg.clientWidth - px + 12}px` : "";
    return at;
  }

  let pointed = null;
  const hide = () => {
    readout.hidden = true;
    pointed = null;
    query(".cursor", svg)?.replaceChildren();
  };
  const follow = (event) => {
    if (shown) pointed = showReadout(shown.across.back(event.clientX - svg.getBoundingClientRect().left));
  };
  svg.addEventListener("pointermove", follow);
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way || !shown) return;
    event.preventDefault();
    const xs = [...new Set(shown.lines.flatMap(({ points }) => points.map(([x]) => x)))];
    xs.sort((a, b) => a - b);
    const i = pointed === null ? (way > 0 ? -1 : xs.length) : xs.indexOf(pointed);
    pointed = showReadout(xs[Math.min(xs.length - 1, Math.max(0, i + way))]);
  });
  let drawn = 0; // px wide
  new ResizeObserver(() => {
    if (svg.parentElement.clientWidth !== drawn) draw();
    drawn = svg.parentElement.clientWidth;
  }).observe(svg.parentElement);
  return { draw };
}
