// The alerts: active first, acknowledged below, resolved in a history that is read only when opened.

import { card } from "./alert_card.js";
import { byId, el, icon, say } from "./dom.js";
import { now } from "./figures.js";
import { guard } from "./guard.js";
import { t } from "./lang.js";
import { get, getAll, post } from "./net.js";

const AGES = 300000;
const OPEN = ["active", "acknowledged"];
const known = new Map();
let history = { items: [], next: null, read: false };
let told = () => {};

/** `changed` is called after alerts came, moved or went. */
export const onAlerts = (changed) => (told = changed);

/** site -> number of active alerts. */
export function activeBySite() {
  const count = new Map();
  for (const alert of known.values()) if (alert.state === "active") count.set(alert.site, (count.get(alert.site) ?? 0) + 1);
  return count;
}

export async function refreshAlerts() {
  const pages = await Promise.all(OPEN.map((state) => getAll("/alerts", { state })));
  known.clear();
  for (const alert of pages.flatMap((page) => page.items)) known.set(String(alert.id), alert);
  if (history.read) await readHistory();
  renderAlerts();
}

/** An alert from the stream or from the answer to a write. */
export function takeAlert(alert) {
  if (OPEN.includes(alert.state)) known.set(String(alert.id), alert);
  else known.delete(String(alert.id));
  const rest = history.items.filter((item) => item.id !== alert.id);
  history.items = alert.state === "resolved" ? [alert, ...rest] : rest;
  renderAlerts();
}

async function readHistory(cursor = null) {
  const page = await get("/alerts", { state: "resolved", limit: 20, cursor });
  history = { items: cursor ? [...history.items, ...page.items] : page.items, next: page.next, read: true };
}

/** Keeps a card whose alert did not change, so that what is open or focused in it stays. */
function place(box, alerts, empty) {
  const kept = new Map([...box.querySelectorAll(":scope > [data-alert]")].map((node) => [node.dataset.alert, node]));
  const nodes = alerts.map((alert) => {
    const mark = JSON.stringify(alert) + document.documentElement.lang;
    const old = kept.get(String(alert.id));
    // "for 3 d 4 h" grows old by itself, but a card that somebody is working in is not taken away.
    const fresh = old && (now() - old.drawn < AGES || old.contains(document.activeElement));
    if (old?.mark === mark && fresh) return old;
    const node = card(alert, ask);
    Object.assign(node, { mark, drawn: now() });
    for (const box of old?.querySelectorAll("details[open]") ?? []) node.querySelector(`details.${box.className}`)?.setAttribute("open", "");
    return node;
  });
  const shown = nodes.length || !empty ? nodes : [empty];
  if (shown.length !== box.children.length || shown.some((node, i) => node !== box.children[i])) box.replaceChildren(...shown);
}

const newestFirst = (state) =>
  [...known.values()].filter((alert) => alert.state === state).sort((a, b) => Date.parse(b.raised_at) - Date.parse(a.raised_at));

export function renderAlerts() {
  const [active, acknowledged] = OPEN.map(newestFirst);
  say(byId("alerts-count"), active.length ? String(active.length) : "");
  byId("alerts").dataset.calm = String(!active.length);
  place(byId("alerts-active"), active, el("p", { class: "card calm" }, icon("check"), t(acknowledged.length ? "alerts.calm.rest" : "alerts.calm")));
  place(byId("alerts-acknowledged"), acknowledged, null);
  const more = history.next && el("button", { class: "button", type: "button", on: { click: () => older(history.next) } }, t("alerts.older"));
  const box = byId("alerts-resolved");
  box.querySelector(":scope > button")?.remove();
  if (history.read) place(box, history.items, el("p", { class: "soft" }, t("alerts.nohistory")));
  if (more) box.append(more);
  told();
}

const older = (cursor) =>
  guard(async () => {
    await readHistory(cursor);
    renderAlerts();
  });

export function bindAlerts() {
  byId("act-cancel").addEventListener("click", () => byId("act").close("cancel"));
  byId("alerts-history").addEventListener("toggle", (event) => {
    if (event.target === byId("alerts-history") && event.target.open && !history.read) older(null);
  });
}

/** Asks for an optional note, then does it; action: "acknowledge" or "resolve". */
function ask(alert, action, sentence) {
  const dialog = byId("act");
  say(byId("act-title"), t(`act.${action}`));
  say(byId("act-what"), sentence);
  say(byId("act-go"), t(`act.${action}`));
  byId("act-note").value = "";
  dialog.returnValue = "";
  dialog.onclose = () => {
    const note = byId("act-note").value.trim();
    if (dialog.returnValue === "go") guard(() => act(alert, action, note));
  };
  dialog.showModal();
  byId("act-note").focus();
}

async function act(alert, action, note) {
  try {
    takeAlert(await post(`/alerts/${encodeURIComponent(alert.id)}/${action}`, note ? { note } : {}));
  } catch (error) {
    // Somebody else may have moved it first: show how it stands now, then say what failed.
    if (error.status !== 401) await refreshAlerts();
    throw error;
  }
  document.querySelector(`[data-alert="${CSS.escape(String(alert.id))}"]`)?.focus();
}
