"use strict";
(() => {
  const data = (id) => JSON.parse(document.getElementById(id)?.textContent || "{}");
  const charts = data("charts");

  // Charts are drawn once they are not folded, in the page's own colors, again when these change.
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const theme = () => {
    const [ink, muted, rule] = ["--ink", "--muted", "--rule"].map(color);
    const text = { labelColor: muted, titleColor: muted, titleFontWeight: "normal" };
    return {
      background: null, font: "system-ui, sans-serif", view: { stroke: null },
      axis: { ...text, gridColor: rule, domainColor: muted, tickColor: muted },
      legend: { ...text, labelColor: ink }, title: { color: ink }, header: text,
    };
  };
  const draw = (place) => {
    const spec = charts[place.dataset.chart][Number(place.dataset.panel)];
    window.vegaEmbed(place, spec, { actions: false, renderer: "svg", config: theme() });
  };
  const drawn = new Set();
  const drawAll = () => {
    for (const place of document.querySelectorAll("[data-chart]")) {
      if (!drawn.has(place) && !place.closest("details:not([open])")) {
        drawn.add(place);
        draw(place);
      }
    }
  };
  drawAll();
  document.querySelectorAll("details").forEach((one) => one.addEventListener("toggle", drawAll));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    drawn.clear();
    drawAll();
  });

  // A link to something folded opens it.
  const unfold = () => document.getElementById(location.hash.slice(1))?.closest("details")?.setAttribute("open", "");
  addEventListener("hashchange", unfold);
  unfold();

  // Samples along the training, all runs together.
  const slider = document.querySelector(".slider");
  if (slider) {
    const frames = data("frames"), input = slider.querySelector("input");
    slider.hidden = false;
    const show = () => {
      slider.querySelector("output").textContent = `${input.value} %`;
      for (const figure of document.querySelectorAll(".frames figure")) {
        const all = frames[figure.dataset.run], last = all[all.length - 1][0];
        const wanted = (last * input.value) / 100;
        const near = all.reduce((a, b) => (Math.abs(b[0] - wanted) < Math.abs(a[0] - wanted) ? b : a));
        figure.querySelector("img").src = near[1];
        figure.querySelector("span").textContent = near[0].toLocaleString("en-US");
      }
    };
    input.addEventListener("input", show);
  }
})();
