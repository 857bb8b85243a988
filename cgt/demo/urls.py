from django.urls import path

from cgt.demo import views

urlpatterns = [
    path("sign-in", views.sign_in, name="demo_sign_in"),
    path("advance", views.advance, name="demo_advance"),
    path("tour/begin", views.begin_tour, name="demo_tour_begin"),
    path("tour/end", views.end_tour, name="demo_tour_end"),
    path("tour/<slug:key>", views.go_to_stop, name="demo_tour_go"),
]
