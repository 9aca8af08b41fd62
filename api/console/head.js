// The bar at the top: health with its reason, the stream's state, the clock of the plant.

import { byId, el, say } from "./dom.js";
import { now, offset, time } from "./figures.js";
import { has, t } from "./lang.js";
import { getHealth } from "./net.js";
import { firstZone } from "./plant.js";

let last = null;
let down = false;

const partName = (part) => (has(`part.${part.name}`) ? t(`part.${part.name}`) : part.name);

/** What a part says of itself, in a line: its reason if it has one, else its plain figures. */
function words(detail) {
  if (!detail || typeof detail !== "object") return detail ? String(detail) : "";
  const reason = detail.reason ?? detail.error ?? detail.message ?? detail.detail;
  if (reason) return String(reason);
  const plain = Object.entries(detail).filter(([, value]) => value !== null && typeof value !== "object");
  return plain.slice(0, 4).map(([key, value]) => `${key} ${value}`).join(" · ");
}

export async function refreshHealth() {
  try {
    last = await getHealth();
  } catch {
    last = { status: "unreachable", parts: [] };
  }
  renderHealth();
}

/** The stream tells the status only; the reason is asked for when it changes. */
export const heardHealth = (data) => (data?.status !== last?.status ? refreshHealth() : null);

export function renderHealth() {
  if (!last) return;
  const ill = last.parts.filter((part) => !part.ok);
  const reason = ill.map((part) => [partName(part), words(part.detail)].filter(Boolean).join(": ")).join("; ");
  const text = t(`health.${last.status}`);
  byId("health").dataset.state = last.status;
  say(byId("health-text"), reason && last.status !== "ok" ? `${text} · ${reason}` : text);
  byId("health-parts").replaceChildren(
    ...last.parts.map((part) =>
      el(
        "li",
        { "data-ok": part.ok },
        el("span", { class: "dot", "aria-hidden": "true" }),
        el("strong", null, partName(part)),
        el("span", { class: "soft" }, [t(part.ok ? "ok" : "not.ok"), words(part.detail)].filter(Boolean).join(" · ")),
      ),
    ),
  );
}

export function heardState(state) {
  down = state === "down";
  renderLive();
}

export function renderLive() {
  const node = byId("live");
  node.hidden = !down;
  say(node, down ? t("live.down") : "");
}

export function renderClock() {
  const zone = firstZone();
  const node = byId("clock");
  say(node, `${time(now(), zone, "clock")} ${offset(zone)}`);
  node.setAttribute("title", zone);
}
