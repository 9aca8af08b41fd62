// The PUE panel: hourly values, the rolling 24 hours and the limit with its source; a gap is shown as a gap.

import { pueChart } from "./curves.js";
import { byId, el, table } from "./dom.js";
import { ms, now, num, percent, time } from "./figures.js";
import { guard } from "./guard.js";
import { has, nameOf, t } from "./lang.js";
import { getAll, stamp } from "./net.js";
import { sites } from "./plant.js";

const HOUR = 3600000;
const RANGES = [48, 168, 840];
const data = new Map();
let range = 168;

const centres = () => [...sites.values()].filter((site) => site.boundary);

/** The newest rolling figure of a site. */
export const newest = (site) => data.get(site)?.rolling.at(-1) ?? null;

export async function refreshPue() {
  const to = now();
  const from = to - (to % HOUR) - range * HOUR;
  await Promise.all(
    centres().map(async (site) => {
      const ask = (step, first) => getAll("/pue", { site: site.id, step, from: stamp(first), to: stamp(to - (to % HOUR)), limit: 1000 });
      // Hours count from their start, rolling windows by their end: this makes both curves begin at one moment.
      const [hourly, rolling] = await Promise.all([ask("hour", from - HOUR), ask("rolling", from)]);
      data.set(site.id, { limit: rolling.limit, hourly: hourly.items, rolling: rolling.items });
    }),
  );
}

function rowsOf(found) {
  const at = new Map();
  for (const item of found.rolling) at.set(ms(item.end), [ms(item.end), item.pue, null]);
  for (const item of found.hourly) {
    const row = at.get(ms(item.end)) ?? [ms(item.end), null, null];
    row[2] = item.pue;
    at.set(row[0], row);
  }
  return [...at.values()].sort((a, b) => a[0] - b[0]);
}

/** A reason of the server in the language of the page where its kind is known. */
export function reasonOf(item) {
  const kinds = [[/^coverage/, "reason.coverage"], [/^no window/, "reason.none"], [/IT energy is 0/, "reason.zero"], [/under 1/, "reason.fault"]];
  const found = kinds.find(([pattern]) => pattern.test(item?.reason ?? ""));
  return found ? t(found[1]) : item?.reason ?? "";
}

export function sourceOf(limit) {
  const since = ms(limit.valid_from) > 0 ? ` · ${t("limit.since", { day: time(limit.valid_from, "Asia/Shanghai", "day") })}` : "";
  const source = has(`source.${limit.source}`) ? t(`source.${limit.source}`) : limit.source;
  return `${t("limit.source", { source })}${since}${limit.verified ? "" : ` · ${t("limit.unverified")}`}`;
}

function verdict(item) {
  const reason = reasonOf(item);
  return el(
    "div",
    { class: "verdict", "data-verdict": item?.verdict ?? "no_verdict" },
    el("span", { class: "soft" }, t("pue.now")),
    el("b", null, num(item?.pue, 3)),
    el("span", { class: "badge" }, t(`verdict.${item?.verdict ?? "no_verdict"}`)),
    reason && el("span", { class: "soft" }, reason),
  );
}

function facts(item) {
  const pairs = [
    [t("pue.facility"), `${num(item?.facility_kwh)} kWh`],
    [t("pue.it"), `${num(item?.it_kwh)} kWh`],
    [t("coverage"), percent(item?.coverage)],
    [t("estimated.share"), percent(item?.estimated_share)],
  ];
  return el("dl", { class: "facts" }, pairs.map(([key, value]) => el("div", null, el("dt", null, key), el("dd", null, value))));
}

function numbers(site, found) {
  const heads = [{ text: t("pue.hour") }, { text: t("pue.hourly"), num: true }, { text: t("pue.rolling"), num: true }, { text: t("coverage"), num: true }];
  const rolling = new Map(found.rolling.map((item) => [item.end, item]));
  const rows = found.hourly.slice(-48).reverse().map((item) => [
    time(item.start, site.zone), num(item.pue, 3), num(rolling.get(item.end)?.pue, 3), percent(item.coverage),
  ]);
  const box = el("details", { class: "more" }, el("summary", null, t("pue.numbers")));
  box.addEventListener("toggle", () => box.open && box.childElementCount === 1 && box.append(table(t("pue.numbers"), heads, rows)));
  return box;
}

function panel(site) {
  const found = data.get(site.id);
  const item = newest(site.id);
  if (!found || (!found.hourly.length && !found.rolling.length)) return el("div", { class: "card empty" }, t("pue.none"));
  const label = t("pue.label", { site: nameOf(site), value: num(item?.pue, 3), limit: num(found.limit.value, 2) });
  return el(
    "article",
    { class: "card pue-card", "data-site": site.id },
    el("div", { class: "pue-side" }, el("h3", null, nameOf(site)), verdict(item), facts(item), el("p", { class: "soft" }, t("pue.interim")), el("p", { class: "soft source" }, sourceOf(found.limit))),
    el("div", { class: "pue-main" }, pueChart({ rows: rowsOf(found), limit: found.limit.value, zone: site.zone, height: 270, label, hourly: true }), numbers(site, found)),
  );
}

/** A table that somebody reads is left alone unless `force` is set. */
export function renderPue(force = false) {
  const all = centres();
  byId("pue").hidden = !all.length;
  if (!force && byId("pue-panels").querySelector("details[open]")) return;
  byId("pue-panels").replaceChildren(...all.map(panel));
}

export function renderRanges() {
  const button = (hours) =>
    el("button", { type: "button", "aria-pressed": String(hours === range), on: { click: () => choose(hours) } }, t(`range.${hours}`));
  byId("pue-range").replaceChildren(...RANGES.map(button));
}

async function choose(hours) {
  range = hours;
  renderRanges();
  byId("pue-range").querySelector("[aria-pressed=true]").focus();
  await guard(async () => {
    await refreshPue();
    renderPue(true);
  });
}
