from django.urls import path, register_converter

from orders.views import (
    committee,
    dates,
    disruptions,
    documents,
    dossiers,
    enrolment,
    equity,
    evidence,
    finding,
    flows,
    gantt,
    identity,
    network,
    order,
    order_list,
    pickups,
    quality_acts,
    quotas,
    records,
    remanufacture,
    repairs,
    revocation,
    station,
    step,
    swaps,
    waiting,
    worklist,
)
from orders.views.desks import planner, quality_control


class OrderCode:
    """An order's public code, in either case: ``CT-7K3M-9QXB``."""

    regex = "[Cc][Tt]-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}"

    def to_python(self, value: str) -> str:
        return value.upper()

    def to_url(self, value: str) -> str:
        return str(value)


register_converter(OrderCode, "order")

app_name = "orders"
urlpatterns = [
    path("", worklist.home, name="home"),
    path("worklist/", worklist.worklist, name="worklist"),
    path("find/", finding.find, name="find"),
    path("orders/", order_list.order_list, name="list"),
    path("orders/new/", enrolment.new_order, name="new"),
    path("orders/<order:code>/", order.order_page, name="order"),
    path("orders/<order:code>/station/", station.station, name="station"),
    path("orders/<order:code>/hold/", order.put_on_hold, name="hold"),
    path("orders/<order:code>/lift/", order.lift_hold, name="lift"),
    path("orders/<order:code>/cancel/", order.cancel, name="cancel"),
    path("orders/<order:code>/renew/", order.renew, name="renew"),
    path("orders/<order:code>/material/<str:container>/decide/", order.dispose, name="dispose"),
    path("orders/<order:code>/dates/", dates.dates, name="dates"),
    path("orders/<order:code>/dates/answer/", dates.answer, name="answer_dates"),
    path("orders/<order:code>/dates/withdraw/", dates.withdraw, name="withdraw_dates"),
    path("orders/<order:code>/swap/", swaps.swap, name="swap"),
    path("orders/<order:code>/swap/<uuid:swap_id>/answer/", swaps.answer, name="answer_swap"),
    path("orders/<order:code>/swap/<uuid:swap_id>/withdraw/", swaps.withdraw, name="withdraw_swap"),
    path("orders/<order:code>/gantt/", gantt.gantt, name="gantt"),
    path("orders/<order:code>/remanufacture/", remanufacture.remanufacture, name="remanufacture"),
    path("orders/<order:code>/identity/", identity.lift_query, name="identity"),
    path("orders/<order:code>/labels.pdf", documents.labels, name="labels"),
    path("orders/<order:code>/certificate.pdf", documents.certificate, name="certificate"),
    path("orders/<order:code>/boxes/<str:box>/packing-list/", documents.packing_list, name="packing_list"),
    path("orders/<order:code>/dossier.zip", dossiers.dossier, name="dossier"),
    path("orders/<order:code>/revoke-release/", revocation.revoke, name="revoke_release"),
    path("orders/<order:code>/deviations/", quality_acts.open_by_hand, name="open_deviation"),
    path("orders/<order:code>/deviations/<slug:number>/close/", order.end_deviation, name="close_deviation"),
    path("orders/<order:code>/results/<uuid:result>/invalidate/", quality_acts.invalidate, name="invalidate_result"),
    path("orders/<order:code>/evidence/", evidence.evidence_page, name="evidence"),
    path("orders/<order:code>/steps/<slug:key>/", step.step_page, name="step"),
    path("orders/<order:code>/steps/<slug:key>/failed/", pickups.failed, name="pickup_failed"),
    path("orders/<order:code>/steps/<slug:key>/delay/", pickups.delay, name="delay"),
    path("orders/<order:code>/steps/<slug:key>/repeat/", order.repeat, name="repeat"),
    path("orders/<order:code>/record/", records.record, name="record"),
    path("network/sites/authorize/", network.authorize, name="authorize_site"),
    path("network/sites/suspend/", network.suspend, name="suspend_site"),
    path("network/sites/lymphodepletion/", network.lymphodepletion, name="set_lymphodepletion"),
    path("record/", records.find, name="find_record"),
    path("record/verify/", dossiers.verify, name="verify"),
    path("record/verify/tampered/", dossiers.try_tampered, name="try_tampered"),
    path("desk/requests/", planner.answer, name="answer_request"),
    path("desk/results/<order:code>/", quality_control.enter, name="enter_results"),
    path("disruptions/", disruptions.register, name="disruptions"),
    path("disruptions/open/", disruptions.open_one, name="open_disruption"),
    path("disruptions/what-if/", disruptions.what_if, name="what_if"),
    path("disruptions/moves/<uuid:move_id>/", disruptions.answer, name="answer_move"),
    path("disruptions/repairs/<uuid:run_id>/", repairs.repair, name="repair"),
    path("disruptions/repairs/<uuid:run_id>/progress/", repairs.progress, name="repair_progress"),
    path("disruptions/repairs/<uuid:run_id>/cancel/", repairs.cancel, name="cancel_repair"),
    path("disruptions/repairs/<uuid:run_id>/edit/", repairs.edit, name="edit_repair"),
    path("disruptions/repairs/<uuid:run_id>/sign/", repairs.sign, name="sign_repair"),
    path("disruptions/<uuid:disruption_id>/", disruptions.one, name="disruption"),
    path("disruptions/<uuid:disruption_id>/end/", disruptions.end, name="end_disruption"),
    path("disruptions/<uuid:disruption_id>/repair/", disruptions.start, name="start_repair"),
    path("waiting/", waiting.waiting_list, name="waiting"),
    path("waiting/add/", waiting.add, name="add_waiting"),
    path("waiting/committee/", committee.decide, name="committee"),
    path("waiting/criteria/", committee.criteria, name="waiting_criteria"),
    path("waiting/criteria/<uuid:criteria>/publish/", committee.publish, name="publish_criteria"),
    path("waiting/equity/", equity.report, name="equity"),
    path("waiting/equity.csv", equity.file, name="equity_file"),
    path("waiting/offers/<uuid:offer>/", waiting.answer, name="answer_offer"),
    path("waiting/<uuid:entry>/score/", waiting.score, name="score_waiting"),
    path("waiting/<uuid:entry>/withdraw/", waiting.withdraw, name="withdraw_waiting"),
    path("waiting/<uuid:entry>/appeal/", waiting.appeal, name="appeal_rank"),
    path("quotas/", quotas.quotas, name="quotas"),
    path("quotas/<uuid:quota>/", quotas.change, name="change_quota"),
    path("flows/", flows.flow_list, name="flows"),
    path("flows/<uuid:flow_id>/", flows.flow_page, name="flow"),
    path("flows/<uuid:flow_id>/file.yaml", flows.flow_file, name="flow_file"),
    path("flows/<uuid:flow_id>/approve/", flows.approve, name="approve_flow"),
    path("flows/<uuid:flow_id>/retire/", flows.retire, name="retire_flow"),
]
