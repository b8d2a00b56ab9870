// The head of a session: its name, where it runs, what it does and with what; what can be done to it.

import { newKey, post, wishes } from "./api.js";
import { openAudience } from "./audience.js";
import { dialog } from "./dialog.js";
import { attribute, h, icon, list, text } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { tellUnlessSent } from "./question.js";
import { openScreen } from "./screen.js";
import { needsYou, stateChip } from "./sessions.js";
import { isMuted, mute, mutedUntil } from "./unread.js";
import { sessionName, shortPath } from "./words.js";

export function chatHead(sessionId, conversation) {
  const name = h("h1", {});
  const more = h("span", { class: "head-more" });
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const where = h("span", { class: "where" });
  const facts = h("span", { class: "facts" });
  const state = h("span", { class: "chip" });
  const back = h("a", { class: "button ghost back", href: "#/", "aria-label": "Back to the sessions" }, icon("back"));
  const find = h("a", { class: "button ghost tool-button", href: `#/search/${encodeURIComponent(sessionId)}`, "aria-label": "Search in this session", title: "Search in this session" }, icon("search"));
  const screen = h("button", { class: "button ghost tool-button", type: "button", "aria-label": "Show the terminal", title: "Show the terminal", onclick: () => showScreen() }, icon("screen"));
  const menu = headMenu(sessionId);
  const node = h("header", { class: "head" }, back, h("div", { class: "head-words" }, h("div", { class: "head-name" }, name, state), h("p", { class: "quiet" }, dot, more, where, facts)), h("div", { class: "head-tools" }, find, screen, menu.node));
  let session = null;

  function showScreen() {
    return session && openScreen(session);
  }

  function update(next, away, machine) {
    session = next;
    const { about, usage } = conversation();
    text(name, sessionName(session));
    text(more, [session.distinction, about.title].filter(Boolean).map((one) => `${one} · `).join(""));
    attribute(node, "data-needy", needsYou(session));
    attribute(dot, "data-on", !away);
    text(where, [`${session.machine_id}${away ? " (away)" : ""}`, session.backend, shortPath(session.cwd)].filter(Boolean).join(" · "));
    attribute(where, "title", [session.session_id, session.cwd].filter(Boolean).join(" · "));
    text(facts, factsOf(session, about, usage).map((one) => ` · ${one}`).join(""));
    stateChip(state, session);
    screen.hidden = away || ["command", "headless"].includes(session.backend) || session.state === "ended";
    menu.update(session, away, machine);
  }
  return { node, update, showScreen, close() {} };
}

/** Model, mode, how full its context is, what it cost: as far as its program says so. */
function factsOf(session, about, usage) {
  const context = usage?.contextTokens ? `${thousands(usage.contextTokens)}${usage.contextSize ? ` of ${thousands(usage.contextSize)}` : ""} tokens in use` : "";
  const cost = usage?.costUsd ? `$${usage.costUsd.toFixed(2)}` : "";
  const mode = session.mode || about.mode;
  return [session.model || about.model, mode && mode !== "default" ? mode : "", about.branch, context, cost].filter(Boolean);
}

const thousands = (number) => (number < 1000 ? String(number) : `${Math.round(number / 1000)}k`);

function headMenu(sessionId) {
  const items = h("div", { class: "menu-items", role: "group", "aria-label": "Session" });
  const summary = h("summary", { class: "button ghost tool-button", "aria-label": "More about this session", title: "More" }, icon("more"));
  const node = h("details", { class: "menu" }, summary, items);
  const close = () => (node.open = false);
  const outside = (event) => node.contains(event.target) || close();
  const wish = wishes();
  let current = null;
  node.addEventListener("toggle", () => {
    if (node.open) document.addEventListener("pointerdown", outside);
    else document.removeEventListener("pointerdown", outside);
  });
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    summary.focus();
  });
  const act = (key, label, action, style = "") => ({ key, label, action, style, close });

  /** Until a moment in milliseconds; 0: not at all. */
  function silence(until) {
    mute(sessionId, until);
    toast(until ? "Its words are not counted or read out here any more." : "Its words count again.");
    update(current);
  }

  function muteUntil() {
    const soon = new Date(Date.now() + 2 * 3600_000 - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    const field = h("input", { id: "mute-until", type: "datetime-local", required: true, value: soon });
    return dialog("Mute it until", [h("label", { for: "mute-until" }, "Until"), field], "Mute it", () => {
      const until = new Date(field.value).getTime();
      if (!(until > Date.now())) throw new Error("That moment is over.");
      silence(until);
    });
  }

  function update(session) {
    current = session;
    const alive = session.state !== "ended";
    list(items, [
      ...(alive ? controls(session, act, wish) : []),
      act("rename", "Rename it…", () => rename(session)),
      isMuted(sessionId) && act("unmute", `Unmute it in this browser${mutedUntil(sessionId)}`, () => silence(0)),
      !isMuted(sessionId) && act("mute", "Mute it in this browser", () => silence(Infinity)),
      !isMuted(sessionId) && act("mute-until", "Mute it here until…", muteUntil),
      act("audience", "Who hears of it…", () => openAudience(session)),
      act("copy", "Copy its id", () => navigator.clipboard.writeText(sessionId)),
      alive && session.backend === "headless" && act("end", "End the session…", () => endSession(session), "bad-words"),
    ].filter(Boolean), (item) => item.key, menuItem);
  }
  return { node, update };
}

/** One of the menu: it stays the same button, so that a change behind an open menu takes no focus away. */
function menuItem(item) {
  const node = h("button", { class: `menu-item ${item.style}`, type: "button" });
  let action;
  node.addEventListener("click", async () => {
    item.close();
    await attempt(node, action);
  });
  const update = (next) => {
    text(node, next.label);
    action = next.action;
  };
  return { node, update };
}

/** What its program lets be changed from afar; only what the router names. */
function controls(session, act, wish) {
  const signal = async (name, value) => tellUnlessSent(await wish("control", { session: session.session_id, signal: name, value }));
  const known = session.controls ?? [];
  const isAtDeskAlone = session.backend === "pty" && known.includes("model") && !(session.modes?.length > 0);
  return [
    known.includes("interrupt") && act("interrupt", "Interrupt it", () => signal("interrupt")),
    session.modes?.length > 0 && act("mode", `Mode: ${session.mode || "not known"}…`, () => choose("Mode", session.modes, session.mode, (value) => signal("mode", value))),
    isAtDeskAlone && act("mode", "Mode: at its terminal alone", () => toast("Nobody else sees its screen. Change the mode there, with Shift+Tab.")),
    known.includes("model") && act("model", `Model: ${session.model || "not known"}…`, () => name("Model", session.model, (value) => signal("model", value))),
    known.includes("compact") && act("compact", "Compact its context", () => signal("compact")),
    known.includes("clear") && act("clear", "Clear its context…", async () => (await dialog("Clear the context?", h("p", {}, "It forgets the conversation so far."), "Clear", () => signal("clear"))) && undefined),
  ].filter(Boolean);
}

function choose(label, values, now, act) {
  const select = h("select", { id: "chosen" }, values.map((value) => h("option", { value, selected: value === now }, value)));
  return dialog(label, [h("label", { for: "chosen" }, label), select], "Set", () => act(select.value));
}

function name(label, now, act) {
  const field = h("input", { id: "named", value: now ?? "", required: true, maxlength: "200", autocomplete: "off", spellcheck: "false" });
  return dialog(label, [h("label", { for: "named" }, label), field], "Set", () => act(field.value.trim()));
}

function rename(session) {
  const field = h("input", { id: "new-name", value: session.label, maxlength: "200", autocomplete: "off" });
  const key = newKey();
  const words = h("p", { class: "hint" }, "Everybody sees it so, in every chat. Leave it empty to call it as its machine does.");
  return dialog("Rename the session", [h("label", { for: "new-name" }, "Name"), field, words], "Rename", () => post("rename", { session: session.session_id, name: field.value.trim(), key }));
}

async function endSession(session) {
  const key = newKey();
  const words = h("p", {}, `${sessionName(session)} and its program end; what it is doing now is left undone.`);
  await dialog("End the session?", words, "End it", () => post("end", { session: session.session_id, key }));
}

