"""Why a socket was closed by us: the number tells the page what to do next.

Reasons that travel with them are words for a developer and never name a person or a thing.
"""

SIGNED_OUT = 4401  # the session ended: offer to sign in
ACCESS_ENDED = 4403  # the membership ended, or the page is of another organization: reload
OVERFLOW = 4008  # the peer could not keep up: come back with the cursor
RESYNC = 4009  # the log is another one, or we made a mistake: read everything afresh
LIMITED = 4429  # too many sockets or frames: come back later
TRY_AGAIN = 1013  # rights could not be read: come back soon
IDLE = 1001  # nothing was heard from the peer: it may come back at once
RESTARTING = 1012  # this process stops
TOO_LARGE = 1009  # a frame above the limit
