from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """After a POST: look there, with GET."""

    status_code = 303


def see_other(url: str) -> SeeOther:
    return SeeOther(url)
