// Files for a session: chosen, dropped, pasted or taken with a camera; handed in by parts, then named by a message.

import { newKey, post, postPart } from "./api.js";
import { attribute, h, list, text } from "./dom.js";
import { toast } from "./notices.js";
import { bytes } from "./words.js";

const PART = 512 * 1024;
const MOST = 20 * 1024 * 1024;
const TRIES = 4;
const waiting = new Map(); // by session, what is on its way: leaving a chat loses nothing
const listeners = new Map(); // by session, what shows that now

/** {node, button, take(files)}: what is on its way stands in node. caption() gives the words for the first file. */
export function uploads(sessionId, caption) {
  const node = h("ul", { class: "uploads", "aria-label": "Files on their way" });
  const pick = (more) => h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", ...more });
  const files = pick({});
  const photos = pick({ accept: "image/*", capture: "environment" });
  for (const input of [files, photos]) {
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = "";
    });
  }
  const rows = () => waiting.get(sessionId) ?? [];
  const show = () => listeners.get(sessionId)();
  listeners.set(sessionId, () => {
    list(node, rows(), (row) => row.key, uploadRow);
    node.hidden = rows().length === 0;
  });

  function take(chosen) {
    for (const file of chosen) {
      if (file.size > MOST) toast(`${file.name} has ${bytes(file.size)}: at most 20 MB can be sent.`, { bad: true });
      else if (file.size === 0) toast(`${file.name} is empty.`, { bad: true });
      else begin(file);
    }
  }

  function begin(file) {
    const row = { key: newKey(), name: file.name || "picture.png", size: file.size, done: 0, failure: "", words: caption() };
    row.again = () => send(row, file);
    row.discard = () => leave(row);
    waiting.set(sessionId, [...rows(), row]);
    send(row, file);
  }

  async function send(row, file) {
    row.failure = "";
    show();
    try {
      for (let number = 0; number * PART < file.size; number += 1) {
        await patiently(() => postPart(row.key, number, file.slice(number * PART, (number + 1) * PART)));
        row.done = Math.min(file.size, (number + 1) * PART);
        show();
      }
      const told = await post("send", { session: sessionId, text: row.words, key: row.key, file: { key: row.key, name: row.name, size: file.size } });
      if (told.command_id === "" && told.answer) toast(told.answer);
      leave(row);
    } catch (failure) {
      row.failure = failure.message;
      show();
    }
  }

  function leave(row) {
    waiting.set(sessionId, rows().filter((other) => other !== row));
    show();
  }
  show();
  return { node, inputs: [files, photos], choose: () => files.click(), photograph: () => photos.click(), take };
}

/** Again while the way is blocked: a part that comes twice is one. */
async function patiently(action) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await action();
    } catch (failure) {
      if (!failure.passing || tries === TRIES) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
    }
  }
}

function uploadRow(item) {
  const words = h("span", { class: "upload-words" });
  const bar = h("progress", { max: item.size, "aria-label": `Sending ${item.name}` });
  const again = h("button", { class: "button small", type: "button", onclick: item.again }, "Try again");
  const discard = h("button", { class: "button small ghost", type: "button", onclick: item.discard }, "Discard");
  const node = h("li", {}, words, bar, again, discard);
  function update({ name, size, done, failure }) {
    attribute(node, "data-failed", failure !== "");
    text(words, failure ? `${name}: ${failure}` : `${name}, ${bytes(size)}`);
    bar.value = done;
    bar.hidden = failure !== "";
    again.hidden = discard.hidden = failure === "";
  }
  return { node, update };
}
