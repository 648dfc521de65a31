from django.urls import path

from portal.operations import views, watching

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("health/realtime", watching.realtime_health, name="realtime_health"),
    path("metrics", watching.metrics, name="metrics"),
]
