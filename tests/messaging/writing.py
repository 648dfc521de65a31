"""Letting somebody of the cast write and read, each in their own context."""

from uuid import uuid4

from messaging.actions import mark_read, reply, start_conversation
from messaging.models import Category
from portal.tenancy import acting_for

QUESTION = "My knee is thicker than yesterday, and a little warm. Is that normal?"


def started_by(person, patient, body=QUESTION, **changes):
    """Let somebody begin a conversation about a patient; return its first message."""
    with acting_for(person.organization.pk, person.user.pk):
        return start_conversation(
            patient.pk,
            **{"category": Category.WOUND, "subject": "Swelling", "body": body, "key": uuid4()}
            | changes,
            by=person.reader,
        )


def answered_by(person, conversation, body="Thank you for telling us.", **changes):
    """Let somebody add a message to a conversation; return it."""
    with acting_for(person.organization.pk, person.user.pk):
        return reply(conversation.pk, **{"body": body, "key": uuid4()} | changes, by=person.reader)


def read_by(person, conversation, **changes):
    """Let somebody read a conversation; return how many messages were new to them."""
    with acting_for(person.organization.pk, person.user.pk):
        return mark_read(conversation.pk, by=person.reader, **changes)
