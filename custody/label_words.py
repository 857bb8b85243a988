"""The words that a label's own text is made of, in the languages that a market may ask for.

Sources of the statements: 21 CFR 1271.90(c) and ISBT 128 ST-001 in English; the other languages are our translations,
which the people who approve a template answer for.
"""

from __future__ import annotations

from custody.states import LabelLanguage, LabelTemplate

_EN, _DE, _FR, _ES, _IT = LabelLanguage

WORDS: dict[str, dict[str, str]] = {
    "collected": {_EN: "Collected", _DE: "Entnommen", _FR: "Prélevé", _ES: "Extraído", _IT: "Prelevato"},
    "filled": {_EN: "Filled", _DE: "Abgefüllt", _FR: "Rempli", _ES: "Envasado", _IT: "Riempito"},
    "expires": {_EN: "Expires", _DE: "Verfall", _FR: "Expire", _ES: "Caduca", _IT: "Scadenza"},
    "volume": {_EN: "Volume", _DE: "Volumen", _FR: "Volume", _ES: "Volumen", _IT: "Volume"},
    "anticoagulant": {
        _EN: "Anticoagulant",
        _DE: "Antikoagulans",
        _FR: "Anticoagulant",
        _ES: "Anticoagulante",
        _IT: "Anticoagulante",
    },
    "product_code": {_EN: "Code", _DE: "Code", _FR: "Code", _ES: "Código", _IT: "Codice"},
    "lot": {_EN: "Lot", _DE: "Ch.-B.", _FR: "Lot", _ES: "Lote", _IT: "Lotto"},
    "serial": {_EN: "Serial", _DE: "Serien-Nr.", _FR: "Série", _ES: "Serie", _IT: "Serie"},
    "storage": {_EN: "Store", _DE: "Lagern", _FR: "Conserver", _ES: "Conservar", _IT: "Conservare"},
}

_FURTHER: dict[str, str] = {
    _EN: "FOR FURTHER MANUFACTURE",
    _DE: "ZUR WEITERVERARBEITUNG",
    _FR: "POUR FABRICATION ULTÉRIEURE",
    _ES: "PARA FABRICACIÓN POSTERIOR",
    _IT: "PER ULTERIORE LAVORAZIONE",
}
WARNINGS: dict[str, tuple[dict[str, str], ...]] = {
    LabelTemplate.COLLECTION: (_FURTHER,),
    LabelTemplate.INTERMEDIATE: (_FURTHER,),
    LabelTemplate.SAMPLE: (
        {
            _EN: "SAMPLE - NOT FOR PATIENT USE",
            _DE: "PROBE - NICHT ZUR ANWENDUNG AM PATIENTEN",
            _FR: "ÉCHANTILLON - NE PAS ADMINISTRER AU PATIENT",
            _ES: "MUESTRA - NO ADMINISTRAR AL PACIENTE",
            _IT: "CAMPIONE - NON SOMMINISTRARE AL PAZIENTE",
        },
    ),
    LabelTemplate.PRODUCT: (
        {
            _EN: "DO NOT IRRADIATE. NO LEUKOREDUCTION FILTER",
            _DE: "NICHT BESTRAHLEN. KEIN LEUKOZYTENFILTER",
            _FR: "NE PAS IRRADIER. PAS DE FILTRE DE DÉLEUCOCYTATION",
            _ES: "NO IRRADIAR. SIN FILTRO DE LEUCORREDUCCIÓN",
            _IT: "NON IRRADIARE. NESSUN FILTRO PER LEUCORIDUZIONE",
        },
    ),
}
_AUTOLOGOUS: dict[str, str] = {
    _EN: "FOR AUTOLOGOUS USE ONLY",
    _DE: "NUR ZUR AUTOLOGEN ANWENDUNG",
    _FR: "USAGE AUTOLOGUE UNIQUEMENT",
    _ES: "SOLO PARA USO AUTÓLOGO",
    _IT: "SOLO PER USO AUTOLOGO",
}
_NOT_EVALUATED: dict[str, str] = {
    _EN: "NOT EVALUATED FOR INFECTIOUS SUBSTANCES",
    _DE: "NICHT AUF INFEKTIONSERREGER UNTERSUCHT",
    _FR: "SUBSTANCES INFECTIEUSES NON ÉVALUÉES",
    _ES: "NO EVALUADO PARA SUSTANCIAS INFECCIOSAS",
    _IT: "NON VALUTATO PER SOSTANZE INFETTIVE",
}
_BIOHAZARD: dict[str, str] = {
    _EN: "BIOHAZARD - INFECTIOUS SUBSTANCES FOUND: ADVISE PATIENT OF RISKS",
    _DE: "BIOGEFÄHRDUNG - ERREGER NACHGEWIESEN: PATIENTEN AUFKLÄREN",
    _FR: "DANGER BIOLOGIQUE - AGENTS DÉTECTÉS: INFORMER LE PATIENT",
    _ES: "RIESGO BIOLÓGICO - AGENTES DETECTADOS: INFORMAR AL PACIENTE",
    _IT: "RISCHIO BIOLOGICO - AGENTI RILEVATI: INFORMARE IL PAZIENTE",
}
TESTED_KINDS = (LabelTemplate.COLLECTION, LabelTemplate.INTERMEDIATE, LabelTemplate.SAMPLE)
# By the result of the donor's tests: nothing to say once they are complete and negative (T30, 21 CFR 1271.90(c)).
TESTS: dict[str, tuple[dict[str, str], ...]] = {
    "": (_NOT_EVALUATED,),
    "pending": (_NOT_EVALUATED,),
    "negative": (),
    "positive": (_BIOHAZARD,),
}
FICTIONAL = "FICTIONAL DEMONSTRATION - NOT FOR USE"
UNPRINTABLE = "Name in a script that this label cannot show: read the wristband"


def word(key: str, languages: tuple[str, ...]) -> str:
    """Return a title in each of the languages, once where they agree: ``Verfall / Expires``."""
    return " / ".join(dict.fromkeys(WORDS[key][language] for language in languages))


def statements(kind: str, languages: tuple[str, ...], *, autologous: bool, infectious_tests: str = "") -> list[str]:
    """Return what a label of this kind must warn of, one statement in all languages after the other.

    ``infectious_tests``: ``negative``, ``positive``, ``pending`` or unknown; what is made by donation says it.
    """
    own = [_AUTOLOGOUS] if autologous and kind != LabelTemplate.SAMPLE else []
    tested = TESTS[infectious_tests] if kind in TESTED_KINDS and (autologous or infectious_tests) else ()
    told = [*own, *tested, *WARNINGS[kind]]
    return [" / ".join(dict.fromkeys(statement[language] for language in languages)) for statement in told]
