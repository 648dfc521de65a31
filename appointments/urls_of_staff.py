"""Addresses of the schedule, for the staff. Nothing in them says who or what for."""

from django.urls import path

from appointments.views import blocks, day, report, visit_staff, waitlist_staff, week

_VISIT = "schedule/visits/<uuid:appointment_id>/"

urlpatterns = [
    path("schedule/", day.day, name="day"),
    path("schedule/week/", week.week, name="week"),
    path("schedule/visits/new/", blocks.new, name="staff_new"),
    path("schedule/blocks/", blocks.blocks, name="blocks"),
    path("schedule/blocks/<uuid:block_id>/withdrawal/", blocks.withdrawal, name="withdrawal"),
    path("schedule/day-move/", blocks.day_move, name="day_move"),
    path("schedule/waiting/", waitlist_staff.waiting, name="staff_waiting"),
    path("schedule/waiting/<uuid:entry_id>/end/", waitlist_staff.leaving, name="staff_leaving"),
    path("schedule/report/", report.page, name="report"),
    path("schedule/report/rows/", report.rows, name="report_rows"),
    path(_VISIT, visit_staff.visit, name="staff_visit"),
    path(f"{_VISIT}arrival/", visit_staff.arrival, name="staff_arrival"),
    path(f"{_VISIT}completion/", visit_staff.completion, name="staff_completion"),
    path(f"{_VISIT}absence/", visit_staff.absence, name="staff_absence"),
    path(f"{_VISIT}reopening/", visit_staff.reopening, name="staff_reopening"),
    path(f"{_VISIT}lateness/", visit_staff.lateness, name="staff_lateness"),
    path(f"{_VISIT}move/", visit_staff.move, name="staff_move"),
    path(f"{_VISIT}cancellation/", visit_staff.cancellation, name="staff_cancellation"),
    path(f"{_VISIT}claim/", visit_staff.claim, name="staff_claim"),
]
