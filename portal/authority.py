"""What the engine asks the portal: who is this, what may they read, is it still so.

The engine (`realtime`) knows no clinic; it calls this object through
`settings.REALTIME_AUTHORITY`. Every answer is computed from the database at the moment of the
question and fails closed.
"""
