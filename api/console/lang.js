// The language of the page: Chinese or English, remembered, and the texts in it.

import { en } from "./texts.en.js";
import { zh } from "./texts.zh.js";

const TEXTS = { zh, en };
const KEY = "carbonwatch.lang";

function first() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked in TEXTS) return remember(asked);
  try {
    const kept = localStorage.getItem(KEY);
    if (kept in TEXTS) return kept;
  } catch (error) {
    console.info("no storage for the language", error.name);
  }
  return (navigator.language || "zh").toLowerCase().startsWith("zh") ? "zh" : "en";
}

function remember(code) {
  try {
    localStorage.setItem(KEY, code);
  } catch (error) {
    console.info("no storage for the language", error.name);
  }
  return code;
}

let code = first();

/** "zh" or "en". */
export const lang = () => code;

/** The BCP 47 tag for Intl. */
export const locale = () => (code === "zh" ? "zh-CN" : "en-GB");

/** Text of a key with {name} replaced; the key itself where there is no text. */
export function t(key, values = {}) {
  const text = TEXTS[code][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export const has = (key) => key in TEXTS[code];

/** A thing's name in the language of the page, else whatever names it. */
export function nameOf(thing) {
  const name = thing[`name_${code}`] || thing.name_zh || thing.name_en || thing.id;
  return code === "en" ? name.charAt(0).toUpperCase() + name.slice(1) : name;
}

/** Puts the texts into the page's fixed elements. */
export function writeTexts() {
  document.documentElement.lang = code === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
}

export function toggle() {
  code = remember(code === "zh" ? "en" : "zh");
  const url = new URL(location.href);
  if (url.searchParams.has("lang")) {
    url.searchParams.delete("lang");
    history.replaceState(null, "", url);
  }
  writeTexts();
}
