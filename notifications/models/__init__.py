"""What people were told, how it went out to them, and how they wish to be told."""

from notifications.models.delivery import Channel, Delivery
from notifications.models.device import Device
from notifications.models.notification import Kind, Notification, NotificationQuerySet
from notifications.models.occasion import Occasion
from notifications.models.phone import Phone
from notifications.models.wishes import Choice, Wishes

__all__ = [
    "Channel",
    "Choice",
    "Delivery",
    "Device",
    "Kind",
    "Notification",
    "NotificationQuerySet",
    "Occasion",
    "Phone",
    "Wishes",
]
