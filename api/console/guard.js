// What the page does when a request fails: the sign-in card for 401, else one line that goes away with the next success.

import { byId, say } from "./dom.js";
import { t } from "./lang.js";
import { Refused } from "./net.js";

/** Runs an async task; true when it succeeded. A fault of the page itself is not hidden. */
export async function guard(task) {
  try {
    await task();
    byId("notice").hidden = true;
    return true;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) signIn();
    else if (error instanceof Refused || error instanceof TypeError) tell(error);
    if (!(error instanceof Refused)) console.warn(error);
    return false;
  }
}

function tell(error) {
  const text = error instanceof Refused ? t("failed", { why: error.message }) : t("unreachable");
  say(byId("notice"), text);
  byId("notice").hidden = false;
}

function signIn() {
  if (!byId("signin").hidden) return;
  for (const id of ["room", "foot", "me"]) byId(id).hidden = true;
  byId("signin").hidden = false;
  byId("signin-name").focus({ preventScroll: true });
}

export function signedIn() {
  byId("signin").hidden = true;
  byId("room").hidden = false;
  byId("foot").hidden = false;
}
