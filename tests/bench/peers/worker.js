// A hub as one would write it for Cloudflare: one Durable Object holds everybody's sessions and the machines' sockets.
// It keeps what it promises: an update is taken once, a command is on disk before it is sent and gone once it was confirmed.

export class Hub {
  constructor(state, env) {
    this.storage = state.storage;
    this.sql = state.storage.sql;
    this.env = env;
    this.machines = new Map();
    this.sql.exec("CREATE TABLE IF NOT EXISTS sessions (session_id TEXT PRIMARY KEY, machine_id TEXT NOT NULL)");
    this.sql.exec("CREATE TABLE IF NOT EXISTS chats (chat_id INTEGER PRIMARY KEY, session_id TEXT NOT NULL)");
    this.sql.exec("CREATE TABLE IF NOT EXISTS updates (update_id INTEGER PRIMARY KEY)");
    this.sql.exec(`CREATE TABLE IF NOT EXISTS commands (id INTEGER PRIMARY KEY AUTOINCREMENT, machine_id TEXT NOT NULL,
      session_id TEXT NOT NULL, command TEXT NOT NULL, chat_id INTEGER NOT NULL, created_at INTEGER NOT NULL)`);
    this.sql.exec("CREATE INDEX IF NOT EXISTS commands_of_machines ON commands (machine_id)");
  }

  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/ws") return this.link(url.searchParams.get("machine"));
    if (url.pathname === "/use") return this.use(await request.json());
    if (request.headers.get("X-Telegram-Bot-Api-Secret-Token") !== this.env.SECRET) return new Response("", { status: 401 });
    return this.take(await request.json());
  }

  use({ chat, session, machine }) {
    this.sql.exec("INSERT OR REPLACE INTO sessions VALUES (?, ?)", session, machine);
    this.sql.exec("INSERT OR REPLACE INTO chats VALUES (?, ?)", chat, session);
    return new Response("ok");
  }

  async take(update) {
    const seen = this.sql.exec("INSERT OR IGNORE INTO updates VALUES (?)", update.update_id);
    if (seen.rowsWritten === 0) return new Response("ok");
    const chat = update.message.chat.id;
    const command = update.message.text;
    const session = this.sql.exec("SELECT session_id FROM chats WHERE chat_id = ?", chat).one().session_id;
    const machine = this.sql.exec("SELECT machine_id FROM sessions WHERE session_id = ?", session).one().machine_id;
    const values = [machine, session, command, chat, Date.now()];
    const { id } = this.sql.exec(`INSERT INTO commands (machine_id, session_id, command, chat_id, created_at)
      VALUES (?, ?, ?, ?, ?) RETURNING id`, ...values).one();
    await this.storage.sync();
    this.machines.get(machine)?.send(JSON.stringify({ id, session, command, chat }));
    return new Response("ok");
  }

  link(machine) {
    const [theirs, ours] = Object.values(new WebSocketPair());
    this.machines.set(machine, ours);
    ours.accept();
    for (const row of this.sql.exec("SELECT * FROM commands WHERE machine_id = ? ORDER BY id", machine)) {
      ours.send(JSON.stringify({ id: row.id, session: row.session_id, command: row.command, chat: row.chat_id }));
    }
    ours.addEventListener("message", ({ data }) => {
      this.sql.exec("DELETE FROM commands WHERE id = ?", JSON.parse(data).id);
    });
    ours.addEventListener("close", () => this.machines.delete(machine));
    return new Response(null, { status: 101, webSocket: theirs });
  }
}

export default {
  fetch(request, env) {
    return env.HUB.get(env.HUB.idFromName("hub")).fetch(request);
  },
};
