"""The site's addresses with those of a demonstration, which the test environment does not have."""

from django.urls import include, path

from cgt.urls import urlpatterns as usual

urlpatterns = [*usual, path("demo/", include("cgt.demo.urls"))]
