// A month as a table of days, each a button: what stands in a day is given to it.

import { attribute, h, icon, text } from "./dom.js";

const TITLE = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });
const SHORT = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const LONG = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

const MOST_SHOWN = 3; // entries of a day, where there is room for words

/** The first day shown of a month: a Monday. */
export function firstShown(year, month) {
  const first = new Date(year, month, 1);
  return new Date(year, month, 1 - ((first.getDay() + 6) % 7));
}

/** Weeks that a month is shown in, from Monday to Sunday. */
export function weeksOf(year, month) {
  const days = Math.round((new Date(year, month + 1, 1) - firstShown(year, month)) / 86_400_000);
  return Math.ceil(days / 7);
}

/** What is seen of a day, beside the words that are read out of it. */
const seen = (name, words, style = false) => h("span", { class: name, "aria-hidden": "true", "data-style": style }, words);

/** By this, days are told apart. */
export const dayKey = (date) => `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
export const dayName = (date) => LONG.format(date);

/**
 * {node, show(year, month, entries of a day by its key, chosen key)}; choose(date) follows a press, turn(by) the way to
 * another month. An entry is {key, words, style}.
 */
export function calendar(choose, turn) {
  const title = h("h2", { "aria-live": "polite" });
  const go = (by, label, words) => h("button", { class: "button small", type: "button", "aria-label": label, onclick: () => turn(by) }, words);
  const head = h("div", { class: "month-head" }, title, go(-1, "The month before", icon("back")), go(0, "Today", "Today"), go(1, "The next month", icon("next")));
  const names = Array.from({ length: 7 }, (_, at) => h("th", { scope: "col" }, SHORT.format(new Date(2026, 0, 5 + at))));
  const body = h("tbody", {});
  const table = h("table", { class: "month" }, h("thead", {}, h("tr", {}, names)), body);
  const node = h("section", { class: "calendar", "aria-label": "Month" }, head, table);

  function show(year, month, entriesOf, chosen) {
    text(title, TITLE.format(new Date(year, month, 1)));
    const begins = firstShown(year, month);
    const today = dayKey(new Date());
    const focused = document.activeElement?.dataset?.day;
    const rows = Array.from({ length: weeksOf(year, month) }, (_, week) => h("tr", {}, Array.from({ length: 7 }, (_, at) => {
      const date = new Date(begins.getFullYear(), begins.getMonth(), begins.getDate() + week * 7 + at);
      const key = dayKey(date);
      return h("td", {}, dayButton(date, key, entriesOf.get(key) ?? [], { isOther: date.getMonth() !== month, isToday: key === today, isChosen: key === chosen }));
    })));
    body.replaceChildren(...rows);
    if (focused) body.querySelector(`[data-day="${focused}"]`)?.focus();
  }

  function dayButton(date, key, entries, { isOther, isToday, isChosen }) {
    const count = entries.reduce((sum, entry) => sum + entry.count, 0);
    const more = entries.some((entry) => entry.more) ? " or more" : "";
    const label = `${dayName(date)}${count > 0 ? `, ${count}${more} ${count === 1 ? "time" : "times"}` : ""}`;
    const shown = entries.slice(0, entries.length > MOST_SHOWN ? MOST_SHOWN - 1 : MOST_SHOWN);
    const button = h("button", { class: "day-cell", type: "button", "aria-pressed": isChosen ? "true" : "false", onclick: () => choose(date) },
      h("span", { class: "unseen" }, label),
      seen("day-number", String(date.getDate())),
      shown.map((entry) => seen("day-entry", entry.words, entry.style)),
      entries.length > shown.length ? seen("day-more", `+${entries.length - shown.length}`) : null,
      count > 0 ? seen("day-count", more ? `${count}+` : String(count)) : null);
    button.dataset.day = key;
    attribute(button, "data-other", isOther);
    attribute(button, "data-today", isToday);
    attribute(button, "aria-current", isToday ? "date" : false);
    return button;
  }
  return { node, show };
}
