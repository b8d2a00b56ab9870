// Asking again and again: each second while someone looks, rarely otherwise, ever more slowly while it fails.

const VISIBLE_MS = 1000;
const HIDDEN_MS = 15_000;
const LONGEST_MS = 15_000;

/** Calls tick() for ever. The function it gives asks at once; report(failure or null, milliseconds) follows each time. */
export function live(tick, report) {
  let timer;
  let failures = 0;
  let running = false;
  let again = false;

  async function run() {
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    let failure = null;
    try {
      await tick();
      failures = 0;
    } catch (error) {
      failure = error;
      failures += 1;
    }
    running = false;
    const wait = pause();
    report(failure, wait);
    timer = setTimeout(run, wait);
    again = false;
  }

  function pause() {
    if (again && failures === 0) return 0;
    if (failures > 0) return Math.min(VISIBLE_MS * 2 ** failures, LONGEST_MS);
    return document.hidden ? HIDDEN_MS : VISIBLE_MS;
  }

  document.addEventListener("visibilitychange", () => document.hidden || run());
  addEventListener("online", run);
  run();
  return run;
}
