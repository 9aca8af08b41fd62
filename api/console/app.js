// The console: reads the plants, keeps them live by the stream, and draws every part again when something changed.

import { activeBySite, bindAlerts, onAlerts, refreshAlerts, renderAlerts, takeAlert } from "./alerts.js";
import { byId, say } from "./dom.js";
import { guard, signedIn } from "./guard.js";
import { heardHealth, heardState, refreshHealth, renderClock, renderHealth, renderLive } from "./head.js";
import { may, refreshMe, renderMe } from "./identity.js";
import { t, toggle, writeTexts } from "./lang.js";
import { openMeter, refreshPanel, showPanel } from "./meter_panel.js";
import { bindMeters, renderMeters, tickMeters } from "./meters.js";
import { keyOf, load, meters, sites, take, tree } from "./plant.js";
import { refreshPue, renderPue, renderRanges } from "./pue.js";
import { refreshQuarantine, renderQuarantine } from "./quarantine.js";
import { bindSignIn } from "./sign_in.js";
import { follow } from "./stream.js";
import { refreshToday, renderTiles, tickTiles } from "./tiles.js";

const SECOND = 1000;
let following = false;
let loading = null;

const drawTiles = () => renderTiles(activeBySite());

function drawAll() {
  say(byId("lang"), t("other.language"));
  renderHealth();
  renderLive();
  renderClock();
  renderMe();
  renderRanges();
  renderAlerts();
  renderPue(true);
  renderMeters();
  renderQuarantine();
}

/** Sites and meters, drawn; asked for again when the stream names a meter that is not known. */
function loadPlants() {
  loading ??= guard(async () => {
    await refreshMe();
    await load();
    signedIn();
    renderMe();
    drawTiles();
    renderMeters();
  }).finally(() => setTimeout(() => (loading = null), 5 * SECOND));
  return loading;
}

const refreshFigures = () =>
  Promise.all([
    guard(refreshToday).then(drawTiles),
    guard(refreshPue).then(() => {
      renderPue();
      drawTiles();
    }),
    may("intake") && guard(refreshQuarantine).then(renderQuarantine),
    guard(refreshAlerts),
  ]);

function takeReadings(readings) {
  const strangers = readings.filter((reading) => !take(reading));
  tickMeters(readings.map((reading) => keyOf(reading.site, reading.meter)));
  tickTiles();
  if (strangers.length) loadPlants();
}

function startStream() {
  if (following) return;
  following = true;
  follow({
    readings: takeReadings,
    alert: takeAlert,
    health: heardHealth,
    state: (state, first) => {
      heardState(state);
      // The line also goes down because the session has ended; the answer to this says so.
      if (state === "down") guard(refreshMe);
      // What happened while the line was down is read once it is back.
      if (state === "open" && !first) Promise.all([loadPlants(), refreshHealth(), refreshFigures()]);
    },
  });
}

/** On a wide page a first meter is open, so that the panel explains itself. */
function openFirst() {
  const first = [...sites.values()].map((site) => tree(site.id)[0]?.[0]).find(Boolean);
  if (!openMeter() && first && matchMedia("(min-width: 1100px)").matches) showPanel(keyOf(first.site, first.id));
  renderMeters();
}

async function start() {
  await refreshHealth();
  if (!(await loadPlants())) return;
  renderQuarantine();
  startStream();
  await refreshFigures();
  openFirst();
  document.documentElement.dataset.ready = "true";
}

writeTexts();
drawAll();
onAlerts(drawTiles);
bindAlerts();
bindMeters();
byId("lang").addEventListener("click", () => {
  toggle();
  drawAll();
});
bindSignIn();
setInterval(renderClock, SECOND);
setInterval(() => {
  tickMeters();
  if (meters.size) tickTiles();
}, SECOND);
setInterval(refreshHealth, 15 * SECOND);
setInterval(() => following && refreshFigures(), 60 * SECOND);
setInterval(() => following && refreshPanel(), 300 * SECOND);
setInterval(() => following || (byId("signin").hidden && start()), 10 * SECOND);
start();
