// The live meters, grouped by site; a meter's name opens its energy.

import { byId, el, say } from "./dom.js";
import { ago, live, num, time } from "./figures.js";
import { has, nameOf, t } from "./lang.js";
import { closePanel, openMeter, showPanel } from "./meter_panel.js";
import { flowOf, heardAt, keyOf, meters, ownerOf, registerOf, sites, statusOf, tree, zoneOf } from "./plant.js";

const rows = new Map();

function qualityOf(meter) {
  const quality = meter.latest?.quality ?? meter.latest?.q;
  return quality && quality !== "measured" && has(quality) ? ` · ${t(quality)}` : "";
}

function write(row, meter) {
  const [flow, register, status] = [flowOf(meter), registerOf(meter), statusOf(meter)];
  row.node.dataset.status = status;
  say(row.flow, flow.value === undefined ? "—" : live(flow.value));
  say(row.flowUnit, flow.value === undefined ? "" : ` ${flow.unit}`);
  say(row.register, register.value === undefined ? "—" : num(register.value, meter.decimals ?? 2));
  say(row.registerUnit, register.value === undefined ? "" : ` ${register.unit}`);
  const at = heardAt(meter);
  say(row.age, Number.isFinite(at) ? (status === "idle" ? time(at, zoneOf(meter.site), "full") : ago(at)) : "—");
  say(row.status, t(`status.${status}`) + qualityOf(meter) + (meter.pending && status !== "live" ? ` · ${t("pending")}` : ""));
}

function makeRow(meter, depth) {
  const part = (tag, name) => el(tag, { class: name });
  const row = { flow: part("b"), flowUnit: part("span", "unit"), register: part("span"), registerUnit: part("span", "unit"), age: part("span"), status: part("span", "status-text") };
  const key = keyOf(meter.site, meter.id);
  const label = `${nameOf(meter)} · ${t("meter.open")}`;
  const button = el("button", { type: "button", class: "meter-name", "aria-label": label, "aria-expanded": "false", "aria-controls": "meter-panel", on: { click: () => choose(key) } }, nameOf(meter));
  row.button = button;
  row.node = el(
    "tr",
    { role: "row", "data-meter": key },
    el("th", { scope: "row", role: "rowheader", class: `name depth-${Math.min(depth, 3)}` }, button, el("small", null, meter.id)),
    el("td", { role: "cell", class: "num flow" }, row.flow, row.flowUnit),
    el("td", { role: "cell", class: "num register" }, row.register, row.registerUnit),
    el("td", { role: "cell", class: "num age" }, row.age),
    el("td", { role: "cell", class: "status" }, el("span", { class: "mark", "aria-hidden": "true" }), row.status),
  );
  rows.set(key, row);
  write(row, meter);
  return row.node;
}

function group(site) {
  const own = tree(site.id);
  if (!own.length) return null;
  return el(
    "tbody",
    { role: "rowgroup" },
    el("tr", { role: "row", class: "group" }, el("th", { role: "rowheader", scope: "rowgroup", colspan: "5" }, nameOf(site), el("small", null, [t("meters.n", { n: own.length }), ownerOf(site)].filter(Boolean).join(" · ")))),
    own.map(([meter, depth]) => makeRow(meter, depth)),
  );
}

export function renderMeters() {
  rows.clear();
  say(byId("meters-count"), meters.size ? String(meters.size) : "");
  const head = (key, num) => el("th", { scope: "col", role: "columnheader", class: num ? "num" : null }, t(key));
  const groups = [...sites.values()].map(group);
  byId("meters-table").replaceChildren(
    meters.size
      ? el(
          "table",
          { class: "meters", role: "table" },
          el("caption", { class: "sr" }, t("meters.title")),
          el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head("meter"), head("col.flow", true), head("col.register", true), head("col.age", true), head("col.status"))),
          groups.filter(Boolean),
        )
      : el("p", { class: "empty" }, t("meters.none")),
  );
  markOpen();
  showPanel();
}

function markOpen() {
  for (const [key, row] of rows) {
    row.button.setAttribute("aria-expanded", String(key === openMeter()));
    row.node.classList.toggle("open", key === openMeter());
  }
}

function choose(key) {
  if (key === openMeter()) closePanel();
  else {
    showPanel(key);
    const panel = byId("meter-panel");
    panel.focus({ preventScroll: true });
    // Where the panel stands under the table instead of beside it, it must come into view.
    if (matchMedia("(max-width: 1099px)").matches) panel.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }
  markOpen();
}

/** Closing from inside the panel gives the focus back to the meter. */
export function bindMeters() {
  byId("meter-panel").addEventListener("closed", (event) => {
    markOpen();
    rows.get(event.detail)?.button.focus();
  });
}

/** New values and ages into the rows; `keys` only, or all. */
export function tickMeters(keys) {
  for (const key of keys ?? rows.keys()) {
    const [row, meter] = [rows.get(key), meters.get(key)];
    if (row && meter) write(row, meter);
  }
}
