// Asking again and again: each second while someone looks, rarely otherwise, ever more slowly while it fails.

const VISIBLE_MS = 1000;
const HIDDEN_MS = 15_000;
const LONGEST_MS = 5_000;

/**
 * Calls tick() again and again; report(failure or null, how many in a row) follows.
 * {poke(), stop()}: at once; no more, settled when the call under way has ended.
 */
export function live(tick, report) {
  let timer;
  let failures = 0;
  let running = false;
  let again = false;
  let stopped = false;
  let current = Promise.resolve();

  async function run() {
    clearTimeout(timer);
    if (stopped) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    let failure = null;
    try {
      current = tick();
      await current;
      failures = 0;
    } catch (error) {
      failure = error;
      failures += 1;
    }
    running = false;
    if (stopped) return;
    report(failure, failures);
    timer = setTimeout(run, pause());
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
  function stop() {
    stopped = true;
    return current.catch(() => {});
  }

  return { poke: run, stop };
}
