// What the page knows of the plants: sites and meters with their latest values, and what counts as live.

import { ms, now } from "./figures.js";
import { nameOf } from "./lang.js";
import { getAll } from "./net.js";

const FLOW = {
  e_kwh: ["p_kw", "kW"], e_out_kwh: ["p_out_kw", "kW"], steam_t: ["steam_th", "t/h"], gas_m3: ["gas_m3h", "m³/h"],
  water_m3: ["water_m3h", "m³/h"], air_m3: ["air_m3h", "m³/h"], coal_t: ["coal_th", "t/h"], product_t: ["product_th", "t/h"],
};
const UNITS = {
  e_kwh: "kWh", e_out_kwh: "kWh", er_kvarh: "kvarh", steam_t: "t", gas_m3: "m³", water_m3: "m³", air_m3: "m³", coal_t: "t",
  product_t: "t",
};
// Without a declared period a meter follows the national 15-minute rhythm, and a minute of jitter.
const RHYTHM = 16 * 60000;
// The region and unit of what was registered without one.
const UNASSIGNED = "default";

export const sites = new Map();
const units = new Map();
const regions = new Map();
export const meters = new Map();

export const keyOf = (site, meter) => `${site}/${meter}`;

export const zoneOf = (site) => sites.get(site)?.zone || "Asia/Shanghai";

export const firstZone = () => sites.values().next().value?.zone || "Asia/Shanghai";

/** Sites of one unit stand together, in the order in which the units come. */
const rank = (site) => [...units.keys()].indexOf(site.unit);

/** Whose a site is and in which region, where the sites are of more than one unit; "" otherwise. */
export function ownerOf(site) {
  const shown = new Set([...sites.values()].map((one) => one.unit));
  const unit = units.get(site.unit);
  if (shown.size < 2 || !unit) return "";
  const region = unit.region !== UNASSIGNED && regions.get(unit.region);
  return [region && nameOf(region), nameOf(unit)].filter(Boolean).join(" · ");
}

export async function load() {
  const [some, all, owners, places] = await Promise.all([getAll("/sites"), getAll("/meters"), getAll("/units"), getAll("/regions")]);
  for (const [kept, found] of [[units, owners], [regions, places]]) {
    kept.clear();
    for (const item of found.items) kept.set(item.id, item);
  }
  sites.clear();
  for (const site of [...some.items].sort((a, b) => rank(a) - rank(b))) sites.set(site.id, site);
  const kept = new Map(meters);
  meters.clear();
  for (const meter of all.items) {
    const key = keyOf(meter.site, meter.id);
    const old = kept.get(key)?.latest;
    // The stream may have been faster than this answer.
    if (old && (!meter.latest || ms(old.time) > ms(meter.latest.time))) meter.latest = old;
    meters.set(key, meter);
  }
}

/** Takes a stream reading; false where the meter is not known yet. */
export function take(reading) {
  const meter = meters.get(keyOf(reading.site, reading.meter));
  if (!meter) return false;
  if (!meter.latest || ms(reading.time) >= ms(meter.latest.time)) {
    meter.latest = { time: reading.time, quality: reading.quality, values: { ...meter.latest?.values, ...reading.values } };
  }
  return true;
}

/** A site's meters, each child after its parent, with its depth. */
export function tree(site) {
  const own = [...meters.values()].filter((meter) => meter.site === site);
  const known = new Set(own.map((meter) => meter.id));
  const out = [];
  const put = (meter, depth) => {
    out.push([meter, depth]);
    if (depth < 8) for (const child of own) if (child.parent === meter.id && child !== meter) put(child, depth + 1);
  };
  for (const meter of own) if (!meter.parent || !known.has(meter.parent)) put(meter, 0);
  return out;
}

/** {value, unit} of a meter's flow gauge; value undefined when it sends none. */
export function flowOf(meter) {
  const [key, unit] = FLOW[meter.register] ?? ["p_kw", "kW"];
  return { value: meter.latest?.values?.[key], unit };
}

export const registerOf = (meter) => ({
  value: meter.register ? meter.latest?.values?.[meter.register] : undefined,
  unit: UNITS[meter.register] ?? meter.unit ?? "",
});

/** When a meter last said something, ms UTC, NaN for never. */
export const heardAt = (meter) => ms(meter.latest?.time ?? meter.last_reading);

/** "none" (never read), "idle" (no live feed expected), "stale" or "live". */
export function statusOf(meter) {
  const age = now() - heardAt(meter);
  if (!Number.isFinite(age)) return "none";
  const patience = meter.reports_every ? Math.max(3 * meter.reports_every * 1000, 60000) : RHYTHM;
  if (age <= patience) return "live";
  return meter.reports_every ? "stale" : "idle";
}

/** {kw, live, all} of the electricity meters that make a site's total: those without a parent. */
export function livePower(site) {
  const own = [...meters.values()].filter((m) => m.site === site && !m.parent && m.register === "e_kwh");
  const live = own.filter((meter) => statusOf(meter) === "live" && Number.isFinite(flowOf(meter).value));
  const expected = own.filter((meter) => live.includes(meter) || statusOf(meter) !== "idle");
  const kw = live.length ? live.reduce((sum, meter) => sum + flowOf(meter).value, 0) : null;
  return { kw, live: live.length, all: expected.length };
}
