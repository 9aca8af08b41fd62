// Who looks at the page, as the API knows them, and what they may: what they may not is not shown.

import { byId, el, say } from "./dom.js";
import { has, t } from "./lang.js";
import { get } from "./net.js";

let me = null;

export async function refreshMe() {
  me = await get("/me");
}

/** Whether whoever is signed in may do this: "act", "intake", … */
export const may = (permission) => Boolean(me?.may.includes(permission));

/** A name of the record as people read it: "account wang" -> "wang", "key shop" -> "key shop" in the page's language. */
export function who(actor) {
  if (has(`actor.${actor}`)) return t(`actor.${actor}`);
  const [, kind, name] = /^(account|key) (.+)$/s.exec(actor) ?? [];
  return kind ? t(`actor.${kind}`, { name }) : actor;
}

function bounds({ scope }) {
  const all = ["regions", "units", "sites"].filter((level) => scope[level]?.length);
  return scope.everything ? t("scope.everything") : all.map((level) => `${t(`scope.${level}`)} ${scope[level].join(", ")}`).join(" · ");
}

export function renderMe() {
  byId("me").hidden = !me || !byId("signin").hidden;
  if (!me) return;
  const role = has(`role.${me.role}`) ? t(`role.${me.role}`) : me.role;
  say(byId("me-name"), who(me.name));
  say(byId("me-role"), role);
  const facts = [[t("me.name"), who(me.name)], [t("me.role"), role], [t("me.scope"), bounds(me)]];
  byId("me-facts").replaceChildren(...facts.map(([name, text]) => el("div", null, el("dt", null, name), el("dd", null, text))));
}
