"""Where the log stands, and when it is no longer the log it was."""

import realtime


def epoch(connection):
    return connection.execute("SELECT epoch FROM realtime_position()").fetchone()["epoch"]


def test_a_page_notes_the_epoch_and_the_head(db, log, app):
    assert realtime.position() == f"{epoch(app)}:{log.head()}"


def test_a_new_leader_keeps_the_epoch(log, app, relays):
    relays().stop()  # a copied database, as that of a test, is another log
    before = epoch(app)
    relays().stop()

    assert epoch(app) == before


def test_a_declared_restore_changes_the_epoch_with_the_next_leader(log, app, owner, relays):
    before = epoch(app)
    owner.execute("SELECT realtime_new_epoch()")
    assert epoch(app) == before
    relay = relays()

    assert epoch(app) != before
    assert relay.relay._log_epoch == epoch(app)


def test_a_cursor_can_be_read_apart(log, app):
    assert ":" not in epoch(app)
