// The usual way in Node: `ws`, LISTEN, and one send to each socket of the topic.

import pg from "pg"
import { WebSocketServer } from "ws"

const topics = new Map()
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 })

server.on("connection", (socket, request) => {
  const topic = request.url.slice(1)
  if (!topics.has(topic)) topics.set(topic, new Set())
  topics.get(topic).add(socket)
  socket.on("close", () => topics.get(topic).delete(socket))
})

const client = new pg.Client({ connectionString: process.env.PEERS_URL })
await client.connect()
client.on("notification", ({ payload }) => {
  const space = payload.indexOf(" ")
  const body = payload.slice(space + 1)
  for (const socket of topics.get(payload.slice(0, space)) ?? []) socket.send(body)
})
await client.query(`LISTEN "${process.env.PEER}"`)
