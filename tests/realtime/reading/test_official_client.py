"""The official Python client works against us, unmodified."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.conf import settings

SCRIPT = Path(__file__).with_name("official_client.py")


class Client:
    """The client in its process."""

    def __init__(self, server, cookie, *bindings):
        host = f"127.0.0.1:{server.port}"
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                str(SCRIPT),
                f"ws://{host}/realtime/v1",
                f"{settings.SESSION_COOKIE_NAME}={cookie}",
                f"http://{host}",
                json.dumps(bindings),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def until(self, kind):
        """The next thing of this kind that it is told."""
        for line in self._process.stdout:
            found, what = json.loads(line)
            if found == kind:
                return what
        raise AssertionError(f"it ended before any {kind}")

    def kill(self):
        self._process.kill()
        self._process.communicate()

    def close(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        last = self.until("state")
        self._process.communicate(timeout=60)
        return last


@pytest.fixture
def official(server, cookie_of):
    """`official(ana, binding)`: the client, with her cookie."""
    started = []

    def official(person, *bindings):
        started.append(Client(server, cookie_of(person), *bindings))
        return started[-1]

    yield official
    for each in started:
        each.kill()


def test_the_official_client_subscribes_hears_and_leaves(official, inbox, ana, clinic):
    thread = str(uuid.uuid4())
    messages = "client_portal_messages"
    client = official(
        ana,
        {"event": "*", "schema": "public", "table": "vital_signs"},
        {
            "event": "INSERT",
            "schema": "public",
            "table": messages,
            "filter": f"conversation_id=eq.{thread}",
        },
    )
    assert client.until("state") == ["SUBSCRIBED", ""]
    assert client.until("system")["message"] == "Subscribed to PostgreSQL"
    topics = [f"patient:{ana.patient.pk}"]
    first = inbox.put(topics, organization=clinic.pk, code="8867-4")
    inbox.put(topics, organization=clinic.pk, table=messages, conversation_id=str(uuid.uuid4()))
    second = inbox.put(topics, organization=clinic.pk, table=messages, conversation_id=thread)
    third = inbox.put(topics, organization=clinic.pk, operation="DELETE")
    changes = [client.until("change")["data"] for _ in range(3)]
    assert [each["type"] for each in changes] == ["INSERT", "INSERT", "DELETE"]
    assert changes[0]["record"] == {"id": first, "code": "8867-4"}
    assert changes[1]["record"]["id"] == second
    assert changes[2]["old_record"]["id"] == third
    assert client.close()[0].lower() == "closed"


def test_the_official_client_is_told_why_it_may_not(official, ana):
    client = official(ana, {"event": "*", "schema": "public", "table": "users"})
    state, error = client.until("state")
    assert state == "CHANNEL_ERROR"
    assert "Unable to subscribe to changes" in error
    client.close()
