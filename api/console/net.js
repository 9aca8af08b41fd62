// The API as the console uses it: lists read to their end, problems as errors, writes marked as ours.

import { learnClock } from "./figures.js";

const BASE = "/api/v1";
const PAGES = 40;

/** A refusal of the API; status 401 means that this browser has no valid session; `wait`: seconds until it may ask again. */
export class Refused extends Error {
  constructor(status, problem, wait = null) {
    super(problem?.detail || problem?.title || `HTTP ${status}`);
    this.status = status;
    this.wait = Number(wait) || null;
  }
}

async function call(path, options) {
  const answer = await fetch(BASE + path, { credentials: "same-origin", cache: "no-store", ...options });
  learnClock(answer.headers.get("Date"));
  const body = await answer.json().catch(() => null);
  return { answer, body };
}

function query(path, params) {
  const kept = Object.entries(params ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return kept.length ? `${path}?${new URLSearchParams(kept.map(([key, value]) => [key, String(value)]))}` : path;
}

export async function get(path, params) {
  const { answer, body } = await call(query(path, params));
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

/** The first page with the items of every later page in it. */
export async function getAll(path, params) {
  const whole = await get(path, params);
  for (let page = whole, turn = 1; page.next && turn < PAGES; turn += 1) {
    page = await get(path, { ...params, cursor: page.next });
    whole.items.push(...page.items);
  }
  return whole;
}

/** Health answers 503 with a body that says why: that is an answer, not a failure. */
export async function getHealth() {
  const { answer, body } = await call("/health");
  if (!body?.status) throw new Refused(answer.status, body);
  return body;
}

export async function post(path, body) {
  const { answer, body: result } = await call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Carbonwatch": "1" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Refused(answer.status, result, answer.headers.get("Retry-After"));
  return result;
}

export async function remove(path) {
  const { answer, body } = await call(path, { method: "DELETE", headers: { "X-Carbonwatch": "1" } });
  if (!answer.ok) throw new Refused(answer.status, body);
}

/** Time for the query string. */
export const stamp = (at) => new Date(at).toISOString();
