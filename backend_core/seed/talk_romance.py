"""Made-up talk in French, Spanish, Italian and Portuguese."""

from __future__ import annotations

from typing import Final

from backend_core.seed.talk import Talk

FRENCH: Final = Talk(
    "fr",
    "+33639",
    (
        ("Camille", "Louis", "Inès", "Hugo", "Léa", "Mehdi", "Chloé", "Antoine"),
        ("Martin", "Bernard", "Lefèvre", "Benali", "Moreau", "Girard"),
    ),
    {
        "friend": ("Paul", "ma sœur", "Nadia", "mon coloc", "tonton Michel", "Élise"),
        "place": ("Marseille", "l'île de Ré", "Annecy", "Bruxelles", "le marché", "Lyon"),
        "food": ("une ratatouille", "une tarte aux poires", "un couscous", "une soupe à l'oignon", "des crêpes"),
        "day": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        "thing": ("le piano", "la poterie", "la natation", "les échecs", "la couture"),
    },
    (
        (
            ("u", "coucou ! l'entretien d'hier s'est bien passé"),
            ("p", "Bravo ! Qu'est-ce qui t'a surpris ?"),
            ("u", "ils ont ri quand j'ai parlé de {friend}"),
            ("p", "Et la réponse ?"),
            ("u", "{day} vers {time}"),
            ("p", "Je croise les doigts jusqu'à {day}."),
        ),
        (
            ("u", "entre nous, je suis un peu triste depuis le déménagement"),
            ("p", "C'est la ville, ou les gens qui te manquent ?"),
            ("u", "les gens. surtout {friend}"),
            ("p", "Et si tu l'appelais {day} ? Je te rappelle à {time}."),
            ("u", "oui, merci"),
        ),
        (
            ("u", "j'ai fait {food} ce soir, une réussite"),
            ("p", "Quel est le secret ?"),
            ("u", "{n} minutes de plus"),
            ("p", "La patience, donc."),
            ("u", "mdr exactement"),
        ),
        (
            ("u", "on part {n} jours, direction {place} !"),
            ("p", "En train ?"),
            ("u", "oui, {friend} a peur de l'avion"),
            ("p", "Alors côté fenêtre."),
        ),
        (
            ("u", "je me suis mis à apprendre {thing}, jour {n}"),
            ("p", "Mal aux doigts ou à l'orgueil ?"),
            ("u", "les deux 😂"),
            ("p", "Parfait, c'est que ça avance."),
        ),
    ),
    (
        (
            ("a", "qui vient {day} ? on va voir {place}"),
            ("b", "moi ! j'ai {n} places"),
            ("c", "je dois rentrer à {time}"),
            ("p", "Prenez de quoi vous couvrir."),
            ("a", "et {food} 😋"),
        ),
        (
            ("a", "le loyer est passé, j'ai avancé {n}0 € pour la chaudière"),
            ("b", "merci, je te rembourse ce soir"),
            ("c", "moi {day}"),
            ("p", "C'est noté."),
        ),
    ),
    ("Coloc", "Rando du dimanche", "Chorale", "Cousins", "Foot du jeudi"),
)


SPANISH: Final = Talk(
    "es",
    "+34600",
    (
        ("Lucía", "Mateo", "Carmen", "Diego", "Valeria", "Javier", "Alba", "Nico"),
        ("García", "Romero", "Ortega", "Vidal", "Navarro", "Ruiz"),
    ),
    {
        "friend": ("Pablo", "mi hermana", "la abuela", "Marta", "mi compañero de piso", "Andrés"),
        "place": ("Cádiz", "la sierra", "Valencia", "Oporto", "el mercado", "Granada"),
        "food": ("gazpacho", "una tortilla", "lentejas", "arroz al horno", "croquetas"),
        "day": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
        "thing": ("guitarra", "cerámica", "ajedrez", "natación", "costura"),
    },
    (
        (
            ("u", "¡buenas! ayer tuve la entrevista"),
            ("p", "¿Y cómo te sentiste al salir?"),
            ("u", "muy bien, aunque llamé {friend} al jefe jajaja"),
            ("p", "Seguro que se acuerdan de ti. ¿Cuándo contestan?"),
            ("u", "el {day} a las {time}"),
            ("p", "Cruzo los dedos hasta el {day}."),
        ),
        (
            ("u", "estoy muy preocupada por {friend}"),
            ("p", "Cuéntame. ¿Qué ha pasado?"),
            ("u", "lleva {n} días sin contestar"),
            ("p", "¿Quieres que pensemos juntas qué escribirle?"),
            ("u", "sí, gracias"),
        ),
        (
            ("u", "hoy he hecho {food} y ha salido bien"),
            ("p", "¿Qué has cambiado?"),
            ("u", "{n} minutos más de fuego lento"),
            ("p", "La paciencia no sale en la receta."),
        ),
        (
            ("u", "¡nos vamos {n} días! destino: {place}"),
            ("p", "¿En tren?"),
            ("u", "sí, {friend} tiene miedo a volar"),
            ("p", "Entonces, ventanilla a la izquierda."),
        ),
        (("u", "he empezado con {thing}, día {n}"), ("p", "¿Duelen más los dedos o el orgullo?"), ("u", "las dos cosas 😂")),
    ),
    (
        (
            ("a", "¿quién se apunta el {day}? vamos a ver {place}"),
            ("b", "yo, tengo {n} plazas"),
            ("c", "yo vuelvo a las {time}"),
            ("p", "Llevad agua, y alguien que traiga {food}."),
            ("a", "eso {friend} seguro"),
        ),
        (("a", "el ensayo pasa a las {time}"), ("b", "¿otra vez?"), ("c", "a mí me va bien"), ("a", "la sala está ocupada")),
    ),
    ("Piso 3B", "Senderismo", "Los primos", "Coro", "Pádel"),
)


ITALIAN: Final = Talk(
    "it",
    "+39350",
    (("Giulia", "Luca", "Chiara", "Marco", "Sofia", "Davide"), ("Rossi", "Bianchi", "Ferrari", "Conti", "Greco")),
    {
        "friend": ("Paolo", "mia sorella", "la nonna", "Sara", "il mio coinquilino"),
        "place": ("Bologna", "il lago", "Palermo", "la montagna", "Torino"),
        "food": ("la ribollita", "il risotto", "una crostata", "gli gnocchi"),
        "day": ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
        "thing": ("la chitarra", "il nuoto", "la ceramica", "gli scacchi"),
    },
    (
        (
            ("u", "ciao! ieri il colloquio è andato bene"),
            ("p", "Che bello! Cosa ti ha sorpreso?"),
            ("u", "ridevano tutti, anche {friend}"),
            ("p", "E quando ti chiamano?"),
            ("u", "{day} alle {time}"),
            ("p", "Incrocio le dita fino a {day}."),
        ),
        (
            ("u", "mi sento così triste da quando mi sono trasferita"),
            ("p", "Ti manca la città o le persone?"),
            ("u", "le persone. {friend} più di tutti"),
            ("p", "Chiamiamo insieme {day}?"),
            ("u", "sì, grazie"),
        ),
        (("u", "stasera {food}, riuscito!"), ("p", "Il segreto?"), ("u", "{n} minuti in più"), ("p", "La pazienza non sta nella ricetta.")),
    ),
    (
        (
            ("a", "chi viene {day}? meta: {place}"),
            ("b", "io, ho {n} posti"),
            ("c", "devo tornare alle {time}"),
            ("p", "Portate una giacca."),
            ("a", "e {food}!"),
        ),
    ),
    ("Coinquilini", "Calcetto", "Coro", "Cugini"),
)


PORTUGUESE: Final = Talk(
    "pt",
    "+351930",
    (("Beatriz", "Tiago", "Inês", "Rui", "Mariana", "João"), ("Silva", "Costa", "Ferreira", "Almeida", "Sousa")),
    {
        "friend": ("o Pedro", "a minha irmã", "a avó", "a Rita"),
        "place": ("Aveiro", "a serra", "Évora", "a praia"),
        "food": ("caldo verde", "arroz de pato", "um bolo de laranja", "bacalhau"),
        "day": ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo"),
        "thing": ("viola", "natação", "cerâmica", "xadrez"),
    },
    (
        (
            ("u", "bom dia! a entrevista de ontem correu bem"),
            ("p", "Que bom! O que te surpreendeu?"),
            ("u", "perguntaram por {friend} rsrs"),
            ("p", "E quando sabes?"),
            ("u", "{day} às {time}"),
            ("p", "Faço figas até {day}."),
        ),
        (
            ("u", "estou muito preocupado com {friend}"),
            ("p", "O que se passa?"),
            ("u", "não responde há {n} dias"),
            ("p", "Queres que te ajude com a mensagem?"),
            ("u", "sim, obrigado"),
        ),
        (("u", "fiz {food} e ficou ótimo"), ("p", "O que mudaste?"), ("u", "mais {n} minutos"), ("p", "A paciência não vem na receita.")),
    ),
    (
        (
            ("a", "quem vem {day}? vamos ver {place}"),
            ("b", "eu, tenho {n} lugares"),
            ("c", "tenho de voltar às {time}"),
            ("p", "Levem um casaco."),
        ),
    ),
    ("Casa", "Futebol", "Primos"),
)
