"""HL7 v2 in: from bytes to rows of the record, and the answer that the sender waits for.

`messages` takes a message apart, `times` and `results` read what it reports, `intake` stores it,
`answers` writes the acknowledgement; `framing` and `listener` are MLLP, the way of messages over
TCP. `intake` is the one place that knows which kinds of message are handled.
"""
