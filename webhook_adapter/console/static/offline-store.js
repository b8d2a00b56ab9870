// What this browser keeps for itself: what was written while there was no line, the last state, who it is. The service
// worker, the pages and the offline page share it. A plain script, as workers are in every browser.

const DATABASE = "pointsman";
const QUEUE = "queue";
const FACTS = "facts";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(QUEUE, { keyPath: "number", autoIncrement: true });
      request.result.createObjectStore(FACTS);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Runs work(store), which gives a request, in one transaction; settled when that is on disk. */
async function within(name, mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(name, mode, { durability: "strict" });
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

globalThis.kept = {
  get: (name) => within(FACTS, "readonly", (store) => store.get(name)),
  put: (name, value) => within(FACTS, "readwrite", (store) => store.put(value, name)),
  remove: (name) => within(FACTS, "readwrite", (store) => store.delete(name)),

  /** What was written and is not handed in, the oldest first: {number, key, path, body, who, at, tried, refused}. */
  queue: () => within(QUEUE, "readonly", (store) => store.getAll()),
  /** Puts it at the end; again, by its key, is once. */
  async enqueue(item) {
    const known = (await kept.queue()).find((one) => one.key === item.key);
    return known ?? { ...item, number: await within(QUEUE, "readwrite", (store) => store.add(item)) };
  },
  change: (item) => within(QUEUE, "readwrite", (store) => store.put(item)),
  discard: (number) => within(QUEUE, "readwrite", (store) => store.delete(number)),

  /** Nothing is left of whoever was logged in here. */
  async wipe() {
    for (const name of [QUEUE, FACTS]) await within(name, "readwrite", (store) => store.clear());
  },
};
