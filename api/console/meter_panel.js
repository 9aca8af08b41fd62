// A meter's energy in 15-minute windows over the last 24 hours or 7 days, with what is estimated and what is missing.

import { amountOf, energyBars, stateOf } from "./bars.js";
import { byId, el, table } from "./dom.js";
import { now, num, time } from "./figures.js";
import { guard } from "./guard.js";
import { nameOf, t } from "./lang.js";
import { getAll, stamp } from "./net.js";
import { meters, registerOf, sites, zoneOf } from "./plant.js";

const QUARTER = 900000;
const SETTLE = 120000;
const HOURS = [24, 168];
let open = null;
let hours = 24;
let asked = 0;

/** The key of the meter that is open, or null. */
export const openMeter = () => open;

export function closePanel() {
  const was = open;
  open = null;
  byId("meter-panel").hidden = true;
  byId("meter-panel").dispatchEvent(new CustomEvent("closed", { detail: was }));
}

/** Opens a meter, or draws the open one again. */
export function showPanel(key = open) {
  const meter = key && meters.get(key);
  if (!meter) return;
  open = key;
  const panel = byId("meter-panel");
  panel.hidden = false;
  panel.replaceChildren(head(meter), facts(meter), el("div", { id: "meter-energy", class: "meter-energy", "aria-live": "polite" }, el("p", { class: "soft" }, t("loading"))));
  return refreshPanel();
}

function head(meter) {
  const site = sites.get(meter.site);
  const pick = (count) =>
    el("button", { type: "button", "aria-pressed": String(count === hours), on: { click: () => choose(count) } }, t(count === 24 ? "range.24" : "range.168"));
  return el(
    "header",
    { class: "panel-head" },
    el("div", null, el("h3", { id: "meter-name" }, nameOf(meter)), el("p", { class: "soft" }, `${site ? nameOf(site) : meter.site} · ${meter.id}`)),
    el("div", { class: "segments", role: "group", "aria-label": t("range") }, HOURS.map(pick)),
    el("button", { type: "button", class: "button small close", "aria-label": t("close"), on: { click: closePanel } }, "×"),
  );
}

function choose(count) {
  hours = count;
  showPanel();
  byId("meter-panel").querySelector("[aria-pressed=true]").focus();
}

function facts(meter) {
  const parent = meter.parent && (meters.get(`${meter.site}/${meter.parent}`) ?? { id: meter.parent });
  const pairs = [
    meter.register && [t("register"), `${meter.register} · ${t("register.form", { digits: meter.digits, decimals: meter.decimals })}`],
    Number(meter.multiplier) !== 1 && [t("multiplier"), `× ${meter.multiplier}`],
    parent && [t("parent"), nameOf(parent)],
    meter.reports_every && [t("reports.every"), t("seconds", { n: meter.reports_every })],
    meter.source && [t("source"), meter.source],
  ].filter(Boolean);
  return el("dl", { class: "facts inline" }, pairs.map(([name, text]) => el("div", null, el("dt", null, name), el("dd", null, text))));
}

/** Reads the energy again; an answer that was overtaken by a newer question is dropped. */
export function refreshPanel() {
  const meter = open && meters.get(open);
  if (!meter || !byId("meter-energy") || byId("meter-energy").querySelector("details[open]")) return null;
  const mine = (asked += 1);
  if (!meter.register) return byId("meter-energy").replaceChildren(el("p", { class: "soft" }, t("meter.gauge")));
  const to = now() - SETTLE;
  const end = to - (to % QUARTER);
  return guard(async () => {
    const found = await getAll("/energy", { site: meter.site, meter: meter.id, step: "15m", from: stamp(end - hours * 4 * QUARTER), to: stamp(end), limit: 1000 });
    if (mine === asked) draw(meter, found);
  });
}

function draw(meter, found) {
  const zone = zoneOf(meter.site);
  const unit = registerOf(meter).unit || found.unit;
  const { total, items } = found;
  const amount = total.intervals ? total.kwh ?? total.amount : null;
  const counts = [["measured", total.measured], ["estimated", total.estimated], ["missing", total.missing]];
  const words = counts.map(([state, count]) => `${t(state)} ${num(count)}`).join(", ");
  const label = t("energy.label", { meter: nameOf(meter), amount: num(amount, 2), unit, counts: words });
  byId("meter-energy").replaceChildren(
    el("p", { class: "panel-total" }, el("b", null, num(amount, 2)), el("span", { class: "unit" }, ` ${unit}`), el("span", { class: "soft" }, t("energy.over", { range: t(`range.${hours}`) }))),
    el("ul", { class: "counts" }, counts.map(([state, count]) => el("li", { "data-state": state }, `${t(state)} `, el("b", null, num(count))))),
    energyBars({ items, unit, zone, height: 230, label }),
    numbers(items, unit, zone),
  );
}

function numbers(items, unit, zone) {
  const box = el("details", { class: "more" }, el("summary", null, t("energy.numbers")));
  const heads = [{ text: t("window") }, { text: unit, num: true }, { text: t("col.status") }];
  const rows = () => [...items].reverse().map((item) => [
    `${time(item.start, zone)} – ${time(item.end, zone, "hour")}`, num(amountOf(item), 2), t(stateOf(item)),
  ]);
  box.addEventListener("toggle", () => box.open && box.childElementCount === 1 && box.append(table(t("energy.numbers"), heads, rows())));
  return box;
}
