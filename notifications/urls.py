"""Addresses of notifications."""

from django.urls import path

from notifications.views import bell, devices, phone, wishes

app_name = "notifications"

urlpatterns = [
    path("notifications/", bell.index, name="index"),
    path("notifications/bell/", bell.bell, name="bell"),
    path("notifications/bell/count/", bell.count, name="count"),
    path("notifications/bell/latest/", bell.latest, name="latest"),
    path("notifications/reading/", bell.read_all, name="read_all"),
    path("notifications/<uuid:notification_id>/reading/", bell.read, name="read"),
    # How a person wishes to be told
    path("account/notifications/", wishes.wishes, name="wishes"),
    path("account/notifications/phone/", phone.phone, name="phone"),
    path("account/notifications/phone/code/", phone.code, name="phone_code"),
    path("account/notifications/phone/removal/", phone.removal, name="phone_removal"),
    path("account/notifications/devices/", devices.devices, name="devices"),
    path("account/notifications/devices/removal/", devices.removal, name="device_removal"),
    # At the root, because a worker has no say above the folder that it is served from.
    path("service-worker.js", devices.service_worker, name="service_worker"),
]
