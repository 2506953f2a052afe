"""What the local rules look for, in English and German: patterns by category, each with the score it gives.

Text is folded before: lower case, ä ö ü ß written ae oe ue ss, no invisible characters. They find plain words only; most that a
trained model finds they miss, and the program says so wherever it shows what they found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Patterns = tuple[tuple[float, str], ...]

_PEOPLE: Final = (
    r"(?:jews|muslims|christians|hindus|blacks?(?: people)?|whites?(?: people)?|gays?|lesbians|trans(?:gender)?(?: people)?|queers?"
    r"|immigrants"
    r"|migrants|refugees|foreigners|mexicans|arabs|asians|chinese|indians|roma|disabled people|women|juden|muslime|moslems|christen"
    r"|auslaender"
    r"|fluechtlinge|migranten|schwarzen?|schwulen?|lesben|behinderten?|frauen|tuerken|araber|roma|asylanten)"
)
_WILL: Final = r"(?:i'?ll|i will|i'?m going to|i am going to|im gonna|i'?m gonna|gonna|going to|want to|wanna|we'?ll|we will)"
_SOMEBODY: Final = (
    r"(?:you|him|her|them|everyone|everybody|that (?:guy|man|woman|kid|bastard|bitch)"
    r"|(?:my|your|his|her) (?:ex|boss|wife|husband|mother|father|mom|mum|dad|sister|brother|neighbou?rs?|teacher|family|kids?|girlfriend"
    r"|boyfriend|roommate|classmates?|coworkers?))"
)
_INSULT: Final = (
    r"(?:worthless|pathetic|disgusting|stupid|idiot|moron|loser|bitch|trash|garbage|piece of shit|waste of space|fat pig|whore|slut"
    r"|wertlos|erbaermlich|widerlich|dumm(?:e|er|es)?|idiot(?:in)?|versager(?:in)?|abschaum|schlampe|hurensohn|missgeburt|arschloch"
    r"|wichser|fotze"
    r"|hure|stueck scheisse|dreckstueck)"
)

# What only looks like one of the patterns below; taken out of the text first.
HARMLESS: Final = (
    r"kill(?:ing|ed)? myself (?:laughing|with laughter)|(?:could|would) (?:have )?kill(?:ed)? myself for (?:forgetting|missing|not)",
    r"(?:cut|hurt|burn(?:ed|t)?) myself (?:shaving|cooking|while (?:shaving|cooking)|in the kitchen|playing|at (?:football|practice"
    r"|the gym))",
    r"suicide (?:squad|prevention|hotline|bomb\w*)|selbstmord(?:attentat|anschlag)\w*|suizidpraevention",
    r"(?:want|wanna) to die (?:of|from) (?:laughter|embarrassment|shame|boredom)|sterben vor (?:lachen|hunger|langeweile|scham)",
    r"(?:shoot|drop|send) (?:you|him|her|them) (?:an? )?(?:e-?mail|mail|message|text|line|link|note)",
    r"(?:kill|beat|shoot) (?:him|her|them|you|everyone) (?:at|in|on) (?:chess|cards|mario kart|the game|fifa|tennis|monopoly|overwatch"
    r"|fortnite)",
    r"(?:no|never|not) going to (?:kill|hurt|shoot|stab) \w+|wouldn'?t hurt a fly",
)

PATTERNS: Final[Mapping[str, Patterns]] = {
    "self-harm": (
        (0.95, r"\b(?:kill|hang|drown|shoot|killing|hanging|drowning|shooting) my ?self\b"),
        (0.95, r"\b(?:end|ending|take|taking|took) my (?:own )?life\b|\bend it all\b"),
        (0.95, r"\b(?:commit|committing|attempt|attempting|attempted) suicide\b|\bi(?: am|'?m| feel| have been feeling) suicidal\b"),
        (0.95, r"\bi (?:just |really )?(?:want to|wanna|would like to) (?:die|be dead|disappear for ever|disappear forever)\b"),
        (0.9, r"\bwish i (?:was|were) (?:dead|never born)\b|\bbetter off (?:dead|without me)\b"),
        (0.9, r"\b(?:no|without a|any) (?:reason|point) (?:to|in|for) (?:live|living|go on|going on|be alive|being alive)\b"),
        (0.85, r"\bdon'?t (?:want to|wanna) (?:live|be alive|be here|wake up|exist)(?: any ?more)?\b"),
        (0.7, r"\b(?:cut|cutting|hurt|hurting|harm|harming|burn|burning) my ?self\b|\bself[- ]?harm\w*\b"),
        (0.5, r"\bi can'?t (?:go on|do this|take (?:it|this)) any ?more\b|\bsuicid(?:e|al)\b|\boverdose on\b|\bsuicide (?:note|plan)\b"),
        (0.95, r"\b(?:mich|mir) (?:selbst )?(?:umbringen|umzubringen|toeten|erhaengen|erschiessen|das leben (?:zu )?nehmen)\b"),
        (0.95, r"\b(?:ich )?bringe? mich um\b|\bmeinem leben ein ende\b|\ballem ein ende (?:setzen|machen)\b"),
        (0.95,
            r"\bich (?:will|moechte|wuerde gerne?) (?:einfach |nur |nur noch |am liebsten )*(?:sterben|tot sein|nicht mehr (?:da sein"
            r"|aufwachen))\b"),
        (0.9,
            r"\bnicht mehr (?:leben|weiterleben|am leben sein)\b|\b(?:lieber|besser) tot\b|\bohne mich (?:besser dran|waeren alle)\b"
            r"|\blebensmuede\b"),
        (0.8,
            r"\b(?:selbstmord|suizid)(?:gedanken|plaene)?\b|\bsuizidal\b|\bkeinen (?:grund|sinn) mehr (?:zu leben|im leben|weiterzu)\w*"),
        (0.7, r"\b(?:mich|mir) (?:wieder |selbst )*(?:ritzen|geritzt|verletzen|verletzt|schneiden)\b|\bselbstverletz\w+|\britze mich\b"),
        (0.5, r"\bich (?:kann|halte? (?:es|das)) nicht mehr(?: aus)?\b"),
    ),
    "violence": (
        (0.9, rf"\b{_WILL} (?:kill|murder|stab|strangle|torture|rape|behead) {_SOMEBODY}\b"),
        (0.85,
            rf"\b{_WILL} (?:shoot|beat up|burn down|hurt|poison|smash) {_SOMEBODY}\b|\b{_WILL} beat {_SOMEBODY} (?:up|to death"
            rf"|senseless)\b"),
        (0.85, r"\b(?:bring|take|took|brought|bringing|taking) (?:a |my )?(?:gun|knife|bomb) to (?:school|work|class|the office)\b"),
        (0.85,
            r"\bhow (?:do i|can i|to) (?:make|build|buy) (?:a )?(?:pipe ?)?bomb\b|\bblow up (?:the|a|my) (?:school|office|church|mosque"
            r"|synagogue|building)\b"),
        (0.8, r"\bshoot up (?:the|a|my) \w+|\bslit (?:your|his|her|their) throats?\b|\bbash (?:your|his|her) (?:head|skull) in\b"),
        (0.9,
            r"\bich (?:bringe?|steche?|schlage?|mache?) (?:dich|ihn|sie|euch|meinen? \w+) (?:um|ab|tot|kalt)\b|\bich (?:erschiesse?"
            r"|toete|erwuerge?|ersteche?) (?:dich|ihn|sie|euch|alle)\b"),
        (0.85,
            r"\b(?:dich|ihn|euch|sie alle|meinen? (?:ex|chef|chefin|mann|frau|vater|mutter|bruder|schwester|nachbarn?)) (?:umbringen"
            r"|abstechen|erschiessen|totschlagen|erwuergen|vergewaltigen)\b"),
        (0.85,
            r"\bbombe (?:bauen|basteln)\b|\bamok ?lauf(?:en)?\b|\b(?:pistole|messer|waffe) (?:mit )?(?:in die schule|zur schule"
            r"|zur arbeit)\b"),
    ),
    "harassment": (
        (0.95,
            r"\bkill your ?self\b|\bkys\b|\b(?:go|just) (?:and )?die(?: already)?[,.! ]*(?:you|nobody|no one|bitch|loser|idiot)"
            r"|\b(?:i )?hope you (?:die|get raped|get cancer)\b"),
        (0.8,
            rf"\byou(?: a|')re (?:just |such |so |really )*(?:an? )?(?:fucking |bloody |little |dumb )*{_INSULT}\b|\byou (?:fucking "
            rf"|stupid |dumb |little )+{_INSULT}\b"),
        (0.7,
            r"\b(?:nobody|no one) (?:likes|loves|wants|will ever love|would miss) you\b|\bshut the fuck up\b|\bfuck you\b"
            r"|\bgo fuck yourself\b"),
        (0.8, r"\bi (?:know where you live|will find you|'?ll find you|will ruin you|'?ll make you pay)\b"),
        (0.95,
            r"\bbring dich (?:doch )?um\b|\b(?:geh|verreck|stirb)(?:e)? (?:doch )?(?:endlich )?(?:sterben|du)\b"
            r"|\bich hoffe,? du (?:stirbst|verreckst)\b"),
        (0.8,
            rf"\bdu (?:bist|warst) (?:so |nur |doch |einfach |echt )*(?:ein(?:e)? )?(?:verdammt\w* |kleine\w* |dumm\w* "
            rf"|fett\w* )*{_INSULT}\b|\bdu (?:dumm\w* |verdammt\w* |kleine\w* |fett\w* |dreckig\w* )*{_INSULT}\b"),
        (0.7,
            r"\bhalt die fresse\b|\bverpiss dich\b|\bfick dich\b|\b(?:niemand|keiner) (?:mag|liebt|will|braucht) dich\b"
            r"|\bich weiss,? wo du wohnst\b"),
    ),
    "hate": (
        (0.95,
            rf"\b(?:all |those |these |the |alle |diese |die )?{_PEOPLE} (?:should|must|need to|deserve to|ought to|sollten?|muessen"
            rf"|gehoeren) (?:all |alle )?(?:die|be (?:killed|shot|gassed|exterminated|deported|banned)|burn|hang|rot|sterben|vergast"
            rf"|erschossen|weg|raus|verschwinden|abgeschoben)\b"),
        (0.8,
            rf"\b{_PEOPLE} (?:are|sind) (?:all |alle |just |nothing but |doch |nur )*(?:vermin|animals|subhuman|cockroaches|scum|rats"
            rf"|parasites|filth|criminals|inferior|ungeziefer|tiere|untermenschen|parasiten|abschaum|ratten|dreck|minderwertig)\b"),
        (0.7,
            rf"\bi (?:fucking |really )?(?:hate|despise) (?:all |the |those |these )?{_PEOPLE}\b|\bich hasse (?:alle |diese "
            rf"|die )?{_PEOPLE}\b"),
        (0.9,
            rf"\b(?:gas|exterminate|lynch) (?:all |the )*{_PEOPLE}\b|\b{_PEOPLE} raus\b|\bdreckige?\w* {_PEOPLE}\b|\bfilthy {_PEOPLE}\b"),
        (0.9,
            r"\bwhite power\b|\bsieg heil\b|\bheil hitler\b|\bsubhumans?\b|\buntermensch\w*|\bn[i1]gg(?:er|a)s?\b|\bf[a4]gg?ots?\b"
            r"|\bk[i1]kes?\b|\bkanaken?\b|\bspic[ks]\b"),
    ),
    "sexual": (
        (0.95,
            r"\b(?:fuck|fucking) me\b|\bsuck (?:my|your|his) (?:dick|cock|tits?)\b|\b(?:lick|eat) (?:my|your|her) pussy\b|\bcum (?:on|in"
            r"|inside) (?:me|you|my|your|her)\b"),
        (0.85,
            r"\bblow ?jobs?\b|\bhand ?jobs?\b|\bmasturbat\w*|\bjerk(?:ing)? off\b|\borgasms?\b|\bporn\w*|\bhardcore sex\b|\bhorny\b"
            r"|\bdick ?pics?\b"),
        (0.85, r"\b(?:send|show|take|trade) (?:me )?(?:some |your |more )*(?:nudes?|naked (?:pics?|pictures?|photos?))\b|\bnudes\b"),
        (0.6,
            r"\b(?:have|having|had) sex\b|\bsex with\b|\bsexting\b|\berotic\w*|\bget naked\b|\btake off your (?:clothes|panties|shirt"
            r"|bra)\b|\bboobs?\b|\btits\b|\bpussy\b|\bcock\b"),
        (0.95,
            r"\bfick(?:e|en|st|t)? (?:mich|dich|sie|ihn)\b|\b(?:deinen|meinen|seinen) schwanz (?:lutschen|blasen|lecken)\b|\b(?:meine"
            r"|deine) (?:muschi|fotze|titten) (?:lecken|ficken)\b"),
        (0.85,
            r"\bficken\b|\bwichs(?:en|t|te)\b|\bpornos?\b|\borgasmus\b|\bmasturbier\w*|\bnackt(?:bild|foto)\w*|\bmuschi\b|\bversaut\w*"),
        (0.6,
            r"\bsex (?:mit|haben)\b|\bmit dir schlafen\b|\bzieh dich aus\b|\bich bin geil\b|\bmach mich geil\b|\btitten\b|\berotisch\w*"),
    ),
}  # fmt: skip

# Somebody under 18 is spoken of.
YOUNG: Final = (
    r"\b(?:child(?:ren)?|kids?|minors?|under ?age\w*|pre-?teens?|toddlers?|babies|little (?:girl|boy|sister|brother)s?|school ?(?:girl"
    r"|boy)s?"
    r"|teen(?:s|age|ager|agers|aged)?|(?:[1-9]|1[0-7])[- ]?(?:years?|yrs?|y)[- ]?(?:olds?|o)\b|(?:[1-9]|1[0-7]) ?yo\b"
    r"|(?:i am|i'?m|she is|she'?s|he is|he'?s|turned|only|just) (?:[1-9]|1[0-7])\b(?! ?(?:%|percent|minutes?|hours?|days?|weeks?|months?"
    r"|km|miles|cm|kg|pm|am|o'clock))"
    r"|my (?:step)?(?:daughter|son|niece|nephew)|kind(?:er|ern|es)?|minderjaehrig\w*|jugendliche\w*|kleine[sn]? maedchen"
    r"|kleine[rn]? jungen?"
    r"|schueler(?:in|innen)?|(?:[1-9]|1[0-7])[- ]?jaehrig\w*|(?:[1-9]|1[0-7]) jahre alt|(?:bin|ist|erst) (?:[1-9]|1[0-7])\b|(?:meine"
    r"|deine) (?:stief)?tochter|(?:mein|dein) (?:stief)?sohn)"
)
# Words that beside somebody young are never accepted.
SEXUAL: Final = (
    r"\b(?:sex\w*|nudes?|naked|porn\w*|erotic\w*|horny|masturbat\w*|orgasm\w*|blow ?jobs?|fuck(?:ing|ed|s)?|pussy|dick|cock|tits?|boobs?"
    r"|undress\w*|molest\w*|grop(?:e|ed|ing)|touch(?:ed|es|ing)? (?:her|him|me|them) (?:down there|there)|private parts|nackt\w*|ficken"
    r"|gefickt|geil"
    r"|muschi|schwanz|titten|intim\w*|befummel\w*|missbrauch\w*|ausziehen|zieh dich aus)\b"
)
NEVER: Final = (
    r"\bchild porn\w*|\bkiddie porn\w*|\bcsam\b|\bkinderporn\w*|\blolicon\b|\bjail ?bait\b|\bp(?:a)?edophil\w*|\bsexual\w* (?:with"
    r"|of) (?:children|minors|kids)\b"
)  # fmt: skip
# Beside somebody young these are worth a person's look when nobody better can judge.
DOUBTFUL: Final = (
    r"\b(?:kiss\w*|sexy|hot|bed|bath\w*|shower\w*|touch\w*|cuddl\w*|photos?|pics?|pictures?|webcam|secret\w*|don'?t tell|alone|lonely"
    r"|meet(?:ing)?|body"
    r"|kuss|kuess\w*|bett|bad|dusch\w*|anfassen|streichel\w*|kuschel\w*|fotos?|bild(?:er)?|geheim\w*|allein\w*|treffen|koerper"
    r"|nicht verraten)\b"
)
