// Who hears of a session, and how a person is asked again who does not answer.

import { get, newKey, post } from "./api.js";
import { dialog } from "./dialog.js";
import { h, list, text } from "./dom.js";
import { announce, attempt } from "./notices.js";
import { page } from "./pages.js";
import { sessionName } from "./words.js";

const PLATFORMS = { telegram: "Telegram", mail: "E-mail", web: "This console", push: "A browser that takes pushes" };
const CONCERNS = {
  failed: "What I sent ended badly",
  finished: "A session's turn is over",
  said: "A session says something else",
  limited: "A session is at its usage limit",
  ended: "A session has ended",
  "machine-lost": "Nothing is heard of a machine for five minutes",
};
const placeName = ({ transport, chat_id: id }) => [PLATFORMS[transport] ?? transport, ["web", "push"].includes(transport) ? "" : id].filter(Boolean).join(" · ");
const placeKey = ({ transport, chat_id: id }) => `${transport} ${id}`;

/** Which chats hear of a session; each can be let in, or out. */
export async function openAudience(session) {
  const heard = h("ul", { class: "cards audience", "aria-label": "They hear of it" });
  const others = h("ul", { class: "cards audience", "aria-label": "They do not" });
  const none = h("p", { class: "hint" }, "All chats that want messages hear of it.");
  const trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
  const content = [h("p", { class: "hint" }, `What ${sessionName(session)} says and asks goes to these, and the console shows it to all.`), heard, h("h3", {}, "Others"), others, none, trouble];
  const known = await get("audience", { session: session.session_id });

  function show({ audience, others: rest }) {
    list(heard, audience, placeKey, (chat) => row(chat, false));
    list(others, rest, placeKey, (chat) => row(chat, true));
    none.hidden = rest.length > 0;
  }

  function row(chat, follows) {
    const name = placeName(chat);
    const button = h("button", { class: "button small", type: "button", "aria-label": `${follows ? "Let it hear" : "Leave it out"}: ${name}` }, follows ? "Let it hear" : "Leave it out");
    const key = newKey();
    button.addEventListener("click", () => attempt(button, async () => {
      trouble.hidden = true;
      try {
        show(await post("follow", { key, session: session.session_id, chat: { transport: chat.transport, chat_id: chat.chat_id }, follows }));
        announce(follows ? `${name} hears of it now.` : `${name} does not hear of it any more.`);
      } catch (failure) {
        text(trouble, failure.message);
        trouble.hidden = false;
      }
    }));
    const node = h("li", { class: "card setting" }, h("span", { class: "place" }, name), ["web", "push"].includes(chat.transport) ? null : button);
    return { node, update() {} };
  }

  show(known);
  return dialog("Who hears of it", content, "");
}

/** How whoever is here is asked again, and what comes by itself each day. */
export function ladderView() {
  const field = h("input", { id: "ladder", maxlength: "200", autocomplete: "off", spellcheck: "false", required: true, disabled: true, "aria-describedby": "ladder-how" });
  const how = h("p", { class: "hint", id: "ladder-how" }, "When, and where: 15m again, 30m mail. With ! in quiet hours, too; off asks once, everywhere.");
  const boxes = Object.entries(CONCERNS).map(([name, words]) => {
    const box = h("input", { type: "checkbox", value: name, disabled: true });
    return { box, node: h("label", { class: "check" }, box, words) };
  });
  const save = h("button", { class: "button primary", type: "submit", disabled: true }, "Keep it");
  const trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
  const form = h("form", { class: "card ladder" },
    h("label", { for: "ladder" }, "Your ladder"), field, how,
    h("fieldset", {}, h("legend", {}, "Also ask me again about"), boxes.map((each) => each.node)), trouble, h("div", { class: "actions" }, save));
  const rows = h("ul", { class: "cards summaries" });
  const told = h("p", { class: "nothing", role: "status" }, "Looking…");
  const node = page("Asked again", "How you are reached when you do not answer", form, h("h2", {}, "A summary each day"), told, rows);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(save, async () => {
      trouble.hidden = true;
      const wanted = boxes.filter((each) => each.box.checked).map((each) => each.box.value);
      try {
        take(await post("ladder", { ladder: field.value.trim(), concerns: wanted.join(",") || "none" }));
        announce("Kept.");
      } catch (failure) {
        text(trouble, failure.message);
        trouble.hidden = false;
      }
    });
  });

  function take({ ladder, concerns }) {
    field.value = ladder;
    const wanted = concerns.split(", ");
    for (const { box } of boxes) box.checked = wanted.includes(box.value);
    for (const one of [field, save, ...boxes.map((each) => each.box)]) one.disabled = false;
  }

  async function load() {
    const known = await get("ladder");
    if (save.disabled) take(known); // what somebody has begun to change stays
    text(told, "No chat wants messages yet.");
    told.hidden = known.summaries.length > 0;
    list(rows, known.summaries, placeKey, summaryRow);
  }
  return { node, title: () => "Asked again", load, update() {}, focus: () => field.focus() };
}

function summaryRow(chat) {
  const name = placeName(chat);
  const at = h("input", { type: "time", required: true, "aria-label": `At: ${name}`, value: timeOf(chat.at) || "08:00" });
  const set = h("button", { class: "button small", type: "submit" }, "Tell it then");
  const off = h("button", { class: "button small", type: "button", "aria-label": `No more: ${name}` }, "No more");
  const state = h("span", { class: "quiet" });
  const form = h("form", { class: "actions" }, at, set, off);
  const change = (button, wanted) => attempt(button, async () => show((await post("summary", { key: newKey(), chat: { transport: chat.transport, chat_id: chat.chat_id }, at: wanted })).at));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change(set, at.value);
  });
  off.addEventListener("click", () => change(off, "off"));
  function show(when) {
    text(state, when ? `Comes ${when}.` : "None comes.");
    off.hidden = !when;
  }
  const node = h("li", { class: "card setting" }, h("div", {}, h("h3", {}, name), state), form);
  return { node, update: ({ at: when }) => show(when) };
}

const timeOf = (when) => /(\d{1,2}:\d\d)$/.exec(when)?.[1].padStart(5, "0") ?? "";
