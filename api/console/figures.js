// Numbers, times and spans as people read them, in the language of the page and the zone of the plant.

import { locale, t } from "./lang.js";

const made = new Map();
let skew = 0;

function maker(kind, options) {
  const key = kind.name + locale() + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new kind(locale(), options));
  return made.get(key);
}

/** Learns how far this computer's clock is off from the server's Date header; small differences are left alone. */
export function learnClock(header) {
  const off = header ? Date.parse(header) - Date.now() : 0;
  skew = Math.abs(off) > 5000 ? off : 0;
}

/** The server's now, ms UTC. */
export const now = () => Date.now() + skew;

/** RFC 3339 text or ms -> ms, NaN for nothing. */
export const ms = (time) => (typeof time === "number" ? time : Date.parse(time ?? ""));

/** A number with thousands separated, or a dash for what is missing (never 0). */
export function num(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "—";
  return maker(Intl.NumberFormat, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** Digits that keep about four significant figures of a live value. */
export const live = (value) => num(value, Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2);

/** A ratio such as PUE: two decimals, a third where it says something. */
export const ratio = (value) =>
  Number.isFinite(value) ? maker(Intl.NumberFormat, { minimumFractionDigits: 2, maximumFractionDigits: 3 }).format(value) : "—";

/** A share 0..1 as a percentage that says 100 % only when nothing is missing. */
export function percent(share) {
  if (share === null || share === undefined) return "—";
  const shown = share < 1 ? Math.min(99.9, Math.floor(share * 1000) / 10) : 100;
  return `${num(shown, Number.isInteger(shown) ? 0 : 1)} %`;
}

const STYLES = {
  full: { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  short: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { month: "short", day: "numeric" },
  hour: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  clock: { month: "short", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};

export const time = (at, zone, style = "short") =>
  Number.isFinite(ms(at)) ? maker(Intl.DateTimeFormat, { ...STYLES[style], timeZone: zone }).format(ms(at)) : "—";

/** The offset of a zone now, such as GMT+8. */
export const offset = (zone) =>
  maker(Intl.DateTimeFormat, { timeZone: zone, timeZoneName: "shortOffset" })
    .formatToParts(now())
    .find((part) => part.type === "timeZoneName").value;

/** ms since `at`'s midnight in the zone. */
export function sinceMidnight(at, zone) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const [hour, minute, second] = parts.format(at).split(":").map(Number);
  return ((hour * 60 + minute) * 60 + second) * 1000 + (at % 1000);
}

/** A length of time in its two largest units. */
export function span(length) {
  const seconds = Math.max(0, Math.round(length / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor((seconds % 86400) / 3600), Math.floor((seconds % 3600) / 60)];
  if (days) return hours ? t("span.dh", { d: days, h: hours }) : t("span.d", { d: days });
  if (hours) return minutes ? t("span.hm", { h: hours, m: minutes }) : t("span.h", { h: hours });
  return minutes ? t("span.m", { m: minutes }) : t("span.s", { s: seconds });
}

export const ago = (at) => t("ago", { span: span(now() - at) });
