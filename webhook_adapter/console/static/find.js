// Search over what was said; a result opens its session at that place.

import { get } from "./api.js";
import { attribute, h, text } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { page } from "./pages.js";
import { clock, day, fullName, hover } from "./words.js";

const WHO = { USER: "You", ASSISTANT: "Agent", SYSTEM: "Program" };
const last = { words: "", session: "" };

/** `within`: a session that is searched alone, empty for all. */
export function findView(within) {
  const field = h("input", { id: "search-words", type: "search", maxlength: "256", required: true, autocomplete: "off", enterkeyhint: "search", placeholder: "Whole words, in any order", "aria-label": "Words to search" });
  const submit = h("button", { class: "button primary", type: "submit" }, "Search");
  const where = h("select", { "aria-label": "Where to search" });
  const form = h("form", { class: "trace-form search-form", role: "search" }, field, where, submit);
  const told = h("p", { class: "nothing", role: "status" }, "What people, agents and programs said is found by its words.");
  const hits = h("ol", { class: "cards hits", role: "list" });
  const more = h("button", { class: "button small", type: "button", hidden: true }, "Older ones");
  const node = page("Search", "Over what was said in all sessions", form, told, hits, more);
  let sessions = [];
  let before = 0;
  let asked = 0;
  let wanted = within || (last.session && !within ? last.session : "");

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  more.addEventListener("click", () => attempt(more, look));

  /** Of two searches the later one counts, however slow the first was. */
  function begin() {
    hits.replaceChildren();
    more.hidden = true;
    before = 0;
    last.words = field.value.trim();
    last.session = sessions.length > 0 ? where.value : wanted;
    look().catch((failure) => toast(failure.message, { bad: true }));
  }

  async function look() {
    const number = (asked += 1);
    text(told, "Looking…");
    told.hidden = hits.children.length > 0;
    const found = await get("search", { words: last.words, session: last.session, before }).catch((failure) => {
      if (number === asked) text(told, failure.message);
      throw failure;
    });
    if (number !== asked) return;
    hits.append(...found.hits.map(hitRow));
    before = found.before;
    more.hidden = before === 0;
    told.hidden = hits.children.length > 0;
    text(told, before ? "Nothing in the newest; look at older ones." : "Nothing was said with all of these words.");
  }

  function hitRow(hit) {
    const session = sessions.find((one) => one.session_id === hit.session_id);
    const at = hit.at && h("time", { class: "quiet", title: hover(hit.at) }, `${day(hit.at)}, ${clock(hit.at)}`);
    const words = h("p", { class: "snippet" }, hit.snippet.map((part) => (part.is_hit ? h("mark", {}, part.text) : part.text)));
    const to = h("a", { class: "card hit", href: `#/session/${encodeURIComponent(hit.session_id)}/${hit.seq}` }, h("div", { class: "meta" }, h("span", { class: "strong" }, session ? fullName(session) : hit.session_id), h("span", { class: "quiet" }, WHO[hit.by] ?? ""), at), words);
    return h("li", {}, to);
  }

  function update(overview) {
    if (sessions.length === 0) {
      const options = overview.sessions.map((one) => h("option", { value: one.session_id }, fullName(one)));
      where.replaceChildren(h("option", { value: "" }, "All sessions"), ...options);
      where.value = overview.sessions.some((one) => one.session_id === wanted) ? wanted : "";
      if (last.words && !within) {
        field.value = last.words;
        sessions = overview.sessions;
        begin();
      }
    }
    sessions = overview.sessions;
    attribute(where, "title", where.selectedOptions[0]?.textContent ?? false);
  }
  return { node, title: () => "Search", load: async () => {}, update, focus: () => field.focus() };
}
