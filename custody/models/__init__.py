from custody.models.aliases import Alias
from custody.models.donations import Donation
from custody.models.genealogy import Conversion, Genealogy
from custody.models.identity import ChainOfIdentity, FacilityCounter
from custody.models.labels import Label
from custody.models.material import Container, StockUnit
from custody.models.movement import CustodyPeriod, SealCheck, Shipment, ShipmentItem
from custody.models.numbering import NumberingScheme, NumberPrefix
from custody.models.store import StoreUnit
from custody.models.templates import LabelDesign
from custody.models.vault import BlindIndex, Patient, PatientKey, SealedIdentity

__all__ = [
    "Alias",
    "BlindIndex",
    "ChainOfIdentity",
    "Container",
    "Conversion",
    "CustodyPeriod",
    "Donation",
    "FacilityCounter",
    "Genealogy",
    "Label",
    "LabelDesign",
    "NumberPrefix",
    "NumberingScheme",
    "Patient",
    "PatientKey",
    "SealCheck",
    "SealedIdentity",
    "Shipment",
    "ShipmentItem",
    "StockUnit",
    "StoreUnit",
]
