"""What the answers hold, for the OpenAPI document. The values themselves are laid out by hand in ``shapes``."""

from __future__ import annotations

from rest_framework import serializers as s

from ledger.states import Channel, Role
from orders.states import PHASE_LABELS, FlowState, OrderState, StepState
from personas.envelopes import Shape
from personas.envelopes import page as page
from personas.envelopes import whole as whole
from scheduling.constraints import Constraint
from scheduling.states import ChainState, LinkKind, ResourceKind

NOT_FOR_COURIERS = "absent for couriers"


class SiteRef(Shape):
    code = s.CharField()
    name = s.CharField()
    country = s.CharField(help_text="ISO 3166-1 alpha-2")
    zone = s.CharField(help_text="IANA time zone")


class CenterRef(Shape):
    name = s.CharField()
    site = SiteRef()


class TherapyRef(Shape):
    code = s.CharField()
    name = s.CharField()
    modality = s.CharField()


class FlowRef(Shape):
    id = s.UUIDField()
    name = s.CharField()
    version = s.IntegerField()


class OrderRow(Shape):
    """An order as lists show it."""

    code = s.CharField()
    href = s.CharField()
    state = s.ChoiceField(choices=OrderState.choices)
    on_hold = s.BooleanField()
    opened_at = s.DateTimeField()
    closed_at = s.DateTimeField(allow_null=True)
    center = CenterRef()
    manufacturer = s.CharField()
    synthetic = s.BooleanField(help_text="true: a fictional record")
    version = s.IntegerField()
    identity_code = s.CharField(required=False, help_text=f"chain-of-identity identifier; {NOT_FOR_COURIERS}")
    identity_check = s.CharField(
        required=False, help_text=f"its boxed check character: scan fields take it with the code; {NOT_FOR_COURIERS}"
    )
    therapy = TherapyRef(required=False, help_text=NOT_FOR_COURIERS)
    phase = s.ChoiceField(choices=list(PHASE_LABELS.items()), required=False, help_text=NOT_FOR_COURIERS)
    phase_label = s.CharField(required=False, help_text=NOT_FOR_COURIERS)
    plant_site = SiteRef(required=False, allow_null=True, help_text=NOT_FOR_COURIERS)
    flow = FlowRef(required=False, help_text=NOT_FOR_COURIERS)
    specification_version = s.IntegerField(required=False, help_text=NOT_FOR_COURIERS)


class FactRow(Shape):
    """One fact that is missing, and what to do about it."""

    code = s.CharField()
    text = s.CharField()
    remedy = s.CharField(allow_blank=True)


class AvailableAction(Shape):
    """Something these credentials may do now. ``missing`` lists the facts that must be in place first."""

    step = s.CharField(allow_null=True, help_text="key of the step; null for what is done to the order itself")
    kind = s.CharField(help_text="step kind, or `hold`, `lift-hold`, `cancel`")
    title = s.CharField()
    method = s.ChoiceField(choices=["POST"])
    href = s.CharField()
    etag = s.CharField(help_text="send it as `If-Match`")
    inputs_schema = s.CharField(help_text="where this document describes the body")
    signatures = s.IntegerField(help_text="how many people sign")
    missing = FactRow(many=True)


class Turn(Shape):
    """A step that is ready, and whose turn it is."""

    step = s.CharField()
    title = s.CharField()
    organization = s.CharField(allow_null=True)
    site = SiteRef(allow_null=True)
    due_at = s.DateTimeField(allow_null=True)
    mine = s.BooleanField()
    owner = s.CharField(allow_blank=True, help_text="who of the own organization took it over; until when away")
    why_not = s.CharField(allow_blank=True, help_text="why these credentials may not perform it")


class StepRow(Shape):
    """One attempt of a step."""

    key = s.CharField()
    attempt = s.IntegerField()
    kind = s.CharField()
    title = s.CharField()
    phase = s.CharField()
    after = s.ListField(child=s.CharField(), help_text="keys of the steps before")
    state = s.ChoiceField(choices=StepState.choices)
    organization = s.CharField(allow_null=True, help_text="who is responsible")
    site = SiteRef(allow_null=True)
    capability = s.CharField(help_text="the scope that performing it needs")
    signatures = s.IntegerField()
    planned_at = s.DateTimeField(allow_null=True)
    due_at = s.DateTimeField(allow_null=True)
    late = s.BooleanField()
    done_at = s.DateTimeField(allow_null=True)
    done_by = s.CharField(allow_blank=True)
    summary = s.CharField(allow_blank=True)
    etag = s.CharField()
    href = s.CharField()


class WorklistOrder(Shape):
    code = s.CharField()
    href = s.CharField()
    on_hold = s.BooleanField()
    manufacturer = s.CharField()
    therapy = TherapyRef(required=False, help_text=NOT_FOR_COURIERS)


class WorklistRow(StepRow):
    """A step that waits for these credentials."""

    order = WorklistOrder()


class ShownRow(Shape):
    label = s.CharField()  # type: ignore[assignment]
    value = s.CharField(allow_blank=True)


class StepDetail(StepRow):
    """A step with what its performer must see before acting; all of it empty for everybody else."""

    why_not = s.CharField(allow_blank=True, help_text="why these credentials may not perform it")
    not_now = s.CharField(allow_blank=True, help_text="why it is not the time for it")
    may_be_recorded_late = s.BooleanField(help_text="with `late_reason`, if it has happened already")
    shown = ShownRow(many=True, help_text="what the performer must see, and signs")
    missing = FactRow(many=True)
    initial = s.DictField(child=s.JSONField(), help_text="values to begin with")
    inputs_schema = s.CharField()
    verifier = s.CharField(allow_blank=True, help_text="whose people may sign as second person")


class PartyRow(Shape):
    role = s.ChoiceField(choices=Role.choices)
    organization = s.CharField(allow_null=True)
    since = s.DateTimeField()
    until = s.DateTimeField(allow_null=True)


class PatientIdentity(Shape):
    """Only for the patient's own center, in a persona with the scope `read_identity`."""

    id = s.UUIDField()
    family_name = s.CharField()
    given_name = s.CharField()
    birth_date = s.DateField()
    mrn = s.CharField()
    sex = s.CharField()


class ChainLinkRow(Shape):
    kind = s.ChoiceField(choices=LinkKind.choices)
    place = s.CharField()
    resource = s.CharField()
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    zone = s.CharField()


class SlotChainRow(Shape):
    """The linked bookings of an order."""

    state = s.ChoiceField(choices=ChainState.choices)
    held_until = s.DateTimeField()
    renewals = s.IntegerField()
    requested_at = s.DateTimeField(allow_null=True)
    answered_at = s.DateTimeField(allow_null=True)
    decline_reason = s.CharField(allow_blank=True)
    links = ChainLinkRow(many=True)


class OrderDetail(OrderRow):
    """An order with everything these credentials may see of it."""

    plan = s.DictField(child=s.DateTimeField(), help_text="times of the slot chain by name (UTC)")
    parties = PartyRow(many=True)
    steps = StepRow(many=True, help_text="every attempt; a courier sees its own part")
    whose_turn = Turn(many=True)
    available_actions = AvailableAction(many=True)
    hold_reason = s.CharField(required=False, allow_blank=True, help_text=NOT_FOR_COURIERS)
    end_reason = s.CharField(required=False, allow_blank=True, help_text=NOT_FOR_COURIERS)
    slot_chain = SlotChainRow(required=False, allow_null=True, help_text=NOT_FOR_COURIERS)
    patient = PatientIdentity(required=False, allow_null=True, help_text="own center with `read_identity` only")


class StepDone(Shape):
    """What came of a step. The ETag of the step's new version is in the header."""

    order = s.CharField()
    step = s.CharField()
    attempt = s.IntegerField()
    state = s.ChoiceField(choices=StepState.choices)
    version = s.IntegerField()
    summary = s.CharField(allow_blank=True)
    event = s.UUIDField()


class Performed(Shape):
    """The result, and what these credentials may do next."""

    result = StepDone()
    available_actions = AvailableAction(many=True)


class OfferedLink(Shape):
    kind = s.ChoiceField(choices=LinkKind.choices)
    slot_id = s.UUIDField()
    organization_id = s.UUIDField()
    site_id = s.UUIDField(allow_null=True)
    place_name = s.CharField()
    resource_name = s.CharField()
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    window_starts_at = s.DateTimeField()
    window_ends_at = s.DateTimeField()
    slack_hours = s.FloatField(help_text="how much later it could begin in its window")
    zone = s.CharField(help_text="IANA zone of the place; of a lane that of its origin")


class Offer(Shape):
    """A feasible slot chain; hold it by its token."""

    token = s.CharField()
    collection_start = s.DateTimeField()
    collection_end = s.DateTimeField()
    pickup_at = s.DateTimeField()
    arrival_at = s.DateTimeField()
    manufacture_start = s.DateTimeField()
    tentative_return = s.DateTimeField()
    tentative_return_p90 = s.DateTimeField(allow_null=True, help_text="nine times out of ten by then, if worked out")
    earliest_infusion = s.DateTimeField()
    second_dose = s.DateTimeField(allow_null=True)
    links = OfferedLink(many=True)
    slack_hours = s.FloatField(allow_null=True, help_text="hours left of the age limit on arrival")
    vein_to_vein_days = s.FloatField(help_text="from the first collection to the earliest infusion")
    lead_times = s.ListField(child=s.CharField(), help_text="overridden lead times that were applied, in words")


class RefusedDateRow(Shape):
    date = s.DateField()
    code = s.ChoiceField(choices=Constraint.values, help_text="the first constraint that it violates; stable")
    text = s.CharField(help_text="the same in words")


class SlotSearch(Shape):
    """Feasible slot chains, earliest infusion first, and why each other date has none."""

    step = s.CharField(help_text="key of the booking step")
    etag = s.CharField()
    slot_chain = SlotChainRow(allow_null=True)
    found = s.IntegerField(help_text="how many feasible chains there are: one per date and plant")
    offers = Offer(many=True)
    refused = RefusedDateRow(many=True)


class SignatureRow(Shape):
    person = s.CharField()
    organization = s.CharField()
    persona = s.CharField()
    capability = s.CharField()
    meaning = s.CharField()
    method = s.CharField()
    signed_at = s.DateTimeField()
    zone = s.CharField()
    content_hash = s.CharField(help_text="SHA-256 of exactly what was signed")
    event = s.UUIDField()


class EventRow(Shape):
    """One thing that happened, in words for the reader's role."""

    id = s.UUIDField()
    kind = s.CharField()
    label = s.CharField()  # type: ignore[assignment]
    text = s.CharField()
    subject = s.CharField(allow_blank=True)
    occurred_at = s.DateTimeField()
    zone = s.CharField()
    recorded_at = s.DateTimeField()
    device_time = s.DateTimeField(allow_null=True, help_text="the clock of the device that sent it")
    clock_off = s.BooleanField(help_text="true when that clock was off by more than five minutes")
    organization = s.CharField()
    actor = s.CharField(help_text="person, key or system job, as named then")
    channel = s.ChoiceField(choices=Channel.choices)
    reason = s.CharField(required=False, allow_blank=True, help_text=NOT_FOR_COURIERS)
    facts = s.DictField(required=False, child=s.JSONField(), help_text=NOT_FOR_COURIERS)


class CustodyRow(Shape):
    organization = s.CharField()
    site = SiteRef(allow_null=True)
    since = s.DateTimeField()
    until = s.DateTimeField(allow_null=True)


class ContainerRow(Shape):
    """A bag, vial or kit, with its chain of custody."""

    code = s.CharField()
    kind = s.CharField()
    vessel = s.CharField(allow_blank=True, help_text="what it physically is, where that is known")
    position = s.IntegerField(help_text="k of n, within its batch or collection")
    count = s.IntegerField(help_text="n")
    state = s.CharField()
    volume_ml = s.DecimalField(max_digits=8, decimal_places=2, allow_null=True)
    collected_at = s.DateTimeField(allow_null=True)
    ended_at = s.DateTimeField(allow_null=True)
    expires_at = s.DateTimeField(allow_null=True)
    thawed_at = s.DateTimeField(allow_null=True)
    storage_location = s.CharField(allow_blank=True)
    donation_number = s.CharField(allow_blank=True)
    lot = s.CharField(allow_blank=True)
    serial = s.CharField(allow_blank=True)
    quarantine_reason = s.CharField(allow_blank=True)
    custody = CustodyRow(many=True)


class SealCheckRow(Shape):
    stage = s.CharField()
    seal_seen = s.CharField()
    matches = s.BooleanField()
    seen_at = s.DateTimeField()


class ShipmentRow(Shape):
    """A sealed shipper and its hand-overs."""

    code = s.CharField(help_text="outer code")
    direction = s.CharField()
    state = s.CharField()
    from_site = SiteRef()
    to_site = SiteRef()
    courier = s.CharField()
    shipper_code = s.CharField()
    seal_code = s.CharField()
    logger_code = s.CharField(allow_blank=True)
    packed_at = s.DateTimeField()
    picked_up_at = s.DateTimeField(allow_null=True)
    delivered_at = s.DateTimeField(allow_null=True)
    opened_at = s.DateTimeField(allow_null=True)
    seal_checks = SealCheckRow(many=True)
    containers = s.ListField(child=s.CharField(), required=False, help_text=NOT_FOR_COURIERS)


class TherapyRow(TherapyRef):
    manufacturer = s.CharField(allow_null=True)
    synthetic = s.BooleanField()


class SiteRow(SiteRef):
    organization = s.CharField()
    organization_role = s.ChoiceField(choices=Role.choices)


class FlowRow(FlowRef):
    """A version of a therapy's flow."""

    title = s.CharField()
    state = s.ChoiceField(choices=FlowState.choices)
    therapy = TherapyRef()
    manufacturer = s.CharField()
    approved_at = s.DateTimeField(allow_null=True)
    href = s.CharField()


class FlowStepDefinition(Shape):
    """One step of a flow; the engine names every fault of it."""

    key = s.SlugField(max_length=64)
    kind = s.CharField(max_length=64)
    title = s.CharField(max_length=120)
    actor = s.CharField(max_length=24)
    phase = s.CharField(max_length=24)
    capability = s.CharField(max_length=64, required=False)
    after = s.ListField(child=s.CharField(max_length=64), required=False)
    condition = s.ListField(
        child=s.ListField(child=s.JSONField(), min_length=3, max_length=3),
        required=False,
        help_text="[[fact, operator, value], …], all true",
    )
    may_repeat = s.BooleanField(required=False)
    due = s.DictField(
        child=s.JSONField(), required=False, help_text="{step or plan: name, hours: n, escalate_hours: n}"
    )
    planned = s.CharField(max_length=32, required=False, allow_blank=True)
    signatures = s.IntegerField(min_value=0, max_value=5, required=False)
    meaning = s.CharField(max_length=64, required=False, allow_blank=True)
    parameters = s.DictField(child=s.JSONField(), required=False)


class FlowDefinition(Shape):
    """A flow as data: who does what, after what, within which limits, with how many signatures."""

    name = s.SlugField(max_length=64)
    title = s.CharField(max_length=200)
    steps = FlowStepDefinition(many=True, allow_empty=False)


class FlowDetail(FlowRow):
    definition = FlowDefinition()


class FlowProposal(Shape):
    """A new version for a therapy of the acting manufacturer."""

    therapy = s.SlugField(max_length=40)
    definition = FlowDefinition()


class SlotRow(Shape):
    """A window in which a resource offers places."""

    id = s.UUIDField()
    resource = s.CharField()
    resource_name = s.CharField()
    kind = s.ChoiceField(choices=ResourceKind.choices)
    organization = s.CharField(allow_null=True)
    site = s.CharField(allow_null=True, help_text="site code")
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    places_free = s.IntegerField()
    capacity = s.IntegerField(required=False, help_text="own slots only")
    taken = s.IntegerField(required=False, help_text="own slots only")


class Reason(Shape):
    """Why; the reason is part of the record."""

    reason = s.CharField()


class MaterialRef(Shape):
    code = s.CharField()
    state = s.CharField()


class CodeMeaning(Shape):
    """What a code names."""

    order = s.CharField()
    href = s.CharField()
    kind = s.CharField(help_text="`identity`, `box`, or the kind of container")
    box = s.CharField(required=False, help_text="outer code")
    identity_code = s.CharField(required=False, help_text=NOT_FOR_COURIERS)
    container = MaterialRef(required=False, help_text=NOT_FOR_COURIERS)


class HeldRow(Shape):
    """A container in the organization's custody."""

    container = s.CharField()
    kind = s.CharField()
    state = s.CharField()
    site = SiteRef(allow_null=True)
    since = s.DateTimeField()
    order = s.CharField(allow_null=True)


class KnownPatient(Shape):
    """A patient of the own center, with the orders there are."""

    patient = s.UUIDField()
    orders = s.ListField(child=s.CharField(), help_text="codes, newest first")
