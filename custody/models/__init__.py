from custody.models.aliases import Alias
from custody.models.donations import Donation, DonationWithdrawal
from custody.models.equipment import Equipment
from custody.models.genealogy import Conversion, Genealogy
from custody.models.identity import ChainOfIdentity, FacilityCounter
from custody.models.jobs import CourierJob, JobDue
from custody.models.label_prints import LabelPrint
from custody.models.labels import Label
from custody.models.lots import UsedLot
from custody.models.material import Container, StockUnit
from custody.models.movement import CustodyPeriod, SealCheck, Shipment, ShipmentItem, ShipperSwap, WayReport
from custody.models.numbering import NumberingScheme, NumberPrefix
from custody.models.photos import BoxPhoto
from custody.models.readings import BoxCondition, LoggerLayout, ReadingBlock, ReadingUpload
from custody.models.returns import ReturnDue, ShipperReturn
from custody.models.store import StoreUnit
from custody.models.store_alarms import StoreAlarm, StoreAlarmDue, StoreReadingBlock
from custody.models.templates import LabelDesign
from custody.models.vault import BlindIndex, Patient, PatientKey, SealedIdentity

__all__ = [
    "Alias",
    "BlindIndex",
    "BoxCondition",
    "ChainOfIdentity",
    "Container",
    "Conversion",
    "CourierJob",
    "CustodyPeriod",
    "Donation",
    "DonationWithdrawal",
    "Equipment",
    "FacilityCounter",
    "Genealogy",
    "JobDue",
    "Label",
    "LabelDesign",
    "LabelPrint",
    "LoggerLayout",
    "NumberPrefix",
    "NumberingScheme",
    "Patient",
    "PatientKey",
    "ReadingBlock",
    "ReadingUpload",
    "ReturnDue",
    "SealCheck",
    "SealedIdentity",
    "BoxPhoto",
    "Shipment",
    "ShipmentItem",
    "ShipperReturn",
    "ShipperSwap",
    "StockUnit",
    "StoreAlarm",
    "StoreAlarmDue",
    "StoreReadingBlock",
    "StoreUnit",
    "UsedLot",
    "WayReport",
]
