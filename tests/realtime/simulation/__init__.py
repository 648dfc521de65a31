"""The engine's real asyncio code, run in a small world that a seed repeats to the last turn.

    loop        an event loop with a virtual clock, whose order of turns is drawn from the seed
    errands     what the engine gives to threads: one runs at a time, when the loop says so
    truth       the log, and who may read what
    database    the ways to it: the engine's own, and an authority's and a reader's
    layer       the bus: loses, doubles, delays, reorders and lies
    sockets     a line between page and server
    pages       those of tests/faults, on such lines
    troubles    what writers, clinic and nemesis do meanwhile
    edges       where the engine meets all of this instead of the outside
    web         one web process
    world       one seed from beginning to end, and the judgement
    bugs        what it has to find

Only the outside is played: hub, join, asking, line, connection, consumer, watch, bus, replay and
polling are the code that runs in production.
"""
