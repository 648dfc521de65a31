"""Addresses of visits for patients and their helpers. Nothing in them says who or what for."""

from django.urls import path

from appointments.views import booking, holds, my_calendar, my_visits, waiting

_VISIT = "visits/<uuid:appointment_id>/"

urlpatterns = [
    path("visits/new/", booking.new, name="new"),
    path("visits/new/<uuid:visit_type_id>/", booking.times, name="times"),
    path("visits/new/<uuid:visit_type_id>/waiting/", waiting.join, name="wait"),
    path("visits/waiting/<uuid:entry_id>/end/", waiting.leave, name="leave"),
    path("visits/offers/<uuid:offer_id>/", waiting.offer, name="offer"),
    path("visits/calendar/", my_calendar.my_calendar, name="my_calendar"),
    path("visits/calendar/address/", my_calendar.feed_address, name="feed_address"),
    path("visits/calendar/address/end/", my_calendar.feed_end, name="feed_end"),
    path("visits/reminders/", my_calendar.consent, name="consent"),
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
