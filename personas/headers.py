"""Headers that the OpenAPI document names."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

ONCE = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="A fresh UUID per new request. The same request sent again with its key happens once and answers alike;"
    " the key of another request is refused (409).",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag that was read. Refused (412) when the record changed since.",
)
DEVICE_TIME = OpenApiParameter(
    "Device-Time",
    OpenApiTypes.STR,  # no format: what generated clients can send in a header is text
    OpenApiParameter.HEADER,
    description="The clock of the device that sends, with its offset (ISO 8601): kept beside the server's time, and"
    " flagged when it is off by more than five minutes.",
)
OFFLINE_ENTRY = OpenApiParameter(
    "Offline-Entry",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Key of the own entry made without network that this records; it is settled with it. Its device's time"
    " and skew are kept instead of `Device-Time`.",
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=True,
    description="Version of what was answered; send it as `If-Match`.",
)
LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[201], description="Address of what was made."
)
