"""The ways out of the house: each takes a message and an address, and says what came of it.

None is told what a notification is about, so none can tell: see `wording`.
"""
