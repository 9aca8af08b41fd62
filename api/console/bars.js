// 15-minute energy as bars: measured solid, estimated hatched, missing a marked hole; told apart by form, not by colour.

import { base, chartBox, colour, hatch, legend, mount } from "./charts.js";
import { el } from "./dom.js";
import { ms, num, time } from "./figures.js";
import { t } from "./lang.js";

/** One window's state: "measured", "estimated" or "missing". */
export const stateOf = (item) => (!item.intervals ? "missing" : item.estimated ? "estimated" : "measured");

export const amountOf = (item) => item.kwh ?? item.amount ?? null;

function draw(items) {
  return (u) => {
    const { ctx, bbox } = u;
    const dpr = devicePixelRatio;
    const ground = u.valToPos(0, "y", true);
    const inks = { solid: colour("accent"), dashed: hatch(ctx, colour("accent"), 4), hole: hatch(ctx, colour("gap")) };
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = inks.solid;
    ctx.lineWidth = dpr;
    for (const item of items) {
      const left = u.valToPos(ms(item.start), "x", true);
      const whole = u.valToPos(ms(item.end), "x", true) - left;
      const width = Math.max(whole - (whole > 4 * dpr ? dpr : 0), dpr * 0.8);
      const state = stateOf(item);
      const top = u.valToPos(amountOf(item) ?? 0, "y", true);
      if (state === "missing") {
        ctx.fillStyle = inks.hole;
        ctx.fillRect(left, bbox.top, whole, bbox.height);
      } else if (state === "measured") {
        ctx.fillStyle = inks.solid;
        ctx.fillRect(left, top, width, ground - top);
      } else {
        ctx.fillStyle = inks.dashed;
        ctx.fillRect(left, top, width, ground - top);
        ctx.beginPath();
        ctx.moveTo(left, top);
        ctx.lineTo(left + width, top);
        ctx.stroke();
      }
    }
    ctx.restore();
  };
}

/** Names each stretch that is not measured, where its name finds room beside the one before. */
function nameStretches(items) {
  return (u) => {
    const { ctx, bbox } = u;
    const dpr = devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${11 * dpr}px sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    ctx.lineJoin = "round";
    ctx.lineWidth = 4 * dpr;
    ctx.strokeStyle = colour("surface");
    ctx.fillStyle = colour("soft");
    let used = -Infinity;
    for (let i = 0, next; i < items.length; i = next) {
      const state = stateOf(items[i]);
      for (next = i + 1; next < items.length && stateOf(items[next]) === state; ) next += 1;
      if (state === "measured") continue;
      const [text, half] = [t(state), ctx.measureText(t(state)).width / 2 + 3 * dpr];
      const middle = (u.valToPos(ms(items[i].start), "x", true) + u.valToPos(ms(items[next - 1].end), "x", true)) / 2;
      const at = Math.min(Math.max(middle, bbox.left + half, used + half), bbox.left + bbox.width - half);
      if (at - half < used || at - middle > 3 * half) continue;
      used = at + half;
      ctx.strokeText(text, at, bbox.top + 2 * dpr);
      ctx.fillText(text, at, bbox.top + 2 * dpr);
    }
    ctx.restore();
  };
}

/** items of /energy with step 15m. */
export function energyBars({ items, unit, zone, height, label }) {
  const box = chartBox(label);
  const xs = items.map((item) => (ms(item.start) + ms(item.end)) / 2);
  const ys = items.map(amountOf);
  const tip = (i) => [
    `${time(items[i].start, zone)} – ${time(items[i].end, zone, "hour")}`,
    `${ys[i] === null ? "—" : num(ys[i], 2)} ${unit}`,
    t(stateOf(items[i])),
  ];
  if (items.length) {
    mount(box, () => ({
      data: [xs, ys],
      opts: {
        ...base({ zone, height, tip, hooks: { draw: [draw(items), nameStretches(items)] } }),
        scales: {
          x: { range: () => [ms(items[0].start), ms(items.at(-1).end)] },
          y: { range: (u, low, high) => [Math.min(0, low ?? 0), Math.max((high ?? 0) * 1.15, 0.01)] },
        },
        series: [{}, { paths: () => null, stroke: colour("accent"), points: { show: false } }],
      },
    }));
  }
  const entries = [
    { kind: "bar", ink: "accent", text: t("measured") },
    { kind: "hatch", ink: "accent", text: t("estimated") },
    { kind: "hatch", ink: "gap", text: t("missing") },
  ];
  return el("figure", { class: "figure" }, legend(entries), box);
}
