"""The forms of sentences that ask to forget something or to keep quiet about it; ``docs/forgetting.md`` lists them for people."""

from __future__ import annotations

import re
from typing import Final

from backend_core.lazy_pattern import LazyPattern

MARKS: Final = " .,:;!?…-–—()*_~"
QUOTES: Final = "\"'“”„«»‚‘’"


def _form(pattern: str) -> LazyPattern:
    """Return a pattern in which a blank is any run of blanks, commas allowed, and capitals do not count."""
    return LazyPattern(pattern.replace(" ", r"(?:\s*,\s*|\s+)"), re.IGNORECASE)


_FILLERS: Final = (
    r"hey|hi|hello|hallo|ok|okay|oh no|oh nein|oh|ah|um+|uh+|uhm|hm+|well|actually|honestly|seriously|no(?! more)|nope|yes|wait|so|and|"
    r"yeah|also|then|just|nein|ja|ach|ähm?|naja|warte|moment|moment mal|entschuldigung|entschuldige|sorry|tut mir leid|und|dann|ehrlich|"
    r"im ernst|äh|oops|ups|my bad|mein fehler|thanks|thank you|danke|danke dir|good morning|guten morgen|guten tag|one more thing|"
    r"for real|by the way|btw|übrigens|once and for all|from now on|ab jetzt|in zukunft|servus|moin|dear|lieber?|du|aber|but"
)
FILLER: Final = LazyPattern(rf"(?:{_FILLERS})(?:\s*[,.!:;…-]+\s*|\s+)(?=\S)", re.IGNORECASE)
FILLER_ONLY: Final = LazyPattern(rf"(?:(?:{_FILLERS})[\s,.!]*)+|(?:hey|hi|hello|hallo) \w+", re.IGNORECASE)
# every form holds one of these; most of what people say holds none, and is read no further
TRIGGER: Final = LazyPattern(
    r"forget|unremember|delete|erase|wipe|scrub|remove|strike|take|drop|scratch|ignor|disregard|skip|vergiss|vergess|lösch|loesch|streich|"
    r"entfern|schwamm|never|\bnot\b|n't|\bdont\b|stop|quit|limits|taboo|\bnie|nicht|nimmer|kein|tabu|avoid|no more|hör",
    re.IGNORECASE,
)
# a name of one or two words before a comma, or after an @
ADDRESS: Final = LazyPattern(
    r"(?!(?i:vergiss|vergesse|vergesst|vergessen|forget|never|erwähne?|versprich|promise|don'?t|stop|merke?|lösche?|delete|erase)\b)"
    r"@?(?P<name>[^\W\d_][\w'-]{0,30}(?: [A-ZÄÖÜ][\w'-]{0,30})?)\s*[,:]\s+(?=\S)|@(?P<at>\w{1,30})\s+"
)
POLITE: Final = LazyPattern(r"\s*\b(?:please|pls|plz|kindly|bitte)\b,?\s*", re.IGNORECASE)
REQUEST: Final = _form(
    r"(?:(?:can|could|would|will) you (?:just |maybe |possibly )?|i(?:'d| would) (?:like|love|prefer)(?: for)? you to |"
    r"i(?:'d| would) (?:prefer|rather|like it if|be glad if) you (?=never )|i (?:want|need) you to |"
    r"you (?:must|need to|have to) |make sure (?:that )?you |promise(?: me)?(?: that)? (?:you(?:'ll| will) |to )|"
    r"versprich(?: mir)? )"
)
CLOSING: Final = LazyPattern(
    r"(?:[\s,.!?…-]+(?:ok|okay|alright|thanks|thank you|thx|danke|danke dir|will you|would you|right now|now|at once|immediately|"
    r"sofort|jetzt|gleich|ja|klar|alles klar|for me|for good))+[\s.!?…]*$",
    re.IGNORECASE,
)
NO_COMMAND: Final = _form(
    # asks to remember, thanks for thanks, or says how something is
    r"(?:(?:please )?(?:do not|don'?t|never|not) (?:you )?(?:ever |dare )?forget\b|don'?t mention it$|do not mention it$|never mind|"
    r"nevermind|unforget|forget me not|vergiss ?mein ?nicht|vergiss (?:\S+ ){0,4}?(?:nicht|nie|niemals)\b(?! gesagt)|"
    r"vergiss (?:mir |uns )?(?:bloß |ja |nur )?(?:nicht|nie))"
)

# Parts that the forms below share.
_SAID: Final = r"(?:said|told you|told|mentioned|wrote|shared|texted|sent|typed|posted|let slip|confessed)"
_WHEN: Final = r"(?: earlier| before| yesterday| today| tonight| last night| last week| just now| here| in here)?"
_EVERYTHING: Final = r"(?:everything|anything|all|whatever|what|the things?|that thing|those things|the stuff|the part|the bit|that part)"
_STATED: Final = (
    rf"{_EVERYTHING}(?: that)? (?:i|we)(?:'ve| have)?(?: ever| just| once| all)? {_SAID}(?: (?:to |with )?you)?{_WHEN} "
    r"(?:about|regarding|concerning|on|of)"
)
_KNOWN: Final = (
    rf"(?:{_EVERYTHING}(?: that)? you (?:know|remember|have|stored|saved|heard|learned)(?: about| on| of| regarding)|(?:everything|all|"
    rf"all that|"
    r"the (?:thing|stuff|story|part|bit|conversation|talk|discussion|chat|message|messages)|our (?:conversation|talk|chat|discussion|"
    r"story)) about)"
)
_ERASE: Final = r"(?:forget|unremember|delete|erase|wipe|scrub)"
_MEMORY: Final = r"(?: (?:from|out of) (?:your |the )?(?:memory|memories|mind|records?|notes))?"
_DONT: Final = r"(?:do not|don'?t|dont|please don'?t)"
_STOP: Final = r"(?:stop|quit)"
_NEVER: Final = rf"(?:never(?: ever)?|{_DONT}(?: you)? ever|not ever)"
_AGAIN: Final = r"(?: (?:again|anymore|any more|any longer|ever|ever again|never again|from now on|in (?:the )?future))*"
_TALK: Final = (
    r"(?:mention|bring up|talk(?: to me)? about|speak(?: to me)?(?: of| about)|discuss|ask(?: me)? about|remind me (?:of|about)|"
    r"refer to|touch on|raise|"
    r"say anything about|tell me about|get into|go on about)"
)
_TALKING: Final = (
    r"(?:mentioning|bringing up|talking(?: to me)? about|speaking(?: of| about)|discussing|asking(?: me)? about|reminding me (?:of|"
    r"about)|raising|"
    r"going on about)"
)
_JUST: Final = r"(?:(?:einfach|doch|mal|nur|ganz|schnell|lieber|wieder|am besten|alles) )*"
_GESAGT: Final = r"(?:gesagt|erzählt|erzaehlt|geschrieben|erwähnt|erwaehnt|verraten|mitgeteilt|geschickt|gebeichtet)"
_HABE: Final = r"(?: (?:habe?|hatte|haben))"
_DIR: Final = r"(?:(?:dir|euch|ihnen|hier|da|heute|gestern|vorhin|mal|jemals|einmal|je) )*"
_UEBER: Final = r"(?:über|ueber|von|zu|wegen|zum thema|bezüglich|bezueglich)"
_VERGISS: Final = r"(?:vergiss|vergesse|vergesst|vergessen sie|lösche?|loesche?|löschen sie)"
_FRAG: Final = r"(?:kannst|könntest|koenntest|würdest|wuerdest|magst|willst|können|könnten|würden) (?:du|sie|ihr)"
_DASS_DU: Final = r"(?:ich (?:will|möchte|moechte|wünsche mir|hätte gern)|mir wäre lieb|pass auf|sorg dafür),? dass (?:du|ihr|sie)"
_NIE: Final = r"(?:nie(?:mals)?(?: wieder| mehr| mehr wieder)?|auf keinen fall(?: mehr)?)"
_NICHT: Final = r"(?:nicht (?:mehr|wieder|noch ?mal|nochmals|länger)|nimmer)"
_ERWAEHN: Final = r"(?:erwähne?|erwaehne?|erwähnt|erwähnen sie|nenne?)"
_SPRICH: Final = r"(?:sprich|spreche?|sprecht|sprechen sie)"
_REDE: Final = r"(?:rede?|redet|reden sie|sprich|spreche?|sprecht|sprechen sie|schreib(?:e)?|frag mich|frage mich|erinner(?:e)? mich)"
_NACH: Final = r"(?:über|ueber|von|nach|an|zu|wegen)"
_TOPIC: Final = r"(?P<topic>\S.*?)"

_FORGET_EN: Final = (
    rf"{_ERASE} (?P<topic>this|that|that one|this one){_MEMORY}",
    rf"{_ERASE}(?: about)? (?:what|that thing|the thing|anything|that thing that|the thing that|that part|"
    rf"that bit) i(?:'ve)?(?: have)?(?: just)? "
    rf"{_SAID}(?: (?:to )?you)?(?: just now)?{_MEMORY}",
    rf"{_ERASE} (?:my|the|that|this) (?:last|latest|previous|most recent) (?:message|thing|text|sentence|statement|memory|line|turn|one)"
    rf"(?:(?: that)? i(?:'ve)? {_SAID}(?: (?:to )?you)?)?{_MEMORY}",
    rf"{_ERASE} (?:this|that) (?:message|thing|text|sentence|statement|memory|line|turn|"
    rf"conversation turn)(?:(?: that)? i(?:'ve)?(?: just)? {_SAID}"
    rf"(?: (?:to )?you)?)?{_MEMORY}",
    r"forget (?:that )?i(?:'ve| have)?(?: ever)? (?:said|mentioned|told you|asked|wrote|brought)(?: (?:that|this|it|so|anything|"
    r"something))?(?: up)?",
    rf"{_DONT} (?:remember|store|save|memorize|memorise) (?:this|that|what i just said)",
    r"(?:remove|strike|take|drop) (?:this|that) (?:from|out of) (?:your |the )?(?:memory|memories|mind|records?|notes)",
    rf"{_ERASE}(?: about)? {_STATED} {_TOPIC}{_MEMORY}",
    rf"{_ERASE} {_KNOWN} {_TOPIC}{_MEMORY}",
    rf"forget(?: that)? i(?:'ve| have)?(?: ever)? (?:said|told you|mentioned|wrote)(?: that)? {_TOPIC}",
    r"forget that (?P<topic>(?:i|i'm|i've|i'd|i'll|we|we're|my|our|he|he's|she|she's|they|they're|it's|there|his|her|their) .+?)",
    rf"(?:forget|unremember|erase) (?P<topic>my .+?){_MEMORY}",
    r"delete (?P<topic>my .+?)(?: (?:from|out of) (?:your |the )?(?:memory|memories|mind|records?|notes))",
)
_QUIET_EN: Final = (
    rf"{_TALK} {_TOPIC}{_AGAIN}",
    rf"bring {_TOPIC} up{_AGAIN}(?: to me| with me)?{_AGAIN}",
)
_FORGET_DE: Final = (
    rf"{_VERGISS} {_JUST}(?P<topic>das|dies|dieses|das hier|das eben|das gerade|das von eben|das von gerade|das gesagte|"
    rf"das gerade gesagte)"
    r"(?: (?:einfach|doch|mal|nur|ganz|schnell|lieber|wieder|am besten|hier))*",
    rf"{_VERGISS} {_JUST}(?:das |alles )?was ich {_DIR}(?:gerade|eben|zuletzt|grade|grad|soeben|jetzt)?(?: {_DIR}?)?{_GESAGT}{_HABE}",
    rf"{_VERGISS} {_JUST}was ich (?:(?:dir|euch|ihnen) )?(?:gerade|eben|zuletzt|grade|grad|soeben) {_GESAGT}{_HABE}",
    rf"{_VERGISS} {_JUST}was ich {_GESAGT}{_HABE}",
    rf"{_VERGISS} {_JUST}(?:meine|die|meinen|den) (?:letzte|vorige|letzten|vorigen) (?:nachricht|aussage|satz|bemerkung|erinnerung)",
    rf"{_FRAG} {_JUST}das {_JUST}(?:vergessen|löschen|aus deinem gedächtnis streichen)",
    rf"{_DASS_DU} das {_JUST}(?:vergisst|löschst|vergesst)",
    rf"(?:merk|merke|speicher|speichere) (?:dir )?das {_JUST}nicht",
    r"(?:streich|streiche|lösch|lösche|entferne) (?:das|dies) aus (?:deinem gedächtnis|deinen notizen|deiner erinnerung)",
    rf"{_VERGISS} {_JUST}(?:das |alles )?was ich {_DIR}{_UEBER} {_TOPIC} {_DIR}{_GESAGT}{_HABE}",
    rf"{_VERGISS} {_JUST}was ich {_DIR}{_GESAGT}{_HABE} {_UEBER} {_TOPIC}",
    rf"{_VERGISS} {_JUST}(?:was|das was|alles was) du {_DIR}{_UEBER} {_TOPIC} (?:weißt|weisst|gespeichert hast|gehört hast)",
    rf"{_VERGISS} {_JUST}(?:alles|die sache|die sachen|die geschichte|das gespräch|unser gespräch|das) (?:über|ueber|zu|mit|von|"
    rf"zum thema) {_TOPIC}",
    rf"{_FRAG} {_JUST}vergessen was ich {_DIR}(?:gerade |eben |zuletzt |grade |grad |soeben )?{_GESAGT}{_HABE}",
    rf"{_VERGISS} {_JUST}mein(?:e|en) (?:aussage|bemerkung|nachricht|erzählung|worte?|satz) (?:über|ueber|zu|von) {_TOPIC}",
    rf"{_FRAG} {_JUST}vergessen was ich {_DIR}{_UEBER} {_TOPIC} {_DIR}{_GESAGT}{_HABE}",
    rf"{_FRAG} {_JUST}alles (?:über|ueber|zu) {_TOPIC} (?:vergessen|löschen)",
    rf"{_DASS_DU} vergisst was ich {_DIR}{_UEBER} {_TOPIC} {_DIR}{_GESAGT}{_HABE}",
    r"vergiss dass (?P<topic>(?:ich|wir|mein|meine|meinem|meinen|unser|unsere|er|sie|es) .+?)",
    r"vergiss (?P<topic>(?:mein|meine|meinen|meinem|meiner) .+?)",
)
_QUIET_DE: Final = (
    # {quiet} stands for "never" or "no more"
    rf"{_ERWAEHN} {{quiet}} {_TOPIC}",
    rf"{_ERWAEHN} {_TOPIC} (?:mir gegenüber )?{{quiet}}",
    rf"{_ERWAEHN} (?:mir gegenüber )?{_TOPIC} {{quiet}}",
    rf"{_SPRICH} (?:mich )?{_TOPIC} {{quiet}} an",
    rf"{_SPRICH} {{quiet}} {_TOPIC} an",
    rf"{_SPRICH} mich {{quiet}} (?:auf )?{_TOPIC} an",
    rf"{_REDE} (?:mit mir )?{{quiet}} (?:mit mir )?(?:{_NACH} )?{_TOPIC}",
    rf"{_REDE} (?:mit mir )?{_NACH} {_TOPIC} {{quiet}}",
    rf"(?:bring|bringe|bringt) {_TOPIC} {{quiet}} (?:zur sprache|auf|aufs tapet)",
    rf"(?:fang|fange|fangt) {{quiet}} (?:mit |von )?{_TOPIC} an",
    rf"(?:lass|lasst) uns {{quiet}} (?:über |von )?{_TOPIC} (?:reden|sprechen)",
    rf"ich (?:will|möchte|moechte|mag) {{quiet}} (?:über |von )?{_TOPIC} (?:reden|sprechen|hören)",
    rf"ich (?:will|möchte|moechte|mag) (?:über |von )?{_TOPIC} {{quiet}} (?:reden|sprechen|hören)",
    rf"{_FRAG} {_TOPIC} {{quiet}} (?:erwähnen|erwaehnen|ansprechen|zur sprache bringen)",
    rf"(?:{_DASS_DU}|versprich mir,? dass du) {_TOPIC} {{quiet}} (?:erwähnst|erwaehnst|ansprichst|erwähnt|ansprecht)",
    rf"{_TOPIC} {{quiet}} (?:zu )?(?:erwähnen|erwaehnen|anzusprechen)",
)


def _forms() -> tuple[tuple[str, str, LazyPattern], ...]:
    english = [("forget", form) for form in _FORGET_EN]
    english += [("never", rf"{_NEVER} {form}") for form in _QUIET_EN]
    english += [("hide", rf"{_DONT} {form}") for form in _QUIET_EN]
    english += [("hide", rf"(?:let'?s|let us) not {form}") for form in _QUIET_EN]
    english += [("never", rf"(?:let'?s|let us) never {form}") for form in _QUIET_EN]
    english += [
        ("hide", rf"{_STOP} {_TALKING} {_TOPIC}{_AGAIN}"),
        ("hide", rf"avoid {_TALKING} {_TOPIC}{_AGAIN}"),
        ("hide", rf"no more (?:talk|talking|questions|words?) about {_TOPIC}{_AGAIN}"),
        ("hide", rf"{_STOP} bringing {_TOPIC} up{_AGAIN}"),
        ("never", rf"i never want to (?:talk about|discuss|hear about|hear of|speak of) {_TOPIC}{_AGAIN}"),
        ("hide", rf"i {_DONT} want (?:you )?to (?:talk about|discuss|hear about|hear of|mention|bring up) {_TOPIC}{_AGAIN}"),
        ("hide", rf"i {_DONT} want (?:you )?to bring {_TOPIC} up{_AGAIN}"),
        ("never", rf"not (?:a|one|another) word about {_TOPIC}{_AGAIN}"),
        ("never", rf"{_TOPIC} is (?:off[- ]limits|taboo)"),
    ]
    german = [("forget", form) for form in _FORGET_DE]
    german += [("never", form.format(quiet=_NIE)) for form in _QUIET_DE]
    german += [("hide", form.format(quiet=_NICHT)) for form in _QUIET_DE]
    german += [
        ("hide", rf"hör(?:e)? (?:bitte )?auf (?:über |von |mich auf )?{_TOPIC} (?:zu (?:reden|sprechen|erwähnen|erwaehnen)|anzusprechen)"),
        ("hide", rf"ich (?:will|möchte|moechte) nicht,? dass du {_TOPIC} (?:mehr |wieder |nochmal )?(?:erwähnst|erwaehnst|ansprichst)"),
    ]
    german += [("never", rf"kein wort (?:mehr )?(?:über|ueber|von|zu) {_TOPIC}"), ("never", rf"{_TOPIC} ist tabu")]
    listed = [(kind, "en", _form(form)) for kind, form in english] + [(kind, "de", _form(form)) for kind, form in german]
    return tuple(listed)


FORMS: Final = _forms()
AMBIGUOUS: Final = tuple(
    (why, language, _form(form))
    for why, language, form in (
        ("idiom", "en", r"(?:let'?s )?(?:just )?forget(?: about)? it"),
        ("idiom", "en", r"(?:let'?s|let us|you can|you may)(?: just)? forget (?:about )?(?:that|this)"),
        ("idiom", "en", r"forget about (?:that|this)|(?:scratch|strike|ignore|disregard|drop|skip) (?:that|this|it)|"
         r"you didn'?t hear (?:that|this)(?: from me)?"),
        ("idiom", "de", r"vergiss es|vergessen wir (?:das|es)|das kannst du (?:wieder )?vergessen|(?:ignoriere?|streich|streiche) das|"
         r"schwamm drüber"),
        ("which", "en", rf"{_ERASE} (?:what|something|one of the things|some of what) i(?:'ve)? {_SAID}(?: (?:to )?you)?"
         r" (?:earlier|before|yesterday|today|tonight|last night|last week|the other day)"),
        ("which", "en", rf"{_ERASE} (?:my|the) last (?:two|three|four|few|couple of|\d+) \S+.*"),
        ("which", "en", rf"{_ERASE} something|{_ERASE}"),
        ("which", "de", rf"{_VERGISS} was ich (?:dir )?(?:gestern|heute|vorhin|neulich|letzte woche|früher) {_GESAGT}{_HABE}"),
        ("which", "de", rf"{_VERGISS} (?:etwas|meine letzten \S+ \S+|die letzten \S+ \S+)|{_VERGISS}"),
        ("everything", "en", rf"{_ERASE} (?:everything|all of it|all of that|it all|all that|the whole (?:conversation|chat)|"
         rf"this conversation|our conversations?)"
         rf"(?:(?: that)? (?:i|we)(?:'ve| have)?(?: ever)? {_SAID}(?: (?:to )?you)?)?{_MEMORY}"),
        ("everything", "de", rf"{_VERGISS} (?:alles|dieses gespräch|unser(?:e)? gespräche?|"
         rf"das ganze gespräch)(?: was ich (?:dir )?(?:je )?{_GESAGT}{_HABE})?"),
        ("person", "en", rf"{_ERASE} (?:me|all (?:of )?my (?:data|information|messages)|everything (?:you (?:know|have|"
         rf"remember) )?about me|my (?:account|data))"),
        ("person", "de", rf"{_VERGISS} (?:mich|alle meine (?:daten|nachrichten)|meine (?:daten|konto)|mein konto|alles über mich|"
         rf"alles was du über mich weißt)"),
        ("topic", "en", r"(?:let'?s )?(?:just )?forget about (?P<topic>(?!what\b|everything\b|anything\b).+)"),
        ("topic", "en", r"forget that (?P<topic>(?!i\b|i'|we\b|we'|my\b|our\b|he\b|he'|she\b|she'|they\b|they'|it's\b|there\b|his\b|"
         r"her\b|their\b"
         r"|thing\b|part\b|bit\b|one\b|message\b|text\b|sentence\b|statement\b|memory\b|line\b|turn\b|conversation\b).+)"),
        ("topic", "en", r"forget the (?P<topic>(?!last\b|latest\b|previous\b|most\b|thing\b|things\b|stuff\b|story\b|part\b|bit\b|"
         r"conversation\b|talk\b"
         r"|discussion\b|chat\b|message\b|messages\b).+)"),
        ("topic", "de", r"vergiss (?:die|den|der|das|diese|diesen|dieses) (?P<topic>(?!was\b|sache\b|sachen\b|geschichte\b|gespräch\b|"
         r"letzte|vorige|gesagte|gerade|hier"
         r"|eben|von\b|über\b|zu\b|mit\b|wieder\b|einfach\b|doch\b|mal\b|nur\b|ganz\b|schnell\b|lieber\b|am besten\b|alles\b).+)"),
        ("audience", "de", rf"{_ERWAEHN} {_TOPIC} (?:{_NIE}|{_NICHT}) (?:vor|gegenüber|bei) .+"),
    )
)  # fmt: skip
VERB_FINAL: Final = _form(rf"(?:{_FRAG}) ")
THAT: Final = _form(
    r"(?:this|that|it|this one|that one|these|those|them|this (?:topic|subject|matter|thing)|that (?:topic|subject|matter|thing)|"
    r"the (?:topic|subject)|"
    r"das|dies|dieses|es|das hier|so ?was|so etwas|davon|darüber|darueber|damit|darauf|daran|danach|dazu|dieses thema|das thema|"
    r"mich darauf|mich daran|"
    r"das eben|das gerade|das von eben|das von gerade|das gesagte|das gerade gesagte)"
)
NEGATED_TOPIC: Final = _form(r"(?:^|\s)(?:nicht|nie|niemals)$")
TAIL: Final = _form(
    # what is said after the topic, and not of it
    r"(?: (?:again|anymore|any more|any longer|ever|ever again|from now on|in (?:the )?future|mehr|wieder|nie wieder|ab jetzt|"
    r"in zukunft|nochmal)$"
    r"|\s*,\s*(?:because|since|i|it|he|she|we|they|that|this|you|ich|es|er|sie|wir|das|weil|denn|du)\b.*$|\s+(?:because|weil|denn)\s.*$)"
)
UNCLEAR_TOPICS: Final = tuple(
    (why, _form(form))
    for why, form in (
        ("condition", r"\b(?:if|unless|until|when|wenn|falls|bis|sobald|solange)\b"),
        ("which", r"\b(?:but|except|only|aber|außer|ausser|nur|sondern)\b|^(?:what|something|someone|somebody|anything|everything|all|"
         r"alles|etwas|jemand|"
         r"him|her|them|you|me|us|ihn|ihm|ihr|sie|mich|dich|uns)$"),
        ("audience", r"\b(?:to|in front of|around|with|vor|gegenüber|bei) (?:him|her|them|anyone|anybody|everyone|everybody|others|"
         r"the others|the group|"
         r"my \w+|ihm|ihr|ihnen|anderen|den anderen|niemandem|jemandem|mein\w* \w+)$"),
    )
)  # fmt: skip
