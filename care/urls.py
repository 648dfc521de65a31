"""Addresses of the app `care`; names are fixed (`care:…`)."""

from django.urls import URLPattern

app_name = "care"
urlpatterns: list[URLPattern] = []
