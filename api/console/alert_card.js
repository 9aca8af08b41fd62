// One alert as a card: the cause in a sentence, since when, how much, the curve, the readings, and what people did.

import { profileChart, pueChart } from "./curves.js";
import { el, icon, table } from "./dom.js";
import { ms, now, num, percent, ratio, span, time } from "./figures.js";
import { may, who } from "./identity.js";
import { has, lang, nameOf, t } from "./lang.js";
import { keyOf, meters, sites, zoneOf } from "./plant.js";
import { sourceOf } from "./pue.js";

const ICONS = { pue_over_limit: "gauge", off_profile: "wave", silent_meter: "mute" };
const HEIGHT = 190;

function whereOf(alert) {
  const site = sites.get(alert.site);
  const meter = alert.meter && (meters.get(keyOf(alert.site, alert.meter)) ?? { id: alert.meter });
  return [site ? nameOf(site) : alert.site, meter && nameOf(meter)].filter(Boolean).join(" · ");
}

export function sentenceOf(alert) {
  const text = alert.what?.[lang()] || alert.what?.zh || alert.what?.en || "";
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A figure of the alert with its unit; minutes and seconds are told as a span. */
function amount(value, unit) {
  if (value === null || value === undefined) return "—";
  if (unit === "s" || unit === "min") return span(value * (unit === "s" ? 1000 : 60000));
  if (unit === "1" || unit === "") return ratio(value);
  return `${num(value, Math.abs(value) < 100 ? 1 : 0)} ${unit}`;
}

function figures(alert) {
  const { kind, unit } = alert;
  const less = kind === "off_profile" && alert.excess < 0;
  const key = less ? "off_profile.less" : has(`figure.${kind}.value`) ? kind : "other";
  const over = kind === "pue_over_limit" ? "kWh" : unit;
  const all = [
    [t(`figure.${key}.value`), amount(alert.value, unit), true],
    [t(`figure.${key}.limit`), amount(alert.limit, unit), false],
    [t(`figure.${key}.excess`), amount(less ? -alert.excess : alert.excess, over), false],
  ];
  return el("dl", { class: "figures" }, all.map(([name, text, hot]) => el("div", { class: hot ? "hot" : null }, el("dt", null, name), el("dd", null, text))));
}

function chart(alert, zone) {
  const { curve, limit } = alert.evidence ?? {};
  if (!curve?.length) return null;
  const label = `${t("evidence")}: ${sentenceOf(alert)}`;
  if (alert.kind === "pue_over_limit") {
    return pueChart({ rows: curve, limit: limit?.value ?? alert.limit, zone, height: HEIGHT, label });
  }
  return profileChart({ curve, unit: `${alert.unit}/h`, zone, height: HEIGHT, label });
}

function cause({ cause: found }) {
  if (!found) return null;
  const values = { meter: nameOf({ ...found, id: found.meter }), usual: num(found.usual_kwh), now: num(found.now_kwh), share: percent(found.share) };
  const share = Number.isFinite(found.share) ? t("cause.share", values) : "";
  return el("p", { class: "cause" }, el("strong", null, t("cause")), t("cause.text", values) + share);
}

function facts(alert, zone) {
  const { coverage, estimated_share: estimated, hours, window: range, last_reading: last, last_received: received, reports_every: every, limit, clock_hours: clock } = alert.evidence ?? {};
  const pairs = [
    range && [t("window"), `${time(range.start, zone)} – ${time(range.end, zone)}`],
    coverage !== undefined && [t("coverage"), percent(coverage)],
    estimated !== undefined && [t("estimated.share"), percent(estimated)],
    hours !== undefined && [t("hours"), t("hours.n", { n: num(hours) })],
    clock && [t("clock.hours"), clock],
    last && [t("last.reading"), time(last, zone)],
    received && [t("last.received"), time(received, zone)],
    every && [t("reports.every"), span(every * 1000)],
  ].filter(Boolean);
  if (!pairs.length && !limit?.source) return null;
  return [
    el("dl", { class: "facts inline" }, pairs.map(([name, text]) => el("div", null, el("dt", null, name), el("dd", null, text)))),
    limit?.source && el("p", { class: "soft source" }, sourceOf(limit)),
  ];
}

function readings(alert, zone) {
  const used = alert.evidence?.readings ?? [];
  if (!used.length) return null;
  const heads = [
    { text: t("meter") }, { text: t("register") }, { text: t("from") }, { text: t("reading"), num: true }, { text: t("to") }, { text: t("reading"), num: true },
  ];
  const rows = used.map((row) => {
    const meter = meters.get(keyOf(alert.site, row.meter));
    const end = (point) => [time(point?.time, zone), num(point?.value, meter?.decimals ?? 2)];
    return [meter ? `${nameOf(meter)} (${row.meter})` : row.meter, row.register, ...end(row.first), ...end(row.last)];
  });
  return el("details", { class: "readings" }, el("summary", null, t("readings.used", { n: used.length })), table(t("readings.used", { n: used.length }), heads, rows));
}

function steps(alert, zone) {
  const line = (step) =>
    el(
      "li",
      { "data-action": step.action },
      el("time", { datetime: step.at }, time(step.at, zone)),
      el("span", null, el("strong", null, has(`step.${step.action}`) ? t(`step.${step.action}`) : step.action), ` · ${who(step.actor)}`),
      step.note && el("q", null, step.note),
    );
  return el("ol", { class: "steps" }, (alert.steps ?? []).map(line));
}

function actions(alert, ask) {
  if (alert.state === "resolved" || !may("act")) return null;
  const button = (action, style) =>
    el("button", { type: "button", class: `button ${style}`, "data-act": action, on: { click: () => ask(alert, action, sentenceOf(alert)) } }, t(`act.${action}`));
  return el("div", { class: "row actions" }, alert.state === "active" && button("acknowledge", "strong"), button("resolve", ""));
}

function when(alert, zone) {
  const since = ms(alert.since);
  const lasted = span((alert.until ? ms(alert.until) : now()) - since);
  const text = alert.until
    ? t("lasted", { since: time(since, zone), until: time(alert.until, zone), span: lasted })
    : t("since", { since: time(since, zone), span: lasted });
  return el("p", { class: "when" }, icon("clock"), el("time", { datetime: alert.since }, text));
}

/** ask(alert, action, sentence) is called for the buttons. */
export function card(alert, ask) {
  const zone = zoneOf(alert.site);
  const id = `alert-${alert.id}`;
  const kind = has(`alert.${alert.kind}`) ? t(`alert.${alert.kind}`) : alert.kind;
  return el(
    "article",
    { class: "card alert", "data-alert": alert.id, "data-state": alert.state, "data-kind": alert.kind, "aria-labelledby": id, tabindex: "-1" },
    el(
      "header",
      null,
      el("span", { class: "badge state" }, icon(ICONS[alert.kind] ?? "alert"), kind),
      el("span", { class: "where" }, whereOf(alert)),
      alert.late && el("span", { class: "badge warn", title: t("late.why") }, t("late")),
      alert.until && el("span", { class: "badge" }, t("ended")),
      alert.state !== "active" && el("span", { class: "badge" }, t(`state.${alert.state}`)),
    ),
    el("h3", { id }, sentenceOf(alert)),
    when(alert, zone),
    figures(alert),
    cause(alert.evidence ?? {}),
    chart(alert, zone),
    facts(alert, zone),
    readings(alert, zone),
    steps(alert, zone),
    actions(alert, ask),
  );
}
