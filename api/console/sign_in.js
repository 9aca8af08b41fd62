// Signing in with name and password, and signing out; the page is loaded anew after both, so that nobody's data stays in it.

import { byId, say } from "./dom.js";
import { guard } from "./guard.js";
import { t } from "./lang.js";
import { post, Refused, remove } from "./net.js";

function why(error) {
  if (!(error instanceof Refused)) return t("unreachable");
  if (error.status === 401) return t("signin.wrong");
  if (error.status === 429 && error.wait) return t("signin.slow", { n: error.wait });
  return t("failed", { why: error.message });
}

async function signIn() {
  const [name, password] = [byId("signin-name"), byId("signin-password")];
  const go = byId("signin-go");
  go.disabled = true;
  byId("signin-error").hidden = true;
  try {
    await post("/sessions", { name: name.value.trim(), password: password.value });
    location.replace(location.pathname);
  } catch (error) {
    say(byId("signin-error"), why(error));
    byId("signin-error").hidden = false;
    password.value = "";
    password.focus();
    if (!(error instanceof Refused)) console.warn(error);
  } finally {
    go.disabled = false;
  }
}

const signOut = () =>
  guard(async () => {
    await remove("/sessions/current");
    location.replace(location.pathname);
  });

/** A click elsewhere, or Escape, closes what the bar has opened. */
function bindPopovers() {
  const all = document.querySelectorAll(".topbar details");
  document.addEventListener("click", ({ target }) => all.forEach((one) => one.contains(target) || one.removeAttribute("open")));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && all.forEach((one) => one.removeAttribute("open")));
}

export function bindSignIn() {
  byId("signin-spent").hidden = new URLSearchParams(location.search).get("link") !== "spent";
  byId("signin-form").addEventListener("submit", (event) => {
    event.preventDefault();
    signIn();
  });
  byId("again").addEventListener("click", () => location.replace(location.pathname));
  byId("sign-out").addEventListener("click", signOut);
  bindPopovers();
}
