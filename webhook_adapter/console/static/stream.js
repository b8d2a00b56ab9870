// What the page follows, as one stream of server-sent events. An answer holds what has changed and ends; the next request
// goes on after the last one that came, whatever happened in between.

import { Refused, refusal } from "./api.js";

const SILENT_MS = 45_000;
const LONGEST_MS = 5_000;
const HIDDEN = "pointsman:hidden";

/**
 * address() and cursor() are asked anew for each request. on(name, data, id) takes what comes, all of it in order, and
 * done() follows each answer. report(failure or null, how many in a row). {again(), stop()}: another address now; no more,
 * settled when the request under way has ended.
 */
export function stream({ address, cursor, on, done, report }) {
  let failures = 0;
  let stopped = false;
  let pause = 100;
  let request = new AbortController();
  let wake = () => {};

  async function once() {
    request = new AbortController();
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(SILENT_MS)]);
    const response = await fetch(address(), { cache: "no-store", signal, headers: { Accept: "text/event-stream", "Last-Event-ID": cursor() } });
    if (!response.ok) throw await refusal(response);
    await readEvents(response.body, (event) => {
      if (event.retry) pause = event.retry;
      if (event.name) on(event.name, JSON.parse(event.data), event.id);
    }, request.signal);
    done();
  }

  async function run() {
    while (!stopped) {
      await visibleOrAlone();
      if (stopped) return;
      const asked = request;
      try {
        await once();
        failures = 0;
        report(null, 0);
        await rest(pause);
      } catch (failure) {
        if (request !== asked && request.signal.aborted) continue; // another address is wanted
        failures += 1;
        report(failure instanceof Refused ? failure : new Refused(0, "OFFLINE", "The console does not answer. Is Pointsman running?"), failures);
        await rest(Math.min(500 * 2 ** failures, LONGEST_MS));
      }
    }
  }

  function rest(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function again() {
    request.abort();
    wake();
  }

  addEventListener("online", () => wake());
  const running = run();
  function stop() {
    stopped = true;
    again();
    return running;
  }
  return { again, stop };
}

/** The blocks of a stream, as they come: {id, name, data, retry}. */
async function readEvents(body, take, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (signal.aborted) throw signal.reason;
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) take(parsed(block));
  }
}

function parsed(block) {
  const event = { id: "", name: "", data: "", retry: 0 };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (field === "event") event.name = value;
    else if (field === "data") event.data += value;
    else if (field === "id") event.id = value;
    else if (field === "retry") event.retry = Number(value);
  }
  return event;
}

let isAlone = false; // this tab has the one place for hidden tabs

/** Browsers have six connections for a place: of all hidden tabs one alone keeps one, where that can be agreed on. */
async function visibleOrAlone() {
  if (!document.hidden || isAlone) return;
  const shown = new Promise((resolve) => document.addEventListener("visibilitychange", () => document.hidden || resolve()));
  if (!navigator.locks) return shown;
  const waiting = new AbortController();
  const held = new Promise((resolve) => {
    navigator.locks.request(HIDDEN, { signal: waiting.signal }, () => {
      isAlone = true;
      resolve();
      return shown.then(() => (isAlone = false));
    }).catch(() => {});
  });
  await Promise.race([held, shown]);
  if (!isAlone) waiting.abort();
}
