// Elements built from data: text goes in as text nodes, so nothing from a server is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attrs, kids) {
  for (const [key, value] of Object.entries(attrs ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const kid of kids.flat(Infinity)) {
    if (kid === null || kid === undefined || kid === false) continue;
    node.append(kid instanceof Node ? kid : String(kid));
  }
  return node;
}

/** el("p", {class: "soft", on: {click}}, "text", node, [more]) -> HTMLElement; null, undefined and false are left out. */
export const el = (tag, attrs, ...kids) => fill(document.createElement(tag), attrs, kids);

export const svg = (tag, attrs, ...kids) => fill(document.createElementNS(SVG, tag), attrs, kids);

export const byId = (id) => document.getElementById(id);

/** Writes only what differs, so that a screen reader and a selection are left in peace. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const PATHS = {
  alert: "M12 3 2.5 20h19L12 3zm0 6.5v5M12 17.2v.3",
  check: "M4.5 12.5l5 5 10-11",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 4.5V12l3 2",
  mute: "M4 12h3l2-5 3 11 2-6h1M18 9l4 5m0-5l-4 5",
  wave: "M3 12h4l2.5-7 4 14 2.5-7h5",
  gauge: "M4 18a9 9 0 1 1 16 0M12 14l4-5",
};

/** A 24 by 24 line icon in the colour of the text around it, hidden from screen readers. */
export const icon = (name) =>
  svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );

/** A plain table: heads [{text, num}], rows of cells (text or Node). */
export function table(caption, heads, rows) {
  const cell = (value, index) => el("td", { class: heads[index].num ? "num" : null }, value);
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      { class: "plain" },
      el("caption", { class: "sr" }, caption),
      el("thead", null, el("tr", null, heads.map((head) => el("th", { scope: "col", class: head.num ? "num" : null }, head.text)))),
      el("tbody", null, rows.map((row) => el("tr", null, row.map(cell)))),
    ),
  );
}
