"""Addresses of visits for patients and their helpers. Nothing in them says who or what for."""

from django.urls import path

from appointments.views import booking, holds, my_visits

_VISIT = "visits/<uuid:appointment_id>/"

urlpatterns = [
    path("visits/new/", booking.new, name="new"),
    path("visits/new/<uuid:visit_type_id>/", booking.times, name="times"),
    path("visits/holds/", holds.new, name="holds"),
    path("visits/holds/<uuid:hold_id>/", holds.hold, name="hold"),
    path("visits/holds/<uuid:hold_id>/release/", holds.release, name="hold_release"),
    path(_VISIT, my_visits.visit, name="visit"),
    path(f"{_VISIT}times/", booking.new_time, name="new_time"),
    path(f"{_VISIT}confirmation/", my_visits.confirmation, name="confirmation"),
    path(f"{_VISIT}check-in/", my_visits.readiness, name="readiness"),
    path(f"{_VISIT}answers/", my_visits.answers, name="answers"),
    path(f"{_VISIT}calling-off/", my_visits.cancellation, name="calling_off"),
]
