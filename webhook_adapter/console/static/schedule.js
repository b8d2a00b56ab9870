// What is to be done later: a month of it, the day that was chosen, and all that waits.

import { get, wishes } from "./api.js";
import { calendar, dayKey, dayName, firstShown, weeksOf } from "./calendar.js";
import { deferSomething, move } from "./deferral.js";
import { dialog } from "./dialog.js";
import { attribute, h, list, text } from "./dom.js";
import { attempt, banner } from "./notices.js";
import { page } from "./pages.js";
import { count, fullName, hover, minute, moment, zone } from "./words.js";

const TASKS = { text: "Written to", reminder: "Reminder", start: "Starts on", continue: "Goes on:" };
const WHY_NO_TIME = { "on return": "when its machine is back", "on rest": "when it is ready", "on reset": "when its usage limit is over" };

export function scheduleView() {
  const make = h("button", { class: "button primary", type: "button", disabled: true, onclick: () => ask() }, "Do something later"); // for what, the overview says
  const month = calendar(choose, turn);
  const dayTitle = h("h2", {});
  const times = h("ol", { class: "cards times" });
  const free = h("p", { class: "nothing" }, "Nothing is planned for this day.");
  const dayPart = h("section", { class: "chosen-day", "aria-live": "polite" }, dayTitle, free, times);
  const nothing = h("p", { class: "nothing" }, "Nothing waits to be done later. A text for a session, a reminder for people or the start of a session can: once, or again and again.");
  const all = h("ul", { class: "cards" });
  const cut = h("p", { class: "hint", hidden: true }, "There is more than can be shown: the end of this month is left out.");
  const allPart = h("section", {}, h("h2", {}, "All that waits"), nothing, all);
  const node = page("Later", "What is to be done at a time, or when something comes", h("p", {}, make), month.node, cut, dayPart, allPart);
  const now = new Date();
  let shownMonth = [now.getFullYear(), now.getMonth()];
  let chosen = now;
  let known = null;
  let found = { occurrences: [], cut: false };
  let overview = null;
  let asked = 0;

  function choose(date) {
    chosen = date;
    render();
  }

  function turn(by) {
    const today = new Date();
    const next = by === 0 ? today : new Date(shownMonth[0], shownMonth[1] + by, 1);
    shownMonth = [next.getFullYear(), next.getMonth()];
    chosen = by === 0 || dayKey(next).startsWith(`${today.getFullYear()}-${today.getMonth() + 1}-`) ? today : next;
    found = { occurrences: [], cut: false };
    render();
    look();
  }

  /** The times of the days that are shown; of two answers the later question counts. */
  async function look() {
    const number = (asked += 1);
    const begins = firstShown(...shownMonth);
    const ends = new Date(begins.getFullYear(), begins.getMonth(), begins.getDate() + 7 * weeksOf(...shownMonth));
    const answer = await get("occurrences", { since: begins / 1000, until: ends / 1000, zone: zone() }).catch((failure) => {
      banner(failure.message);
      return null;
    });
    if (number !== asked || answer === null) return;
    found = answer;
    render();
  }

  async function ask() {
    await deferSomething({ sessions: overview.sessions, machines: overview.machines });
  }

  function take(answer) {
    known = new Map(answer.deferred.map((each) => [each.deferred_id, each]));
    look();
  }

  function nameOf(id) {
    const session = overview?.sessions.find((one) => one.session_id === id);
    return session ? fullName(session) : id;
  }

  function render() {
    if (known === null || overview === null) return;
    const byDay = Map.groupBy(found.occurrences.filter((each) => known.has(each.deferred_id)), (each) => dayKey(new Date(each.at * 1000)));
    month.show(...shownMonth, new Map([...byDay].map(([key, each]) => [key, entries(each)])), dayKey(chosen));
    cut.hidden = !found.cut;
    const today = byDay.get(dayKey(chosen)) ?? [];
    text(dayTitle, dayName(chosen));
    free.hidden = today.length > 0;
    list(times, today.map((each) => ({ ...each, known: known.get(each.deferred_id), nameOf })), (each) => `${each.deferred_id} ${each.at}`, timeRow);
    nothing.hidden = known.size > 0;
    list(all, [...known.values()].map((each) => ({ ...each, nameOf })), (each) => each.deferred_id, deferredCard);
  }

  /** Of a day: each thing once, with its first time. */
  function entries(times) {
    return [...Map.groupBy(times, (each) => each.deferred_id)].map(([id, its]) => {
      const { text: words, task } = known.get(id);
      return { words: `${minute(its[0].at)} ${words}`, style: task, count: its.length, more: its.some((each) => each.more) };
    });
  }

  function update(next) {
    overview = next;
    make.disabled = false;
    render();
  }
  return { node, page: "scheduled", title: () => "Later", load: async () => {}, take, update, focus() {} };
}

/** For whom: "Written to api", "Starts on devbox". */
function purpose({ task, session_id: session, machine_id: machine, nameOf }) {
  return [TASKS[task] ?? "", task === "start" ? machine : session ? nameOf(session) : ""].filter(Boolean).join(" ");
}

function timeRow(item) {
  const words = h("span", {});
  const node = h("li", {}, h("time", { title: hover(item.at) }, minute(item.at)), words);
  const update = ({ known, nameOf, more }) => text(words, `${known.text}${more ? " … and more of it on this day" : ""} · ${purpose({ ...known, nameOf })}`);
  return { node, update };
}

function deferredCard() {
  const what = h("a", { class: "strong" });
  const state = h("span", { class: "chip" });
  const words = h("p", { class: "quoted" });
  const when = h("p", { class: "quiet" });
  const detail = h("p", { class: "bad-words" });
  const pause = h("button", { class: "button small", type: "button" });
  const button = (label, act) => {
    const made = h("button", { class: "button small", type: "button" }, label);
    made.addEventListener("click", () => attempt(made, act));
    return made;
  };
  const wish = wishes();
  const change = (name) => wish("change-deferred", { deferred_id: item.deferred_id, change: name });
  let item = null;
  pause.addEventListener("click", () => attempt(pause, () => change(item.state === "paused" ? "RESUME" : "PAUSE")));
  const back = button("Take it back…", async () => {
    await dialog("Take it back?", h("p", {}, `“${item.text.slice(0, 200)}” is not done any more.`), "Take it back", () => change("CANCEL"));
  });
  const now = button("Do it now", () => change("NOW"));
  const another = button("Move…", () => move(item));
  const node = h("li", { class: "card" }, h("div", { class: "meta" }, what, state), words, when, detail, h("div", { class: "actions" }, pause, another, now, back));
  function update(next) {
    item = next;
    text(what, purpose(next));
    attribute(what, "href", next.session_id ? `#/session/${encodeURIComponent(next.session_id)}` : false);
    text(state, next.state === "paused" ? "Paused" : next.next_at ? moment(next.next_at) : "Waits");
    attribute(state, "data-state", next.state === "paused" ? "waiting" : "idle");
    text(words, next.text);
    const rule = WHY_NO_TIME[next.when] ?? next.when;
    text(when, [next.next_at ? `${rule} (${next.zone})` : rule, next.occurrence > 0 && `done ${count(next.occurrence, "time")} so far`, next.folder].filter(Boolean).join(" · "));
    text(detail, next.detail);
    detail.hidden = next.detail === "";
    text(pause, next.state === "paused" ? "Go on" : "Pause");
    another.hidden = next.task === "continue";
    attribute(node, "data-paused", next.state === "paused");
  }
  return { node, update };
}
