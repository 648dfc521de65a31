"""Conversations, their messages, and what became of each message for each person."""

from messaging.models.conversation import Category, Conversation
from messaging.models.message import Message, Side
from messaging.models.receipt import Receipt

__all__ = ["Category", "Conversation", "Message", "Receipt", "Side"]
