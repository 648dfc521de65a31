import { decode, encode, VERSION } from "realtime/protocol"

/**
 * One WebSocket to the server of this page. Hands over whole frames and says once when it is over;
 * what frames mean, and whether to try again, is not its business.
 */
export class Socket {
  #socket

  constructor({ opened, received, closed }) {
    const url = new URL(`/realtime/v1/websocket?vsn=${VERSION}`, location.href)
    url.protocol = url.protocol.replace("http", "ws")
    this.#socket = new WebSocket(url)
    this.#socket.onopen = opened
    this.#socket.onmessage = ({ data }) => {
      const frame = typeof data === "string" ? decode(data) : null
      if (frame) received(frame)
    }
    this.#socket.onclose = ({ code }) => closed(code)
  }

  send(frame) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(encode(frame))
  }

  /** Let go at once: a peer that is gone would keep the closing handshake waiting. */
  close() {
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    // Closed while it connects, the browser would complain in the console.
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(1000)
    else socket.close(1000)
  }
}
