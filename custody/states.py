"""States and legal moves of identities, containers, labels and shipments (DOMAIN 3.0)."""

from django.db import models


class IdentityState(models.TextChoices):
    ISSUED = "issued", "Issued"
    ACTIVE = "active", "Active"
    UNDER_QUERY = "under_query", "Under query"
    CLOSED = "closed", "Closed"


OPEN_IDENTITY_STATES = (IdentityState.ISSUED, IdentityState.ACTIVE, IdentityState.UNDER_QUERY)


class PrefixKind(models.TextChoices):
    FACILITY = "facility", "Facility identification number (ISBT 128)"
    LETTERS = "letters", "Three letters of its own"


class SchemeKind(models.TextChoices):
    """How a chain of identity is numbered. Each is 15 characters long, and has a check character beside it."""

    ISBT_040 = "isbt_040", "ISBT 128 (data structure 040)"
    SEQUENTIAL = "sequential", "Sequential"
    DRAWN = "drawn", "Drawn at random, without look-alike characters"


class SchemeState(models.TextChoices):
    PROPOSED = "proposed", "Proposed"
    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"


class ContainerKind(models.TextChoices):
    STARTING_MATERIAL = "starting_material", "Starting material"
    INTERMEDIATE = "intermediate", "Intermediate"
    DRUG_PRODUCT = "drug_product", "Drug product"
    VECTOR_KIT = "vector_kit", "Vector kit"
    SAMPLE = "sample", "Sample or retained vial"


KIND_LETTERS = {
    ContainerKind.STARTING_MATERIAL: "SM",
    ContainerKind.INTERMEDIATE: "IM",
    ContainerKind.DRUG_PRODUCT: "DP",
    ContainerKind.VECTOR_KIT: "VK",
    ContainerKind.SAMPLE: "SA",
}


class Vessel(models.TextChoices):
    """What a container physically is."""

    LEUKOPAK = "leukopak", "Leukopak"
    TUMOR_TUBE = "tumor_tube", "Tumor tube"
    CRYOBAG = "cryobag", "Cryobag"
    RESERVE_BAG = "reserve_bag", "Reserve bag"
    CULTURE_BAG = "culture_bag", "Culture bag"
    PRODUCT_BAG = "product_bag", "Drug-product bag"
    PRODUCT_VIAL = "product_vial", "Drug-product vial"
    VECTOR_VIAL = "vector_vial", "Vector vial"
    QC_VIAL = "qc_vial", "QC vial"
    RETAINED_VIAL = "retained_vial", "Retained vial"
    SAMPLE_TUBE = "sample_tube", "Sample tube"


_V = Vessel
VESSELS: dict[ContainerKind, tuple[Vessel, ...]] = {
    ContainerKind.STARTING_MATERIAL: (_V.LEUKOPAK, _V.TUMOR_TUBE, _V.CRYOBAG, _V.RESERVE_BAG),
    ContainerKind.INTERMEDIATE: (_V.CULTURE_BAG, _V.CRYOBAG),
    ContainerKind.DRUG_PRODUCT: (_V.PRODUCT_BAG, _V.PRODUCT_VIAL),
    ContainerKind.VECTOR_KIT: (_V.VECTOR_VIAL,),
    ContainerKind.SAMPLE: (_V.QC_VIAL, _V.RETAINED_VIAL, _V.SAMPLE_TUBE),
}


class ConversionKind(models.TextChoices):
    """How containers are made of containers."""

    TRANSFORMED = "transformed", "Manufactured"
    PROCESSED = "processed", "Processed into an intermediate"
    SPLIT = "split", "Split into several"
    POOLED = "pooled", "Pooled into one"
    SAMPLED = "sampled", "Samples or retained vials drawn"
    REPLACED = "replaced", "Container replaced (leak, damage)"
    REPACKED = "repacked", "Moved into another container as planned"


class ContainerState(models.TextChoices):
    PLANNED = "planned", "Planned"
    LABELLED = "labelled", "Labeled"
    COLLECTED = "collected", "Collected or filled"
    IN_TRANSIT = "in_transit", "In transit"
    RECEIVED = "received", "Received"
    ACCEPTED = "accepted", "Accepted"
    QUARANTINED = "quarantined", "Quarantined"
    REJECTED = "rejected", "Rejected"
    IN_PROCESS = "in_process", "In process"
    CONSUMED = "consumed", "Consumed"
    STORED = "stored", "Stored"
    ISSUED = "issued", "Issued to the patient"
    THAWED = "thawed", "Thawed or prepared"
    INFUSED = "infused", "Infused"
    DESTROYED = "destroyed", "Destroyed"
    EXPIRED = "expired", "Expired"
    RETURNED = "returned", "Returned"
    LOST = "lost", "Lost"


_C = ContainerState
TERMINAL_STATES = frozenset({_C.CONSUMED, _C.INFUSED, _C.DESTROYED})  # I4: nothing leaves them
_OFF = (_C.QUARANTINED, _C.REJECTED, _C.DESTROYED, _C.EXPIRED, _C.RETURNED, _C.LOST)  # off the plain way

GONE = (_C.REJECTED, _C.DESTROYED, _C.EXPIRED, _C.LOST)  # of no use to the patient any more

# Where material may lie in a store: nothing that is on the way, in a process, at the patient or at its end does.
LYING = (_C.COLLECTED, _C.RECEIVED, _C.ACCEPTED, _C.QUARANTINED, _C.REJECTED, _C.STORED, _C.RETURNED, _C.EXPIRED)

MOVES: dict[ContainerState, frozenset[ContainerState]] = {
    _C.PLANNED: frozenset({_C.LABELLED, _C.COLLECTED, _C.QUARANTINED, _C.DESTROYED}),
    _C.LABELLED: frozenset({_C.COLLECTED, _C.QUARANTINED, _C.DESTROYED}),
    _C.COLLECTED: frozenset({_C.IN_TRANSIT, _C.STORED, _C.IN_PROCESS, _C.ACCEPTED, *_OFF}),
    _C.IN_TRANSIT: frozenset({_C.RECEIVED, *_OFF}),
    _C.RECEIVED: frozenset({_C.ACCEPTED, *_OFF}),
    _C.ACCEPTED: frozenset({_C.IN_PROCESS, _C.STORED, _C.ISSUED, _C.THAWED, _C.IN_TRANSIT, *_OFF}),
    # Going on after quarantine is a decision of its own (release_from_quarantine), never a plain move.
    _C.QUARANTINED: frozenset({_C.REJECTED, _C.DESTROYED, _C.EXPIRED, _C.RETURNED, _C.LOST}),
    _C.REJECTED: frozenset({_C.DESTROYED, _C.RETURNED, _C.LOST}),
    _C.IN_PROCESS: frozenset({_C.CONSUMED, _C.QUARANTINED, _C.REJECTED, _C.DESTROYED}),
    _C.STORED: frozenset({_C.IN_TRANSIT, _C.ISSUED, _C.THAWED, _C.IN_PROCESS, *_OFF}),
    _C.ISSUED: frozenset({_C.STORED, _C.THAWED, *_OFF}),
    _C.THAWED: frozenset({_C.INFUSED, *_OFF}),
    _C.EXPIRED: frozenset({_C.DESTROYED, _C.RETURNED, _C.LOST}),
    _C.RETURNED: frozenset({_C.STORED, _C.QUARANTINED, _C.REJECTED, _C.EXPIRED, _C.DESTROYED, _C.LOST}),
    _C.LOST: frozenset(),  # being found is an act of its own (material.find), never a plain move
    _C.CONSUMED: frozenset(),
    _C.INFUSED: frozenset(),
    _C.DESTROYED: frozenset(),
}


class StoreKind(models.TextChoices):
    NITROGEN = "nitrogen", "Nitrogen tank"
    FREEZER = "freezer", "Freezer"
    REFRIGERATOR = "refrigerator", "Refrigerator"
    CABINET = "cabinet", "Cabinet at room temperature"


class StockState(models.TextChoices):
    AVAILABLE = "available", "Available"
    ALLOCATED = "allocated", "Allocated"
    DISCARDED = "discarded", "Discarded"


class LabelTemplate(models.TextChoices):
    COLLECTION = "collection", "Collection label"
    PRODUCT = "product", "Product label"
    INTERMEDIATE = "intermediate", "Label of an intermediate"
    SAMPLE = "sample", "Label of a sample or retained vial"


class LabelElement(models.TextChoices):
    """What may stand below a label's codes; symbol, product, codes, k of n, warnings and print serial always do."""

    PATIENT = "patient", "Patient, where therapy and market disclose it"
    COLLECTED = "collected", "Collected or filled"
    EXPIRES = "expires", "Expiry"
    VOLUME = "volume", "Volume"
    ANTICOAGULANT = "anticoagulant", "Anticoagulant"
    DONATION = "donation", "Donation number"
    PRODUCT_CODE = "product_code", "Product code (NDC, GTIN)"
    LOT = "lot", "Lot and serial number"
    STORAGE = "storage", "Storage"
    SITE = "site", "Site"
    TEXTS = "texts", "Own texts"


class LabelLanguage(models.TextChoices):
    ENGLISH = "en", "English"
    GERMAN = "de", "German"
    FRENCH = "fr", "French"
    SPANISH = "es", "Spanish"
    ITALIAN = "it", "Italian"


class LabelStock(models.TextChoices):
    """The size of one label."""

    MM_100_70 = "100x70", "100 × 70 mm"
    INCH_4_3 = "102x76", "102 × 76 mm (4 × 3 inches)"
    INCH_4_6 = "102x152", "102 × 152 mm (4 × 6 inches)"


class LabelSheet(models.TextChoices):
    """A sheet that holds several labels."""

    A4 = "a4", "A4"
    LETTER = "letter", "US Letter"


class LabelState(models.TextChoices):
    PRINTED = "printed", "Printed"
    APPLIED = "applied", "Applied"
    VOID = "void", "Void"
    RETURNED = "returned", "Returned"
    DESTROYED = "destroyed", "Destroyed"


class AliasSystem(models.TextChoices):
    """Whose numbering a code belongs to that is not ours."""

    SSCC = "sscc", "Logistic unit (SSCC)"
    GTIN_SERIAL = "gtin_serial", "Article and serial number (GTIN and serial)"
    GSRN = "gsrn", "Patient's service number (GSRN)"
    DONATION = "donation", "Donation number"
    DONATION_PRODUCT = "donation_product", "Donation number and product code"
    SEC = "sec", "Single European Code"
    LOT = "lot", "Lot or batch number"
    HOSPITAL = "hospital", "Hospital's own number"
    WAYBILL = "waybill", "Courier's waybill"
    OTHER = "other", "Another code"


class AliasScope(models.TextChoices):
    ORDER = "order", "Every party of the order may look it up"
    OWN = "own", "Only our organization may look it up"


PLAIN_SYSTEMS = (AliasSystem.LOT, AliasSystem.HOSPITAL, AliasSystem.WAYBILL, AliasSystem.OTHER)
PERSONAL_SYSTEMS = (AliasSystem.HOSPITAL, AliasSystem.GSRN)  # may number a patient: stay with who registered them


class Direction(models.TextChoices):
    INBOUND = "inbound", "To the manufacturing site"
    OUTBOUND = "outbound", "To the treatment center"


class EquipmentKind(models.TextChoices):
    SHIPPER = "shipper", "Shipper"
    LOGGER = "logger", "Logger"


class ReturnOutcome(models.TextChoices):
    FIT = "fit", "Back, undamaged"
    DAMAGED = "damaged", "Back, damaged"
    LOST = "lost", "Lost"


class AlarmCause(models.TextChoices):
    """What a unit of the store alarms for."""

    TEMPERATURE = "temperature", "Temperature"
    LEVEL = "level", "Nitrogen level"
    LID = "lid", "Lid or door open"
    POWER = "power", "Power or compressor"
    OTHER = "other", "Something else"


class AlarmState(models.TextChoices):
    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Somebody looks after it"
    CLOSED = "closed", "Closed"


class JobKind(models.TextChoices):
    """What a courier carries without patient material."""

    KIT = "kit", "Collection kit"
    EMPTY = "empty", "Empty shipper"


class JobState(models.TextChoices):
    BOOKED = "booked", "Booked"
    PICKED_UP = "picked_up", "On its way"
    DELIVERED = "delivered", "Delivered"
    CANCELLED = "cancelled", "Cancelled"


class JobFailure(models.TextChoices):
    """Why a courier left without what was booked."""

    NOT_READY = "not_ready", "Not ready"
    NOBODY = "nobody", "Nobody there"
    WRONG = "wrong", "Another number than booked"
    OTHER = "other", "Something else"


class Condition(models.TextChoices):
    WATCHED = "watched", "Read so far, nothing speaks against it"
    IN_RANGE = "in_range", "In range all the way"
    EXCURSION = "excursion", "Excursion"


class ShipmentState(models.TextChoices):
    PACKED = "packed", "Packed"
    PICKED_UP = "picked_up", "Picked up"
    IN_TRANSIT = "in_transit", "In transit"
    DELIVERED = "delivered", "Delivered"
    OPENED = "opened", "Opened"


class WayReportKind(models.TextChoices):
    """What a courier reports of a box between pick-up and delivery."""

    LEG_DEPARTED = "leg_departed", "Leg begun"
    LEG_ARRIVED = "leg_arrived", "Leg ended"
    CUSTOMS_HELD = "customs_held", "Held at customs"
    CUSTOMS_CLEARED = "customs_cleared", "Cleared by customs"
    ROUTE_CHANGED = "route_changed", "Goes another route"


class SealStage(models.TextChoices):
    PICK_UP = "pick_up", "At pick-up"
    DELIVERY = "delivery", "At delivery"
    SWAP = "swap", "Before the change of shipper"
    OPENING = "opening", "At opening"
