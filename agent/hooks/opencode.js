// Pointsman's plugin for OpenCode: hands events to the agent of this machine, and carries out what that asks of OpenCode.
// It runs in OpenCode's own process, and opens no port. Without an agent it looks for one once in a while, in silence.
import fs from "node:fs"
import net from "node:net"
import path from "node:path"

const SOCKET = "@SOCKET@"
const AGAIN = 1000 // ms between looks for an agent
const LONGEST = 900_000 // characters of a line: the agent takes 1 MiB
const LONGEST_TEXT = 100_000
const TOLD = /^(session\.(created|updated|status|idle|error|deleted)|message\.(updated|part\.updated)|permission\.|question\.|todo\.)/

// There a loop with nothing but what is unreferenced sleeps for good; elsewhere the program is to end by itself.
const IN_WINDOW = /tui/.test(process.argv[1] ?? "")

// Another account could have made it first, and would be given prompts and answers.
const isOurs = (place) => {
  const { uid, mode } = fs.lstatSync(place)
  return uid === process.getuid() && (mode & 0o022) === 0
}

const short = (key, value) => (typeof value === "string" && value.length > LONGEST_TEXT ? value.slice(0, LONGEST_TEXT) : value)

export const Pointsman = async ({ client }) => {
  let connection = null
  let shown = "" // the conversation that was written to last
  const children = new Set() // of subagents

  const send = (message) => {
    const line = JSON.stringify(message, short)
    if (connection && line.length < LONGEST) connection.write(line + "\n")
  }

  const carryOut = async ({ id, method, path: url, body }, to) => {
    const send = (message) => {
      const line = JSON.stringify(message, short)
      to.write((line.length < LONGEST ? line : JSON.stringify({ id, status: 0, data: null, error: "too long" })) + "\n")
    }
    try {
      const given = body ? { body, headers: { "content-type": "application/json" } } : {}
      const { data, error, response } = await client._client.request({ method, url, ...given })
      send({ id, status: response?.status ?? 0, data: data ?? null, error: error ?? null })
    } catch (error) {
      send({ id, status: 0, data: null, error: String(error) })
    }
  }

  const open = () => {
    let left = ""
    const again = () => {
      const timer = setTimeout(open, AGAIN)
      if (!IN_WINDOW) timer.unref?.()
    }
    try {
      if (!isOurs(path.dirname(SOCKET)) || !isOurs(SOCKET)) return again()
    } catch {
      return again()
    }
    const made = net.connect(SOCKET)
    made.setEncoding("utf8")
    made.on("connect", () => {
      connection = made
      send({ op: "join", program: "opencode", session: shown })
    })
    made.on("data", (data) => {
      const lines = (left + data).split("\n")
      left = lines.pop()
      for (const line of lines) {
        const message = JSON.parse(line)
        if (message.method) carryOut(message, made)
      }
    })
    let isOver = false
    const over = () => {
      if (isOver) return
      isOver = true
      if (connection === made) connection = null
      made.destroy()
      again()
    }
    for (const event of ["end", "error", "close"]) made.on(event, over) // Bun tells an end by the agent as "end" alone
    if (!IN_WINDOW) made.unref?.()
  }
  open()

  return {
    event: async ({ event }) => {
      const about = event.properties ?? {}
      if (about.info?.parentID && event.type.startsWith("session.")) children.add(about.info.id)
      const session = about.sessionID ?? about.info?.sessionID ?? about.part?.sessionID ?? ""
      const isTyped = event.type === "message.updated" && about.info?.role === "user" && !children.has(session)
      if (isTyped) shown = session
      if (TOLD.test(event.type)) send({ event: { type: event.type, properties: about }, shown, child: children.has(session) })
    },
  }
}
