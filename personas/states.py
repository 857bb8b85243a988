"""Capabilities: what a persona may do. One word per right; a persona is a named set of them (DOMAIN 2)."""

from django.db import models


class Capability(models.TextChoices):
    VIEW_ORDERS = "view_orders", "See the orders of the organization"
    VIEW_RECORD = "view_record", "Read the record of an order"
    READ_IDENTITY = "read_identity", "Read the identifying data of own patients"
    ENROL_PATIENT = "enrol_patient", "Enrol a patient and open an order"
    ACTIVATE_COI = "activate_coi", "Activate a chain of identity as the second person"
    RECORD_CONSENT = "record_consent", "Record consent"
    RECORD_ELIGIBILITY = "record_eligibility", "Record eligibility"
    PRESCRIBE = "prescribe", "Prescribe a therapy"
    BOOK_SLOTS = "book_slots", "Search, hold and request slot chains"
    CONFIRM_SLOTS = "confirm_slots", "Confirm or decline requested slot chains"
    ACCEPT_JOB = "accept_job", "Accept or decline a transport job"
    PUBLISH_CAPACITY = "publish_capacity", "Publish capacity"
    SET_QUOTAS = "set_quotas", "Share capacity out in quotas"
    SET_LEAD_TIMES = "set_lead_times", "Override lead times of a market, a site, a therapy"
    MANAGE_WAITING = "manage_waiting", "Keep the waiting list and answer its offers"
    SCORE_WAITING = "score_waiting", "Score who waits by the published criteria"
    WRITE_CRITERIA = "write_criteria", "Write the criteria of the waiting list"
    PUBLISH_CRITERIA = "publish_criteria", "Publish the criteria of the waiting list"
    DECIDE_RANK = "decide_rank", "Decide and sign the order of those who wait"
    CHECK_KIT = "check_kit", "Check the collection kit"
    IDENTIFY_PATIENT = "identify_patient", "Identify a patient before a collection"
    PRINT_LABELS = "print_labels", "Print labels"
    REGISTER_CODES = "register_codes", "Register codes of own systems for bags and boxes"
    COLLECT = "collect", "Collect starting material"
    CONVERT_MATERIAL = "convert_material", "Split, pool, sample and repack material"
    PACK_MATERIAL = "pack_material", "Pack material for shipping"
    GIVE_CUSTODY = "give_custody", "Hand material over"
    TAKE_CUSTODY = "take_custody", "Take custody of material"
    RECEIVE_MATERIAL = "receive_material", "Receive starting material"
    MANUFACTURE = "manufacture", "Manufacture"
    RECORD_QC = "record_qc", "Record QC results"
    REVIEW_BATCH = "review_batch", "Review a batch record"
    RELEASE_BATCH = "release_batch", "Release or reject a batch"
    MANAGE_DEVIATIONS = "manage_deviations", "Open and close deviations"
    FIND_UNITS = "find_units", "Find every unit by lot, donor, shipper, site or time"
    STOP_UNITS = "stop_units", "Stop every unit that a search finds, and lift the stop"
    ALLOCATE_STOCK = "allocate_stock", "Allocate units from stock"
    KEEP_STORE = "keep_store", "Keep the store: its units, and what lies where"
    RECEIVE_PRODUCT = "receive_product", "Receive drug product"
    STORE_PRODUCT = "store_product", "Store drug product"
    DECIDE_READINESS = "decide_readiness", "Decide clinical readiness"
    ISSUE_PRODUCT = "issue_product", "Issue drug product for a patient who is ready"
    PREPARE_PRODUCT = "prepare_product", "Thaw or prepare drug product"
    CHECK_BEDSIDE = "check_bedside", "Check identity at the bedside"
    INFUSE = "infuse", "Infuse or administer drug product"
    CLOSE_ORDER = "close_order", "Close an order"
    HOLD_ORDER = "hold_order", "Put an order on hold and lift it"
    CANCEL_ORDER = "cancel_order", "Cancel an order"
    RESOLVE_IDENTITY = "resolve_identity", "Lift a quarantine after an identity mismatch"
    CONFIGURE_THERAPY = "configure_therapy", "Write flows and specifications"
    SET_NUMBERING = "set_numbering", "Propose how chains of identity are numbered"
    APPROVE_NUMBERING = "approve_numbering", "Approve how chains of identity are numbered"
    APPROVE_FLOW = "approve_flow", "Approve a flow version"
    AUTHORIZE_SITES = "authorize_sites", "Authorize sites for a therapy"
    MANAGE_LANES = "manage_lanes", "Maintain courier lanes"
    KEEP_EQUIPMENT = "keep_equipment", "Keep the register of shippers and loggers"
    ADMINISTER = "administer", "Manage people, personas and API keys"


# Acts that carry a signature or decide about material: an administrator never holds one (T4, T13, TA2).
SIGNING = frozenset(
    {
        Capability.ACTIVATE_COI,
        Capability.PRESCRIBE,
        Capability.IDENTIFY_PATIENT,
        Capability.COLLECT,
        Capability.GIVE_CUSTODY,
        Capability.TAKE_CUSTODY,
        Capability.RECEIVE_MATERIAL,
        Capability.MANUFACTURE,
        Capability.REVIEW_BATCH,
        Capability.RELEASE_BATCH,
        Capability.STOP_UNITS,
        Capability.RECEIVE_PRODUCT,
        Capability.DECIDE_RANK,
        Capability.DECIDE_READINESS,
        Capability.ISSUE_PRODUCT,
        Capability.CHECK_BEDSIDE,
        Capability.INFUSE,
    }
)

# Pairs that one persona may never hold together (performer and reviewer; author and approver).
SEPARATED = (
    (Capability.MANUFACTURE, Capability.REVIEW_BATCH),
    (Capability.MANUFACTURE, Capability.RELEASE_BATCH),
    (Capability.RECORD_QC, Capability.REVIEW_BATCH),
    (Capability.RECORD_QC, Capability.RELEASE_BATCH),
    (Capability.CONFIGURE_THERAPY, Capability.APPROVE_FLOW),
    (Capability.SET_NUMBERING, Capability.APPROVE_NUMBERING),
    (Capability.WRITE_CRITERIA, Capability.PUBLISH_CRITERIA),
    (Capability.MANAGE_WAITING, Capability.DECIDE_RANK),
    (Capability.SCORE_WAITING, Capability.DECIDE_RANK),
)
