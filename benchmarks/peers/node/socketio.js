// Socket.IO with its PostgreSQL adapter, as for several servers: LISTEN, and one emit to the room.

import { createAdapter } from "@socket.io/postgres-adapter"
import { createServer } from "node:http"
import pg from "pg"
import { Server } from "socket.io"

const connectionString = process.env.PEERS_URL
const http = createServer()
const io = new Server(http, { serveClient: false, perMessageDeflate: false })
io.adapter(createAdapter(new pg.Pool({ connectionString, max: 4 })))

io.on("connection", (socket) => socket.join(socket.handshake.query.topic))

const client = new pg.Client({ connectionString })
await client.connect()
client.on("notification", ({ payload }) => {
  const space = payload.indexOf(" ")
  io.to(payload.slice(0, space)).emit("change", JSON.parse(payload.slice(space + 1)))
})
await client.query(`LISTEN "${process.env.PEER}"`)
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 })
