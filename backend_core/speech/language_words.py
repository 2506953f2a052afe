"""What the normaliser must know of a language: abbreviations, units, money, months and how numbers are written.

English, German, French and Spanish are described; every other language gets ``PLAIN``, which changes nothing it cannot be sure of.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

TITLE: Final = "title"
"""Stands before a name and never ends a sentence: Dr., Mme."""
BEFORE_NUMBER: Final = "number"
"""An abbreviation only where a digit follows: No. 5, S. 12."""
MAY_END: Final = "may_end"
"""Can be the last word of a sentence: etc., usw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageWords:
    """One language.

    Attributes:
        decimal: the decimal sign; empty where unknown, then numbers are left alone.
        grouping: signs that may stand between groups of three digits.
        abbreviations: written form to (spoken form, kind).
        units: symbol to (spoken after 1, spoken after other numbers).
        currencies: sign to (spoken after 1, spoken after other numbers).
        percent, dot, at, until, minus: single words.
        months: twelve names.
        starters: words, lower case, that show a new sentence after a dot that could belong to an abbreviation.
        hour: word between hours and minutes; empty where the engine reads 14:30 well.
        magnitudes: pattern of the words that may follow an amount of money.
        ordinal: pattern of an ordinal number.
        month_first: True where 3/14 is the 14th of March.
    """

    decimal: str = ""
    grouping: str = ""
    abbreviations: dict[str, tuple[str, str]] = field(default_factory=dict)
    units: dict[str, tuple[str, str]] = field(default_factory=dict)
    currencies: dict[str, tuple[str, str]] = field(default_factory=dict)
    percent: str = ""
    dot: str = ""
    at: str = ""
    until: str = ""
    minus: str = ""
    months: tuple[str, ...] = ()
    starters: frozenset[str] = frozenset()
    hour: str = ""
    magnitudes: str = ""
    ordinal: str = ""
    month_first: bool = False


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def _pairs(table: str) -> dict[str, tuple[str, str]]:
    """Read ``symbol singular|plural`` entries separated by semicolons; one word serves for both if there is no bar."""
    found = {}
    for entry in table.split(";"):
        symbol, _, words = entry.strip().partition(" ")
        one, _, many = words.partition("|")
        found[symbol] = (one, many or one)
    return found


def _abbreviations(*, title: str = "", number: str = "", may_end: str = "") -> dict[str, tuple[str, str]]:
    """Read ``written=spoken`` entries separated by semicolons, for each kind of abbreviation."""
    found = {}
    for kind, table in ((TITLE, title), (BEFORE_NUMBER, number), (MAY_END, may_end)):
        for entry in filter(None, (part.strip() for part in table.split(";"))):
            written, _, spoken = entry.partition("=")
            found[written] = (spoken, kind)
            found[written[0].upper() + written[1:]] = (spoken, kind)
    return found


_ENGLISH: Final = LanguageWords(
    decimal=".",
    grouping=",",
    abbreviations=_abbreviations(
        title="Dr.=Doctor; Mr.=Mister; Mrs.=Missis; Ms.=Miz; Prof.=Professor; St.=Saint; Rev.=Reverend; Hon.=Honourable; Gen.=General; "
        "Col.=Colonel; Capt.=Captain; Lt.=Lieutenant; Sgt.=Sergeant; Sen.=Senator; Rep.=Representative; Gov.=Governor; Messrs.=Messieurs; "
        "e.g.=for example; e. g.=for example; i.e.=that is; i. e.=that is; vs.=versus; cf.=compare; viz.=namely; approx.=approximately; "
        "ca.=about",
        number="no.=number; nos.=numbers; p.=page; pp.=pages; vol.=volume; ch.=chapter; sec.=section; fig.=figure; figs.=figures; "
        "eq.=equation; art.=article; para.=paragraph; ver.=version",
        may_end="etc.=et cetera; et al.=et al; Jr.=Junior; Sr.=Senior; Inc.=Incorporated; Ltd.=Limited; Co.=Company; Corp.=Corporation; "
        "Ave.=Avenue; Blvd.=Boulevard; Rd.=Road; Dept.=Department; Univ.=University; a.m.=a m; p.m.=p m; Ph.D.=P H D; B.C.=B C; A.D.=A D",
    ),
    units=_pairs(
        "km kilometre|kilometres; m metre|metres; cm centimetre|centimetres; mm millimetre|millimetres; kg kilogram|kilograms; "
        "g gram|grams; mg milligram|milligrams; l litre|litres; ml millilitre|millilitres; km/h kilometre per hour|kilometres per hour; "
        "m/s metre per second|metres per second; mph mile per hour|miles per hour; °C degree Celsius|degrees Celsius; "
        "°F degree Fahrenheit|degrees Fahrenheit; ° degree|degrees; m² square metre|square metres; km² square kilometre|square kilometres; "
        "m³ cubic metre|cubic metres; Hz hertz; kHz kilohertz; MHz megahertz; GHz gigahertz; kB kilobyte|kilobytes; KB kilobyte|kilobytes; "
        "MB megabyte|megabytes; GB gigabyte|gigabytes; TB terabyte|terabytes; kW kilowatt|kilowatts; kWh kilowatt hour|kilowatt hours; "
        "W watt|watts; V volt|volts; ms millisecond|milliseconds; s second|seconds; min minute|minutes; h hour|hours; "
        "ft foot|feet; lb pound|pounds; oz ounce|ounces; ha hectare|hectares"
    ),
    currencies=_pairs("$ dollar|dollars; € euro|euros; £ pound|pounds; ¥ yen; ₹ rupee|rupees"),
    percent="percent",
    dot="dot",
    at="at",
    until="to",
    minus="minus",
    months=_listed("January February March April May June July August September October November December"),
    magnitudes="thousand|million|billion|trillion",
    starters=frozenset(
        _listed(
            "the a an this that these those it its he she we you they i his her our your their my there here in on at as if when "
            "while after before but and so then however for from by with what who why how where no not all some many most each every "
            "one two"
        )
    ),
)

_GERMAN: Final = LanguageWords(
    decimal=",",
    grouping=".\u00a0\u202f\u2009",
    abbreviations=_abbreviations(
        title="Dr.=Doktor; Prof.=Professor; Hr.=Herr; Hrn.=Herrn; Fr.=Frau; Dipl.-Ing.=Diplomingenieur; St.=Sankt; "
        "z. B.=zum Beispiel; z.B.=zum Beispiel; d. h.=das heißt; d.h.=das heißt; u. a.=unter anderem; u.a.=unter anderem; "
        "i. d. R.=in der Regel; i.d.R.=in der Regel; z. T.=zum Teil; z.T.=zum Teil; s. o.=siehe oben; s. u.=siehe unten; "
        "ca.=circa; vgl.=vergleiche; bzw.=beziehungsweise; evtl.=eventuell; ggf.=gegebenenfalls; inkl.=inklusive; exkl.=exklusive; "
        "sog.=sogenannte; geb.=geboren; gest.=gestorben; v. Chr.=vor Christus; n. Chr.=nach Christus; o. g.=oben genannte; "
        "Mio.=Millionen; Mrd.=Milliarden",
        number="Nr.=Nummer; S.=Seite; Abb.=Abbildung; Kap.=Kapitel; Bd.=Band; Art.=Artikel; Abs.=Absatz; Tab.=Tabelle; Tel.=Telefon",
        may_end="usw.=und so weiter; etc.=et cetera; u. v. m.=und vieles mehr; ff.=folgende; Jh.=Jahrhundert; Str.=Straße; Std.=Stunden; "
        "Min.=Minuten; Sek.=Sekunden",
    ),
    units=_pairs(
        "km Kilometer; m Meter; cm Zentimeter; mm Millimeter; kg Kilogramm; g Gramm; mg Milligramm; l Liter; ml Milliliter; "
        "km/h Kilometer pro Stunde; m/s Meter pro Sekunde; °C Grad Celsius; ° Grad; m² Quadratmeter; km² Quadratkilometer; "
        "m³ Kubikmeter; Hz Hertz; kHz Kilohertz; MHz Megahertz; GHz Gigahertz; kB Kilobyte; KB Kilobyte; MB Megabyte; GB Gigabyte; "
        "TB Terabyte; kW Kilowatt; kWh Kilowattstunde|Kilowattstunden; W Watt; V Volt; ms Millisekunde|Millisekunden; "
        "s Sekunde|Sekunden; min Minute|Minuten; h Stunde|Stunden; ha Hektar"
    ),
    currencies=_pairs("€ Euro; $ Dollar; £ Pfund; ¥ Yen"),
    percent="Prozent",
    dot="Punkt",
    at="ät",
    until="bis",
    minus="minus",
    months=_listed("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    hour="Uhr",
    magnitudes=r"Tausend|Mio\.|Mrd\.|Millionen?|Milliarden?",
    ordinal=r"[0-9]{1,2}\.(?=\s(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert))",
    starters=frozenset(
        _listed(
            "der die das dem den des ein eine einer eines einem einen dies diese dieser dieses es er sie wir ihr ich man in im am an "
            "auf aus bei mit nach von vom zu zum zur und aber doch denn so da dann wenn als weil während nicht kein keine was wer wie "
            "wo warum hier"
        )
    ),
)

_FRENCH: Final = LanguageWords(
    decimal=",",
    grouping=".\u00a0\u202f\u2009 ",
    abbreviations=_abbreviations(
        title="M.=Monsieur; MM.=Messieurs; Mme=Madame; Mmes=Mesdames; Mlle=Mademoiselle; Dr=Docteur; Dr.=Docteur; Pr=Professeur; "
        "St=Saint; Ste=Sainte; p. ex.=par exemple; c.-à-d.=c'est-à-dire; env.=environ; cf.=voir; av.=avant; "
        "av. J.-C.=avant Jésus-Christ; apr. J.-C.=après Jésus-Christ; bd=boulevard",
        number="n°=numéro; nº=numéro; no=numéro; p.=page; pp.=pages; chap.=chapitre; vol.=volume; fig.=figure; "
        "art.=article; tél.=téléphone",
        may_end="etc.=et cetera; et al.=et al",
    ),
    units=_pairs(
        "km kilomètre|kilomètres; m mètre|mètres; cm centimètre|centimètres; mm millimètre|millimètres; kg kilogramme|kilogrammes; "
        "g gramme|grammes; mg milligramme|milligrammes; l litre|litres; ml millilitre|millilitres; "
        "km/h kilomètre par heure|kilomètres par heure; °C degré Celsius|degrés Celsius; ° degré|degrés; m² mètre carré|mètres carrés; "
        "km² kilomètre carré|kilomètres carrés; m³ mètre cube|mètres cubes; Hz hertz; kHz kilohertz; MHz mégahertz; GHz gigahertz; "
        "Ko kilooctet|kilooctets; Mo mégaoctet|mégaoctets; Go gigaoctet|gigaoctets; kW kilowatt|kilowatts; W watt|watts; V volt|volts; "
        "ms milliseconde|millisecondes; s seconde|secondes; min minute|minutes; h heure|heures; ha hectare|hectares"
    ),
    currencies=_pairs("€ euro|euros; $ dollar|dollars; £ livre|livres; ¥ yen|yens"),
    percent="pour cent",
    dot="point",
    at="arobase",
    until="à",
    minus="moins",
    months=_listed("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    hour="heures",
    magnitudes="mille|millions?|milliards?",
    ordinal=r"(?:[0-9]{1,3}|[XVI]{1,6})(?:er|re|e|ème|nde?)",
    starters=frozenset(
        _listed(
            "le la les l un une des ce cet cette ces il elle ils elles on nous vous je c d en dans sur à au aux pour par avec mais et "
            "ou donc or ni car si quand comme que qui quoi où pourquoi son sa ses leur leurs notre votre mon ma mes"
        )
    ),
)

_SPANISH: Final = LanguageWords(
    decimal=",",
    grouping=".\u00a0\u202f\u2009",
    abbreviations=_abbreviations(
        title="Sr.=señor; Sra.=señora; Srta.=señorita; Sres.=señores; Dr.=doctor; Dra.=doctora; D.=don; Dña.=doña; Prof.=profesor; "
        "Ud.=usted; Uds.=ustedes; p. ej.=por ejemplo; p.ej.=por ejemplo; aprox.=aproximadamente; Gral.=general; Lic.=licenciado",
        number="n.º=número; nº=número; núm.=número; pág.=página; págs.=páginas; p.=página; cap.=capítulo; vol.=volumen; fig.=figura; "
        "art.=artículo; tel.=teléfono",
        may_end="etc.=etcétera; EE. UU.=Estados Unidos; EE.UU.=Estados Unidos; a. C.=antes de Cristo; d. C.=después de Cristo; "
        "a. m.=a eme; p. m.=pe eme; Cía.=compañía; Avda.=avenida",
    ),
    units=_pairs(
        "km kilómetro|kilómetros; m metro|metros; cm centímetro|centímetros; mm milímetro|milímetros; kg kilogramo|kilogramos; "
        "g gramo|gramos; mg miligramo|miligramos; l litro|litros; ml mililitro|mililitros; "
        "km/h kilómetro por hora|kilómetros por hora; °C grado Celsius|grados Celsius; ° grado|grados; m² metro cuadrado|metros cuadrados; "
        "km² kilómetro cuadrado|kilómetros cuadrados; m³ metro cúbico|metros cúbicos; Hz hercio|hercios; kHz kilohercio|kilohercios; "
        "MHz megahercio|megahercios; GHz gigahercio|gigahercios; kB kilobyte|kilobytes; MB megabyte|megabytes; GB gigabyte|gigabytes; "
        "kW kilovatio|kilovatios; W vatio|vatios; V voltio|voltios; ms milisegundo|milisegundos; s segundo|segundos; min minuto|minutos; "
        "h hora|horas; ha hectárea|hectáreas"
    ),
    currencies=_pairs("€ euro|euros; $ dólar|dólares; £ libra|libras; ¥ yen|yenes"),
    percent="por ciento",
    dot="punto",
    at="arroba",
    until="a",
    minus="menos",
    months=_listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    magnitudes="mil|millón|millones",
    ordinal=r"[0-9]{1,3}\.?[ºª]",
    starters=frozenset(
        _listed(
            "el la los las un una unos unas este esta estos estas ese esa esto eso él ella ellos ellas yo nosotros usted se lo le en "
            "a al de del con por para pero y o si cuando como que qué quién dónde cómo porque no su sus mi tu hay es son fue"
        )
    ),
)

PLAIN: Final = LanguageWords()


def _american(word: str) -> str:
    return word.replace("metre", "meter").replace("litre", "liter")


_AMERICAN: Final = replace(
    _ENGLISH,
    units={symbol: (_american(one), _american(many)) for symbol, (one, many) in _ENGLISH.units.items()},
    month_first=True,
)

_BY_LANGUAGE: Final = {"en": _ENGLISH, "en-us": _AMERICAN, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH}


def primary(language: str) -> str:
    """Return the language of a BCP 47 tag in lower case: ``de`` of ``de-AT``."""
    return language.replace("_", "-").partition("-")[0].lower()


def words_for(language: str) -> LanguageWords:
    """Return what is known of a BCP 47 ``language``; ``PLAIN`` if nothing is."""
    tag = language.replace("_", "-").lower()
    if tag.startswith("en-us"):
        return _AMERICAN
    return _BY_LANGUAGE.get(primary(tag), PLAIN)
