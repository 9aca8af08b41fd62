// The live stream: reconnects by itself and says when it is down and when it is back.

const WAITS = [1000, 2000, 5000, 10000];
const QUIET = 90000;

/** handlers: {readings, alert, health, state("open" | "down", first)}; data arrive as parsed JSON. */
export function follow(handlers) {
  let source = null;
  let tries = 0;
  let opened = false;
  let timer = null;
  let heard = Date.now();
  let last = ""; // the newest event's id: where the next connection goes on

  function retry() {
    source.close();
    handlers.state("down", false);
    clearTimeout(timer);
    timer = setTimeout(open, WAITS[Math.min(tries, WAITS.length - 1)]);
    tries += 1;
  }

  function open() {
    heard = Date.now();
    source = new EventSource(last ? `/api/v1/stream?after=${encodeURIComponent(last)}` : "/api/v1/stream");
    source.onopen = () => {
      tries = 0;
      heard = Date.now();
      handlers.state("open", !opened);
      opened = true;
    };
    source.onerror = retry;
    for (const name of ["readings", "alert", "health"]) {
      source.addEventListener(name, (event) => {
        heard = Date.now();
        last = event.lastEventId || last;
        handlers[name](JSON.parse(event.data));
      });
    }
  }

  open();
  // A laptop that slept can keep a dead connection that never reports an error.
  setInterval(() => {
    if (source.readyState === EventSource.OPEN && Date.now() - heard > QUIET) retry();
  }, 15000);
}
