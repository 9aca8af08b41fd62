// A tile per site: live power, energy today against yesterday, coverage, PUE of a data centre.

import { byId, el, icon, say } from "./dom.js";
import { live, now, num, percent, sinceMidnight } from "./figures.js";
import { has, nameOf, t } from "./lang.js";
import { get, stamp } from "./net.js";
import { livePower, ownerOf, sites } from "./plant.js";
import { newest } from "./pue.js";

const DAY = 86400000;
const QUARTER = 900000;
// A window is counted two minutes after its end: its last reading needs a moment to come in.
const SETTLE = 120000;
const FLOOR = 0.9;
const today = new Map();

const coverage = (total) => {
  const all = total.intervals + total.missing;
  return all ? total.intervals / all : null;
};

async function day(site) {
  const at = now() - SETTLE;
  const end = at - (at % QUARTER);
  const start = end - sinceMidnight(end, site.zone);
  if (end <= start) return { kwh: null, share: null, change: null };
  const ask = (from, to) => get("/energy", { site: site.id, from: stamp(from), to: stamp(to), step: "day" });
  const [one, two] = await Promise.all([ask(start, end), ask(start - DAY, end - DAY)]);
  const [share, before] = [one, two].map((found) => coverage(found.total));
  // A site that is only looked at in retrospect has no day of its own to miss.
  if (!one.total.intervals && !livePower(site.id).all) return { kwh: null, share: null, change: null };
  const fair = share >= FLOOR && before >= FLOOR && two.total.kwh > 0;
  return {
    kwh: one.total.intervals ? one.total.kwh : null,
    share,
    estimated: one.total.estimated,
    change: fair ? one.total.kwh / two.total.kwh - 1 : null,
  };
}

export async function refreshToday() {
  await Promise.all(
    [...sites.values()].map(async (site) => {
      today.set(site.id, await day(site));
    }),
  );
}

function changeOf(change) {
  if (change === null || change === undefined) return t("tile.nocompare");
  const arrow = Math.abs(change) < 0.0005 ? "→" : change > 0 ? "↑" : "↓";
  return `${arrow} ${num(Math.abs(change) * 100, 1)} % ${t("tile.versus")}`;
}

function stat(label, value, unit, note, tone) {
  return el(
    "div",
    { class: "stat", "data-tone": tone },
    el("dt", null, label),
    el("dd", null, el("b", null, value), unit && el("span", { class: "unit" }, ` ${unit}`), note && el("small", null, note)),
  );
}

function pueStat(site) {
  const pue = newest(site.id);
  const tone = { exceeds: "bad", meets: "good" }[pue?.verdict];
  const word = pue ? t(`verdict.${pue.verdict}`) : t("tile.nodata");
  return stat(t("tile.pue"), num(pue?.pue, 2), "", word, tone);
}

function tile(site, alerts) {
  const power = livePower(site.id);
  const sum = today.get(site.id) ?? {};
  const owner = ownerOf(site);
  const kind = has(`kind.${site.kind}`) ? t(`kind.${site.kind}`) : site.kind;
  return el(
    "article",
    { class: "card tile", "data-site": site.id },
    el(
      "header",
      null,
      el("div", null, el("h3", null, nameOf(site)), el("p", { class: "soft" }, [owner, kind].filter(Boolean).join(" · "))),
      alerts > 0 && el("a", { class: "badge bad", href: "#alerts" }, icon("alert"), t(alerts === 1 ? "tile.alert" : "tile.alerts", { n: alerts })),
    ),
    el(
      "p",
      { class: "power" },
      el("span", { class: "power-value" }, power.kw === null ? "—" : live(power.kw)),
      el("span", { class: "unit" }, " kW"),
      el("span", { class: "power-note", "data-partial": power.live < power.all }, powerNote(power)),
    ),
    el(
      "dl",
      { class: "stats" },
      stat(t("tile.today"), num(sum.kwh), "kWh", changeOf(sum.change)),
      stat(t("tile.coverage"), percent(sum.share), "", sum.estimated ? t("tile.estimated", { n: sum.estimated }) : t("tile.quarters"), sum.share < FLOOR && sum.share !== null ? "warn" : null),
      site.boundary && pueStat(site),
    ),
  );
}

const powerNote = (power) =>
  power.all === 0 ? t("tile.idle") : power.live < power.all ? t("tile.part", { live: power.live, all: power.all }) : t("tile.live");

/** alerts: site -> number of active alerts. */
export function renderTiles(alerts) {
  const all = [...sites.values()].map((site) => tile(site, alerts.get(site.id) ?? 0));
  byId("tiles").replaceChildren(...(all.length ? all : [el("p", { class: "card empty" }, t("sites.none"))]));
}

/** Only the live figures, several times a minute. */
export function tickTiles() {
  for (const node of byId("tiles").querySelectorAll("[data-site]")) {
    const power = livePower(node.dataset.site);
    say(node.querySelector(".power-value"), power.kw === null ? "—" : live(power.kw));
    say(node.querySelector(".power-note"), powerNote(power));
  }
}
