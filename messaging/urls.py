"""Addresses of messages."""

from django.urls import path

from messaging.views import lists, new, threads

app_name = "messaging"

urlpatterns = [
    path("messages/", lists.index, name="index"),
    path("messages/new/", new.new, name="new"),
    path("messages/unread/", lists.badge, name="badge"),
    path("messages/delivery/", lists.delivery, name="delivery"),
    path("messages/<uuid:conversation_id>/", threads.thread, name="thread"),
    path("messages/<uuid:conversation_id>/messages/", threads.messages, name="messages"),
    path("messages/<uuid:conversation_id>/reading/", threads.reading, name="read"),
    path("patients/<uuid:patient_id>/panels/messages/", lists.chart_panel, name="panel"),
    path("dashboard/messages/", lists.dashboard, name="dashboard"),
    path("home/messages/", lists.home, name="home"),
]
