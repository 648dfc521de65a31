from django.urls import path

from realtime.polling import changes

app_name = "realtime"

urlpatterns = [path("realtime/changes", changes, name="changes")]
