"""What can go wrong with an embedded server. Each message is one plain sentence for a person.

EmbeddedError
├── CannotStart        the server ended, or did not answer in time
├── AlreadyRunning     another process keeps a server on this folder
└── FolderUnusable     the data folder cannot be made, written or reached
"""


class EmbeddedError(Exception):
    """An embedded server cannot do what was asked."""


class CannotStart(EmbeddedError):
    """The server ended while starting, or did not answer in time."""


class AlreadyRunning(EmbeddedError):
    """Another living process keeps a server on this data folder."""


class FolderUnusable(EmbeddedError):
    """The data folder cannot be made, written or reached."""
