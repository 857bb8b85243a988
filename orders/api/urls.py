from django.urls import path

from orders.api import catalog, orders, record, slot_chains, steps

urlpatterns = [
    path("orders", orders.OrdersView.as_view(), name="orders"),
    path("orders/<slug:code>", orders.OrderView.as_view(), name="order"),
    path("orders/<slug:code>/hold", orders.HoldView.as_view(), name="hold"),
    path("orders/<slug:code>/lift-hold", orders.LiftHoldView.as_view(), name="lift-hold"),
    path("orders/<slug:code>/remanufacture", orders.RemanufactureView.as_view(), name="remanufacture"),
    path("orders/<slug:code>/cancel", orders.CancelView.as_view(), name="cancel"),
    path("orders/<slug:code>/steps", steps.StepsView.as_view(), name="steps"),
    path("orders/<slug:code>/steps/<slug:key>", steps.StepView.as_view(), name="step"),
    path("orders/<slug:code>/steps/<slug:key>/repeat", steps.RepeatView.as_view(), name="repeat"),
    path("orders/<slug:code>/slot-chains", slot_chains.SlotChainsView.as_view(), name="slot-chains"),
    path("orders/<slug:code>/slot-chains/hold", slot_chains.HoldChainView.as_view(), name="hold-chain"),
    path("orders/<slug:code>/slot-chains/renew", slot_chains.RenewChainView.as_view(), name="renew-chain"),
    path("orders/<slug:code>/slot-chains/request", slot_chains.RequestChainView.as_view(), name="request-chain"),
    path("orders/<slug:code>/slot-chains/confirm", slot_chains.ConfirmChainView.as_view(), name="confirm-chain"),
    path("orders/<slug:code>/slot-chains/decline", slot_chains.DeclineChainView.as_view(), name="decline-chain"),
    path("orders/<slug:code>/events", record.EventsView.as_view(), name="events"),
    path("orders/<slug:code>/signatures", record.SignaturesView.as_view(), name="signatures"),
    path("orders/<slug:code>/material", record.MaterialView.as_view(), name="material"),
    path("orders/<slug:code>/shipments", record.ShipmentsView.as_view(), name="shipments"),
    path("orders/<slug:code>/labels.pdf", record.LabelsView.as_view(), name="labels"),
    path("orders/<slug:code>/certificate.pdf", record.CertificateView.as_view(), name="certificate"),
    path("worklist", steps.WorklistView.as_view(), name="worklist"),
    path("therapies", catalog.TherapiesView.as_view(), name="therapies"),
    path("sites", catalog.SitesView.as_view(), name="sites"),
    path("flows", catalog.FlowsView.as_view(), name="flows"),
    path("flows/<uuid:flow_id>", catalog.FlowView.as_view(), name="flow"),
    path("flows/<uuid:flow_id>/approve", catalog.ApproveFlowView.as_view(), name="approve-flow"),
    path("slots", catalog.SlotsView.as_view(), name="slots"),
]
