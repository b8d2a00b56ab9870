// A long list of which only what is near the eye is there: rows stand in chunks, and a chunk that is far is an empty box of
// the height that it had.

import { clear, h, list } from "./dom.js";

const SIZE = 30; // rows
const NEAR = "1500px 0px";
const GUESS = 64; // pixels of a row that was never shown

/** {node, update(items), reveal(key)}; as list() of dom.js, but that rows which are far away are forgotten. */
export function windowed(scroller, keyOf, make) {
  const node = h("div", { class: "messages" });
  const chunkOf = new Map();
  const chunks = new WeakMap();
  let made = 0;
  const anchors = CSS.supports("overflow-anchor", "auto");
  const eye = new IntersectionObserver(look, { root: scroller, rootMargin: NEAR });

  function look(seen) {
    const turned = seen.filter(({ target, isIntersecting }) => chunks.get(target).isNear !== isIntersecting && (isIntersecting || !target.contains(document.activeElement)));
    // All are measured before any is changed: behind each change, measuring lays out the page anew.
    const heights = turned.map(({ target }) => target.offsetHeight);
    turned.forEach(({ target, isIntersecting }, index) => {
      const chunk = chunks.get(target);
      chunk.isNear = isIntersecting;
      chunk.show(heights[index]);
      // Where the browser keeps no place in what is read, it is kept here.
      if (!anchors && target.offsetTop < scroller.scrollTop) scroller.scrollTop += target.offsetHeight - heights[index];
    });
  }

  function makeChunk() {
    const rows = h("ol", { class: "chunk", role: "list" });
    const chunk = { id: (made += 1), isNear: false, items: [], node: rows };
    chunk.show = (height) => {
      if (chunk.isNear) {
        rows.style.height = "";
        list(rows, chunk.items, keyOf, make);
      } else {
        rows.style.height = `${rows.childElementCount > 0 ? (height ?? rows.offsetHeight) : chunk.items.length * GUESS}px`;
        clear(rows);
      }
    };
    chunks.set(rows, chunk);
    return chunk;
  }

  /** Runs of items, each in the chunk that it had; new ones fill the chunk before them. */
  function grouped(items) {
    const groups = [];
    const closed = new Set();
    let group = null;
    for (const item of items) {
      const key = keyOf(item);
      const known = chunkOf.get(key);
      if (known && known !== group?.chunk && !closed.has(known)) {
        if (group) closed.add(group.chunk);
        group = { chunk: known, items: [] };
        groups.push(group);
      } else if (!group || (known !== group.chunk && group.items.length >= SIZE)) {
        if (group) closed.add(group.chunk);
        group = { chunk: makeChunk(), items: [] };
        groups.push(group);
      }
      group.items.push(item);
      chunkOf.set(key, group.chunk);
    }
    return groups;
  }

  function update(items) {
    const groups = grouped(items);
    if (chunkOf.size > items.length * 2 + 100) keepOnly(new Set(items.map(keyOf)));
    list(node, groups, (group) => group.chunk.id, ({ chunk }) => {
      eye.observe(chunk.node);
      return { node: chunk.node, update() {} };
    });
    groups.forEach(({ chunk, items: rows }, index) => {
      const isNew = chunk.items.length === 0;
      chunk.items = rows;
      // The newest are there at once: nobody sees an empty box first.
      if (isNew && index >= groups.length - 2) chunk.isNear = true;
      if (chunk.isNear || isNew) chunk.show();
    });
  }

  function keepOnly(keys) {
    for (const key of chunkOf.keys()) if (!keys.has(key)) chunkOf.delete(key);
  }

  /** Shows the row of a key, and gives its node; null where there is none. */
  function reveal(key) {
    const chunk = chunkOf.get(key);
    if (!chunk?.node.isConnected) return null;
    chunk.isNear = true;
    chunk.show();
    const index = chunk.items.findIndex((item) => keyOf(item) === key);
    return chunk.node.children[index] ?? null;
  }

  return { node, update, reveal };
}
