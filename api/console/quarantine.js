// What could not be taken: readings held for unregistered meters, and refused input with its reason.

import { byId, el, say, table } from "./dom.js";
import { num, time } from "./figures.js";
import { may } from "./identity.js";
import { has, t } from "./lang.js";
import { get } from "./net.js";
import { firstZone } from "./plant.js";

const SHOWN = 50;
let page = { items: [], next: null, held: { count: 0, meters: [] } };

export async function refreshQuarantine() {
  page = await get("/quarantine", { limit: SHOWN });
}

function held(zone) {
  const heads = [{ text: t("site") }, { text: t("meter") }, { text: t("values"), num: true }, { text: t("from") }, { text: t("to") }];
  const rows = (page.held.meters ?? []).map((row) => [row.site, row.meter, num(row.readings ?? row.values), time(row.first, zone), time(row.last, zone)]);
  return [el("h3", null, t("held.title")), el("p", { class: "soft" }, t("held.why")), rows.length ? table(t("held.title"), heads, rows) : el("p", { class: "soft" }, t("held.none"))];
}

function refused(zone) {
  const heads = [{ text: t("at") }, { text: t("reason") }, { text: t("detail") }, { text: t("topic") }, { text: t("journal") }];
  const rows = page.items.map((item) => [
    time(item.at, zone), has(`refused.${item.reason}`) ? t(`refused.${item.reason}`) : item.reason, item.detail, item.topic,
    item.journal ? `${item.journal.worker}/${item.journal.day}/${item.journal.row}` : "—",
  ]);
  return [el("h3", null, t("refused.title")), rows.length ? table(t("refused.title"), heads, rows) : el("p", { class: "soft" }, t("refused.none"))];
}

export function renderQuarantine() {
  byId("quarantine").hidden = !may("intake");
  const all = Object.values(page.reasons ?? {}).reduce((sum, one) => sum + one, 0);
  const count = page.reasons ? num(all) : `${num(page.items.length)}${page.next ? "+" : ""}`;
  say(byId("quarantine-summary"), t("quarantine", { refused: count, held: num(page.held?.count ?? 0) }));
  const zone = firstZone();
  byId("quarantine-body").replaceChildren(...[...held(zone), ...refused(zone)]);
}
