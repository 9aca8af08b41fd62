// The line charts: PUE against its limit, and a meter against its own profile.

import { base, chartBox, colour, columns, legend, mount, shadeGaps } from "./charts.js";
import { el } from "./dom.js";
import { num, time } from "./figures.js";
import { t } from "./lang.js";

function limitLine(limit) {
  return (u) => {
    const { ctx, bbox } = u;
    const at = Math.round(u.valToPos(limit, "y", true));
    ctx.save();
    ctx.fillStyle = colour("bad-wash");
    if (at > bbox.top) ctx.fillRect(bbox.left, bbox.top, bbox.width, at - bbox.top);
    ctx.strokeStyle = colour("bad");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
    ctx.stroke();
    ctx.restore();
  };
}

/** Over the curve, with a rim in the ground's colour so that it stays legible. */
function limitText(limit) {
  return (u) => {
    const { ctx, bbox } = u;
    const at = Math.round(u.valToPos(limit, "y", true));
    ctx.save();
    ctx.font = `600 ${12 * devicePixelRatio}px sans-serif`;
    ctx.textBaseline = "bottom";
    ctx.textAlign = "left";
    ctx.fillStyle = colour("bad");
    ctx.strokeStyle = colour("surface");
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.lineJoin = "round";
    const text = [`${t("limit")} ${num(limit, 2)}`, bbox.left + 6 * devicePixelRatio, at - 3 * devicePixelRatio];
    ctx.strokeText(...text);
    ctx.fillText(...text);
    ctx.restore();
  };
}

const around = (limit) => (u, low, high) => {
  const bottom = Math.min(low ?? limit, limit);
  const top = Math.max(high ?? limit, limit);
  const room = Math.max((top - bottom) * 0.15, 0.015);
  return [bottom - room, top + room];
};

const both = (...hooks) => (u) => hooks.forEach((hook) => hook(u));

/** rows [[ms, rolling, hourly?]]; limit: number. */
export function pueChart({ rows, limit, zone, height, label, hourly = false }) {
  const data = columns(rows);
  const box = chartBox(label);
  const tip = (i) => [
    time(data[0][i], zone),
    `${t("pue.rolling")} ${num(data[1][i], 3)}`,
    hourly && `${t("pue.hourly")} ${num(data[2][i], 3)}`,
    `${t("limit")} ${num(limit, 2)}`,
  ].filter(Boolean);
  if (data.length) {
    mount(box, () => ({
      data,
      opts: {
        ...base({ zone, height, tip, digits: 2, hooks: { drawClear: [both(shadeGaps(hourly ? 2 : 1), limitLine(limit))], draw: [limitText(limit)] } }),
        scales: { y: { range: around(limit) } },
        series: [
          {},
          { stroke: colour("accent"), width: 2.5, points: { show: false } },
          ...(hourly ? [{ stroke: colour("second"), width: 1.25, paths: uPlot.paths.stepped({ align: -1 }), points: { show: false } }] : []),
        ],
      },
    }));
  }
  const entries = [
    { kind: "line", ink: "accent", text: t("pue.rolling") },
    hourly && { kind: "step", ink: "second", text: t("pue.hourly") },
    { kind: "dash", ink: "bad", text: t("limit") },
    { kind: "hatch", ink: "gap", text: t("missing") },
  ].filter(Boolean);
  return el("figure", { class: "figure" }, legend(entries), box);
}

/** curve [[ms, observed, expected, low, high]] in `unit` per hour. */
export function profileChart({ curve, unit, zone, height, label }) {
  const data = columns(curve);
  const box = chartBox(label);
  const tip = (i) => [
    time(data[0][i], zone),
    `${t("observed")} ${num(data[1][i], 1)} ${unit}`,
    `${t("expected")} ${num(data[2][i], 1)} ${unit}`,
    `${t("band")} ${num(data[3][i], 1)} – ${num(data[4][i], 1)} ${unit}`,
  ];
  // The band may reach under 0 where no energy can.
  const least = Math.min(0, ...(data[1] ?? []).filter((value) => value !== null));
  const unseen = { width: 0, points: { show: false } };
  if (data.length) {
    mount(box, () => ({
      data,
      opts: {
        ...base({ zone, height, tip, hooks: { drawClear: [shadeGaps(1)] } }),
        scales: { y: { range: (u, low, high) => [least, (high ?? 1) * 1.08] } },
        bands: [{ series: [4, 3], fill: colour("band") }],
        series: [
          {},
          { stroke: colour("bad"), width: 2, points: { show: false } },
          { stroke: colour("soft"), width: 1.25, dash: [4, 4], points: { show: false } },
          unseen,
          unseen,
        ],
      },
    }));
  }
  const entries = [
    { kind: "line", ink: "bad", text: t("observed") },
    { kind: "dash", ink: "soft", text: t("expected") },
    { kind: "band", ink: "band", text: t("band") },
    { kind: "hatch", ink: "gap", text: t("missing") },
  ];
  return el("figure", { class: "figure" }, legend(entries), box);
}
