from __future__ import annotations

from django.urls import path

from bench import views
from puffle.urls import urlpatterns as puffle_urlpatterns

urlpatterns = [
    path("api/bench/no-op-get", views.NoOpGetView.as_view()),
    path("api/bench/no-op", views.NoOpView.as_view()),
    path("api/bench/plain", views.PlainView.as_view()),
    *puffle_urlpatterns,
]
