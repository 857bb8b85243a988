from scheduling.models.capacity import ONE_AT_A_TIME, Resource, Slot
from scheduling.models.chains import ChainLink, HoldDue, SlotChain

__all__ = ["ONE_AT_A_TIME", "ChainLink", "HoldDue", "Resource", "Slot", "SlotChain"]
