// uPlot, dressed for this page: theme colours, plant time, tooltips, hatched gaps, and redrawing when width or theme change.

import { el } from "./dom.js";
import { num, time } from "./figures.js";

const FONT = '12px -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
const HOUR = 3600000;
const live = new Set();

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of live) chart.redraw();
});

/** Keeps a chart in `box`, built by options(width) -> {opts, data} when the box has a width. */
export function mount(box, options) {
  const chart = { plot: null, width: 0, redraw };
  function redraw() {
    chart.plot?.destroy();
    chart.plot = null;
    if (!box.isConnected || !chart.width) return;
    const { opts, data } = options(chart.width);
    chart.plot = new uPlot({ ...opts, width: chart.width }, data, box);
  }
  const watch = new ResizeObserver((entries) => {
    if (!box.isConnected) {
      watch.disconnect();
      live.delete(chart);
      chart.plot?.destroy();
      return;
    }
    const width = Math.floor(entries[0].contentRect.width);
    if (!width || width === chart.width) return;
    chart.width = width;
    if (chart.plot) chart.plot.setSize({ width, height: chart.plot.height });
    else redraw();
  });
  watch.observe(box);
  live.add(chart);
  return chart;
}

/** A box for a chart that says in words what it shows. */
export const chartBox = (label) => el("div", { class: "chart", role: "img", "aria-label": label });

/** Options that every chart shares. `tip(index)` -> [heading, ...lines] for the pointer. */
export function base({ zone, height, tip, digits = 0, hooks = {} }) {
  const axis = { stroke: colour("soft"), font: FONT, ticks: { show: false }, grid: { stroke: colour("grid"), width: 1 } };
  return {
    height,
    ms: 1,
    tzDate: (stamp) => uPlot.tzDate(new Date(stamp), zone),
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    padding: [10, 10, 0, 0],
    axes: [
      { ...axis, grid: { show: false }, size: 28, gap: 6, space: 64, values: (u, splits) => splits.map((at, i) => tick(at, splits[i - 1], zone)) },
      { ...axis, size: 52, gap: 6, values: (u, splits) => splits.map((value) => num(value, digits)) },
    ],
    hooks,
    plugins: [tooltip(tip)],
  };
}

function tick(at, before, zone) {
  const day = time(at, zone, "day");
  const midnight = time(at, zone, "hour") === "00:00";
  const apart = before === undefined ? 0 : at - before;
  if (midnight || apart >= 24 * HOUR) return day;
  return time(at, zone, "hour");
}

function tooltip(tip) {
  let box = null;
  return {
    hooks: {
      init: (u) => {
        box = el("div", { class: "tip", hidden: true });
        u.over.append(box);
        u.over.addEventListener("mouseleave", () => (box.hidden = true));
      },
      setCursor: (u) => {
        const { idx, left } = u.cursor;
        const lines = idx === null || idx === undefined || left < 0 ? null : tip(idx);
        box.hidden = !lines;
        if (!lines) return;
        box.replaceChildren(...lines.map((line, i) => el(i ? "div" : "strong", null, line)));
        const flip = left > u.over.clientWidth / 2;
        box.style.left = flip ? "auto" : `${left + 12}px`;
        box.style.right = flip ? `${u.over.clientWidth - left + 12}px` : "auto";
      },
    },
  };
}

/** A canvas pattern of diagonal lines: what is missing or estimated is told by its texture, not by colour alone. */
export function hatch(context, stroke, gap = 6) {
  const size = Math.round(gap * devicePixelRatio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = stroke;
  pen.lineWidth = devicePixelRatio;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

/** Hatches the stretches where series `index` has no value. */
export function shadeGaps(index) {
  return (u) => {
    const [xs, ys] = [u.data[0], u.data[index]];
    const { ctx, bbox } = u;
    ctx.save();
    ctx.fillStyle = hatch(ctx, colour("gap"));
    for (let i = 0; i < xs.length; i += 1) {
      if (ys[i] !== null) continue;
      const from = u.valToPos(xs[Math.max(0, i - 1)], "x", true);
      const to = u.valToPos(xs[Math.min(xs.length - 1, i + 1)], "x", true);
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      while (i + 1 < xs.length && ys[i + 1] === null) {
        i += 1;
        const end = u.valToPos(xs[Math.min(xs.length - 1, i + 1)], "x", true);
        const start = u.valToPos(xs[i], "x", true);
        ctx.fillRect(start, bbox.top, end - start, bbox.height);
      }
    }
    ctx.restore();
  };
}

/** Legend entries [{kind: line | dash | band | hatch | bar | step, ink, text}] with samples that differ in form. */
export const legend = (entries) =>
  el(
    "ul",
    { class: "legend" },
    entries.map(({ kind, ink, text }) => el("li", null, el("span", { class: `sample ${kind} ink-${ink}`, "aria-hidden": "true" }), text)),
  );

/** Rows [[ms, ...values]] -> uPlot columns, with nulls put in where a step of the rhythm is absent. */
export function columns(rows) {
  const steps = rows.slice(1).map((row, i) => row[0] - rows[i][0]).sort((a, b) => a - b);
  const rhythm = steps[Math.floor(steps.length / 2)] || HOUR;
  const full = [];
  for (const row of rows) {
    const last = full[full.length - 1];
    if (last && row[0] - last[0] > 1.5 * rhythm) full.push([last[0] + rhythm, ...Array(row.length - 1).fill(null)]);
    full.push(row);
  }
  return rows.length ? full[0].map((_, index) => full.map((row) => row[index] ?? null)) : [];
}
