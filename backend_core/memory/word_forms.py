"""Forms of English and German words that no rule of spelling leads back to one stem, and words that say nothing in a search."""

from __future__ import annotations

from typing import Final

# first the form that is kept, then the others
_ENGLISH: Final = """
go went gone|say said|get got gotten|make made|know knew known|think thought|take took taken|see saw seen|come came|find found
give gave given|tell told|feel felt|become became|leave left|bring brought|begin began begun|keep kept|hold held|write wrote written
stand stood|hear heard|mean meant|meet met|run ran|pay paid|sit sat|speak spoke spoken|lead led|grow grew grown|lose lost
fall fell fallen|send sent|build built|understand understood|draw drew drawn|break broke broken|spend spent|drive drove driven
buy bought|wear wore worn|choose chose chosen|seek sought|throw threw thrown|catch caught|deal dealt|win won|forget forgot forgotten
fight fought|teach taught|eat ate eaten|sing sang sung|sell sold|rise rose risen|swim swam swum|fly flew flown|drink drank drunk
ride rode ridden|sleep slept|shoot shot|hide hid hidden|bite bit bitten|blow blew blown|dig dug|feed fed|freeze froze frozen
hang hung|lend lent|ring rang rung|shake shook shaken|shine shone|show shown|sink sank sunk|slide slid|steal stole stolen
stick stuck|strike struck|sweep swept|swing swung|tear tore torn|wake woke woken|weave wove woven|bear bore borne|bend bent|bind bound
creep crept|dream dreamt|forgive forgave forgiven|leap leapt|learn learnt|burn burnt|spring sprang sprung|swear swore sworn|weep wept
man men|woman women|person people|foot feet|tooth teeth|mouse mice|goose geese|wife wives|life lives|knife knives|leaf leaves
half halves|shelf shelves|wolf wolves|good better best|bad worse worst|far further furthest|favorite favourite|color colour
center centre|theater theatre|neighbor neighbour|child children kid kids|mother mom mum mommy moms|father dad daddy dads
photo photos pic pics picture pictures photograph photographs
"""
_GERMAN: Final = """
gehen gehst geht ging gingen gegangen|essen isst ass assen gegessen|fahren fahrst fahrt fuhr fuhren gefahren
sehen siehst sieht sah sahen gesehen|sprechen sprichst spricht sprach sprachen gesprochen|lesen liest gelesen
schlafen schlaft schlief schliefen geschlafen|laufen lauft lief liefen gelaufen|tragen tragt trug trugen getragen
geben gibst gibt gab gaben gegeben|nehmen nimmst nimmt nahm nahmen genommen|treffen triffst trifft traf trafen getroffen
helfen hilfst hilft geholfen|werfen wirfst wirft warfen geworfen|sterben stirbst stirbt starb starben gestorben
wissen weiss weisst wusste wussten gewusst|denken denkt dachte dachten gedacht|bringen bringt brachte brachten gebracht
kennen kennt kannte kannten gekannt|kommen kommt kam kamen gekommen|bleiben bleibt blieb blieben geblieben
schreiben schreibt schrieb schrieben geschrieben|trinken trinkt trank tranken getrunken|singen singt gesungen
schwimmen schwimmt schwamm geschwommen|finden findet fand fanden gefunden|beginnen beginnt begann begonnen
gewinnen gewinnt gewann gewonnen|verlieren verliert verlor verloren|ziehen zieht zog zogen gezogen|fliegen fliegt flog flogen geflogen
stehen steht standen gestanden|liegen liegt lagen gelegen|sitzen sitzt sass sassen gesessen|heissen heisst hiess geheissen
rufen ruft rief riefen gerufen|lassen lasst liess liessen gelassen|halten hielt hielten gehalten|fallen fiel fielen gefallen
fangen fangt fing fingen gefangen|verstehen versteht verstand verstanden|vergessen vergisst vergass
schneiden schneidet schnitt geschnitten|streiten streitet stritt gestritten|steigen steigt stieg gestiegen
entscheiden entscheidet entschied entschieden|schliessen schliesst schloss geschlossen|bieten bietet geboten
geniessen geniesst genoss genossen|frieren friert fror gefroren|bekommen bekommt bekam|empfehlen empfiehlt empfahl empfohlen
brechen bricht brach gebrochen|wachsen wachst wuchs gewachsen|waschen wascht wusch gewaschen|einladen eingeladen|anrufen angerufen
aufstehen aufgestanden|umziehen umgezogen|anfangen angefangen|mogen mag magst mochte mochten gemocht|konnen kann kannst konnte konnten
kaufen gekauft kaufte kauften kauft|machen gemacht machte machten macht|sagen gesagt sagte sagten sagt
spielen gespielt spielte spielten spielt|wohnen gewohnt wohnte wohnten wohnt|leben gelebt lebte lebten lebt
lernen gelernt lernte lernten lernt|lieben geliebt liebte liebten liebt|horen gehort horte horten hort
fragen gefragt fragte fragten fragt|kochen gekocht kochte kochten kocht|suchen gesucht suchte suchten sucht
reisen gereist reiste reisten reist|arbeiten gearbeitet arbeitete arbeitet|feiern gefeiert feierte feierten feiert
planen geplant plante planten|warten gewartet wartete wartet|heiraten geheiratet heiratete heiratet|mieten gemietet mietete mietet
malen gemalt malte malten malt|tanzen getanzt tanzte tanzten tanzt|ruhren geruhrt|freuen gefreut freute freut
wunschen gewunscht wunschte wunscht|erzahlen erzahlt erzahlte erzahlten|besuchen besucht besuchte besuchten
verkaufen verkauft verkaufte verkauften|mutter mama mutti|vater papa vati|gut besser beste besten|viel mehr meiste meisten
"""
_NUMBERS: Final = """
2 two zwei|3 three drei|4 four vier|5 five funf|6 six sechs|7 seven sieben|8 eight acht|9 nine neun|10 ten zehn
11 eleven elf|12 twelve zwolf
"""
_ENGLISH_STOP: Final = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its itself they them
their theirs themselves what which who whom this that these those am is are was were be been being have has had having do does did doing
a an the and but if or because as until while of at by for with about against between into through during before after above below to
from up down in out on off over under again further then once here there when where why how all any both each few more most other some
such no nor not only own same so than too very s t can will just don should now ain aren couldn didn doesn hadn hasn haven isn mustn
needn shan shouldn wasn weren won wouldn d ll m re ve
"""
# without those that are English words with a meaning of their own: die, war, hat, man, bald, rat
_GERMAN_STOP: Final = """
der das dem des ein eine einen einem einer eines und oder aber ich du er sie es wir ihr mich mir dich dir sich uns euch ihm ihn ihnen
mein meine meinen meinem meiner dein deine deinen deinem deiner sein seine seinen seinem seiner unser unsere euer eure ist sind bin bist
seid waren habe hast haben hatte hatten wird werde werden wurde wurden nicht kein keine keinen auch nur schon noch sehr wie wer wo wann
warum wieso welche welcher welches dass wenn als ob von vom zu zum zur mit bei beim aus auf im nach vor uber unter durch fur gegen um
bis seit wahrend dann doch ja mal da hier diese dieser dieses diesen jetzt
"""


def _to_first(*tables: str) -> dict[str, str]:
    groups = [group.split() for table in tables for line in table.split("\n") for group in line.split("|")]
    return {form: group[0] for group in groups if group for form in group[1:]}


FORMS: Final = _to_first(_ENGLISH, _GERMAN, _NUMBERS)
"""A form to the one that is kept, both without accents."""
STOP: Final = frozenset((_ENGLISH_STOP + _GERMAN_STOP).split())
"""Words that are neither kept nor looked for."""
