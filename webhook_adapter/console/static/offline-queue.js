// What was written here and is not handed in yet, shown as waiting, on the page and on the offline page.

const short = (text) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A list that follows the queue; hidden while nothing waits. Of what somebody else wrote here it shows only how much. */
export function waitingList(person) {
  const title = element("h2", { id: "waiting-title" });
  const rows = element("ul", {});
  const node = element("section", { class: "waiting", "aria-labelledby": "waiting-title" }, title, rows);
  node.hidden = true;

  async function look() {
    const all = await kept.queue();
    const mine = all.filter((item) => item.who === person);
    const others = all.length - mine.length;
    node.hidden = all.length === 0;
    title.textContent = mine.length === 1 ? "1 text waits to be sent" : `${mine.length} texts wait to be sent`;
    rows.replaceChildren(...mine.map((item) => row(item, look)));
    if (others > 0) rows.append(element("li", {}, `${others} of somebody else, for when they log in.`));
  }

  navigator.serviceWorker?.addEventListener("message", (event) => event.data === "queue" && look());
  look();
  return node;
}

function row(item, look) {
  const discard = element("button", { class: "button small", type: "button", "aria-label": `Discard: ${short(item.body.text ?? "")}` }, "Discard");
  discard.addEventListener("click", async () => {
    await kept.discard(item.number);
    await look();
  });
  const fate = item.refused || "Waits for the line.";
  return element("li", {}, element("span", { class: "waiting-text" }, short(item.body.text ?? "")), element("span", { class: "waiting-fate" }, fate), discard);
}
