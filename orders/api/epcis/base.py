"""What every EPCIS address answers alike: media types, version headers, OPTIONS, the standard's exceptions."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from ledger.refusals import InvalidInput
from orders import queries
from orders.actions.epcis_ids import give_out
from personas.asking import ActorView
from personas.states import Capability

VERSION = "2.0.0"
SUPPORTED = ("2.0", VERSION)
HEADERS = {
    "GS1-EPCIS-Version": VERSION,
    "GS1-EPCIS-Min": VERSION,
    "GS1-EPCIS-Max": VERSION,
    "GS1-CBV-Version": VERSION,
    "GS1-Extensions": "cgt=https://ns.cgt.example/epcis/",
}
ASKED_VERSION = OpenApiParameter(
    "GS1-EPCIS-Version", OpenApiTypes.STR, OpenApiParameter.HEADER, description="2.0.0, if given"
)
NEXT = OpenApiParameter(
    "Link", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[200], description='the next page, with rel="next"'
)
PER_PAGE = OpenApiParameter("perPage", OpenApiTypes.INT, description="members per page: 1 to 200, 30 if absent")
TOKEN = OpenApiParameter("nextPageToken", OpenApiTypes.STR, description="from the Link header; opaque")
EXCEPTIONS = {
    400: "ValidationException",
    401: "SecurityException",
    403: "SecurityException",
    404: "NoSuchResourceException",
    406: "NotAcceptableException",
    409: "ResourceAlreadyExistsException",
    413: "CaptureLimitExceededException",
    415: "UnsupportedMediaTypeException",
    422: "ValidationException",
    429: "TooManyRequestsException",
}
OF_CODE = {"query_parameter": "QueryParameterException", "query_too_large": "QueryTooLargeException"}


JSON: Any = api_settings.DEFAULT_PARSER_CLASSES[0]


class LinkedDataParser(JSON):
    """JSON-LD, within the same bounds as JSON."""

    media_type = "application/ld+json"


class LinkedDataRenderer(JSONRenderer):
    """JSON-LD."""

    media_type = "application/ld+json"
    format = "jsonld"


class EpcisView(ActorView):
    """A view of the EPCIS interface; its problem documents carry the standard's exception as ``type``."""

    scope: ClassVar[Capability] = Capability.VIEW_RECORD
    renderer_classes = [LinkedDataRenderer, JSONRenderer]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        asked = request.headers.get("GS1-EPCIS-Version", VERSION).strip()
        if asked not in SUPPORTED:
            raise InvalidInput(
                fields={"GS1-EPCIS-Version": [f"Only {VERSION} is spoken here."]}, remedy=f"Ask for {VERSION}."
            )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(response.data, dict) and "code" in response.data:
            word = OF_CODE.get(response.data["code"]) or EXCEPTIONS.get(response.status_code, "ImplementationException")
            response.data = response.data | {"type": f"epcisException:{word}"}
        return response

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def page_size(self, request: Request) -> int:
        text = request.query_params.get("perPage", str(queries.epcis_filters.USUAL))
        if not text.isdecimal() or not 1 <= int(text) <= queries.epcis_filters.MOST:
            raise InvalidInput(fields={"perPage": [f"Give a number from 1 to {queries.epcis_filters.MOST}."]})
        return int(text)

    def token(self, request: Request) -> str:
        return request.query_params.get("nextPageToken", "")[:500]

    def linked(self, request: Request, body: Any, token: str) -> Response:
        """Answer with the next page's address, where there is one."""
        headers = {}
        if token:
            asked = [(name, value) for name, values in request.query_params.lists() for value in values]
            kept = [(name, value) for name, value in asked if name != "nextPageToken"]
            address = request.build_absolute_uri(request.path)
            headers["Link"] = f'<{address}?{urlencode([*kept, ("nextPageToken", token)])}>; rel="next"'
        return Response(body, headers=headers)

    def give_out(self, page: Any) -> None:
        """Whoever got an id may ask for its event by it."""
        ids = zip((event["eventID"] for event in page.events), page.sources, strict=True)
        give_out(self.actor, ids)
