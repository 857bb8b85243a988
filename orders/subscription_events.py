"""What subscriptions of EPCIS queries say in the record of their organization."""

from ledger.events import EventKind, register

_OF_QUERY = {"name": "name of the query", "subscription": "its id", "host": "host that is told"}

register(
    EventKind(
        "orders.epcis_subscribed",
        "EPCIS query subscribed to",
        "What answers the EPCIS query {name} is posted to {host} from now on.",
        payload=_OF_QUERY,
    ),
    EventKind(
        "orders.epcis_unsubscribed",
        "EPCIS subscription ended",
        "What answers the EPCIS query {name} is posted to {host} no more.",
        payload=_OF_QUERY,
    ),
)
