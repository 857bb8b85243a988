from django.db import models


class ResourceKind(models.TextChoices):
    """What capacity is offered of. ``COURIER_LANE`` is a courier's run from one site to another."""

    APHERESIS_CHAIR = "apheresis_chair", "Apheresis chair"
    COURIER_LANE = "courier_lane", "Courier lane"
    RECEIVING = "receiving", "Receiving"
    MANUFACTURING_LINE = "manufacturing_line", "Manufacturing line"
    INFUSION_BED = "infusion_bed", "Infusion bed"


class ChainState(models.TextChoices):
    """A slot chain: held for a while, requested from the manufacturer, then answered; or its places are free again."""

    HELD = "held", "Held"
    REQUESTED = "requested", "Requested"
    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    FREED = "freed", "Freed"


# In these states a slot chain keeps its places.
LIVE = (ChainState.HELD, ChainState.REQUESTED, ChainState.CONFIRMED)
