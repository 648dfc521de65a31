"""A job worker that lives or is gone, as far as the auditor and the doctor can see."""

GONE = "DELETE FROM procrastinate_workers"


def sign_of_life(ago: str = "-1 year") -> str:
    """The statement of a worker's last sign of life; one of the future lasts."""
    return f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '{ago}')"
