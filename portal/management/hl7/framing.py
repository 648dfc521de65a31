"""MLLP: where a message begins and ends in a stream of bytes.

A frame is VT, the message, FS, CR. Pure: bytes in, messages out, split at any byte.

A frame that begins again before it has ended was cut off, and what came of it is dropped: read on,
it would file the results of one patient under the patient of the message before.
"""

START = b"\x0b"
END = b"\x1c\r"


class TooLarge(Exception):
    """A frame is over the limit."""


class Frames:
    """Collects bytes and gives the messages that are whole."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.cut_off = 0  # frames that began and never ended
        self._buffer = bytearray()
        self._is_inside = False
        self._searched = 0

    @property
    def is_inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._is_inside

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; returns the messages that ended with them. Raises TooLarge.

        What lies between frames is no message and is dropped, as the specification says.
        """
        self._buffer += data
        whole: list[bytes] = []
        while (message := self._next()) is not None:
            whole.append(message)
        if len(self._buffer) > self.limit:
            raise TooLarge
        return whole

    def _next(self) -> bytes | None:
        if not self._is_inside:
            start = self._buffer.find(START)
            if start < 0:
                self._buffer.clear()
                return None
            del self._buffer[: start + 1]
            self._is_inside, self._searched = True, 0
        # The end may be split between two reads: look again at the last byte, and at no more.
        end = self._buffer.find(END, max(self._searched - 1, 0))
        if end < 0:
            self._searched = len(self._buffer)
            return None
        if end > self.limit:
            raise TooLarge
        message = bytes(self._buffer[:end])
        del self._buffer[: end + len(END)]
        self._is_inside = False
        self.cut_off += message.count(START)
        return message.rpartition(START)[2]


def framed(message: str) -> bytes:
    """A message as it is sent."""
    return START + message.encode() + END
