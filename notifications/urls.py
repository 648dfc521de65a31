"""Addresses of notifications."""

from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("notifications/", views.index, name="index"),
    path("notifications/bell/", views.bell, name="bell"),
    path("notifications/bell/count/", views.count, name="count"),
    path("notifications/bell/latest/", views.latest, name="latest"),
    path("notifications/reading/", views.read_all, name="read_all"),
    path("notifications/<uuid:notification_id>/reading/", views.read, name="read"),
]
