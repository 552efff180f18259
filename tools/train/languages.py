"""The basics of a conversation in German, French, Spanish and Italian: topic to questions and answer."""
from turn import Turn

DE = {
    "greet": (["Guten Tag!", "Hallo!", "Grüß Gott!", "Guten Morgen!"],
              ["Guten Tag! Ich heiße <$name>.", "Hallo! Willkommen in <$town>.", "Grüß dich! Wie kann ich helfen?"]),
    "name": (["Wie heißt du?", "Wer bist du?", "Wie ist dein Name?"], ["<Ich heiße $name> und lebe in <$town>."]),
    "town": (["Wo bin ich?", "Wie heißt diese Stadt?"], ["<Das ist $town>."]),
    "thanks": (["Danke!", "Vielen Dank!", "Danke schön!"], ["Gern geschehen!", "Bitte sehr!", "Nichts zu danken."]),
    "bye": (["Auf Wiedersehen!", "Tschüss!"], ["Auf Wiedersehen und gute Reise!", "Leb wohl!"]),
    "hours": (["Wann haben Sie geöffnet?", "Wann öffnen Sie?", "Wie sind die Öffnungszeiten?"], ["<Wir haben von $open bis $close geöffnet>."]),
    "ticket": (["Was kostet der Eintritt?", "Wie viel kostet eine Karte?"], ["<Erwachsene zahlen $adult Euro, Kinder $child Euro>."]),
    "train": (["Wann fährt der Zug nach $city?", "Wo fährt der Zug nach $city ab?"], ["<Der Zug nach $city fährt um $time von Gleis $platform>."]),
    "toilets": (["Wo sind die Toiletten?", "Wo ist die Toilette?"], ["<Die Toiletten sind in Etage $n>."]),
    "unknown": (["Wo ist das Schwimmbad?", "Wo ist das Kino?", "Wo ist der Zoo?"], ["<Das weiß ich leider nicht>."]),
}
FR = {
    "greet": (["Bonjour !", "Salut !", "Bonsoir !"], ["Bonjour ! Je m'appelle <$name>.", "Bienvenue à <$town> !", "Bonjour ! Comment puis-je vous aider ?"]),
    "name": (["Comment t'appelles-tu ?", "Qui es-tu ?", "Quel est ton nom ?"], ["<Je m'appelle $name> et j'habite à <$town>."]),
    "town": (["Où suis-je ?", "Comment s'appelle cette ville ?"], ["<C'est $town>."]),
    "thanks": (["Merci !", "Merci beaucoup !"], ["De rien !", "Avec plaisir !", "Je vous en prie."]),
    "bye": (["Au revoir !", "À bientôt !"], ["Au revoir et bonne journée !", "Adieu, voyageur !"]),
    "hours": (["Quels sont les horaires ?", "Quand êtes-vous ouverts ?", "À quelle heure ouvrez-vous ?"], ["<Nous sommes ouverts de $open à $close>."]),
    "ticket": (["Combien coûte l'entrée ?", "Quel est le prix du billet ?"], ["<$adult euros pour les adultes, $child euros pour les enfants>."]),
    "train": (["À quelle heure part le train pour $city ?", "D'où part le train pour $city ?"], ["<Le train pour $city part à $time, voie $platform>."]),
    "toilets": (["Où sont les toilettes ?"], ["<Les toilettes sont à l'étage $n>."]),
    "unknown": (["Où est la piscine ?", "Où est le cinéma ?", "Où est le zoo ?"], ["<Désolé, je ne sais pas>."]),
}
ES = {
    "greet": (["¡Hola!", "¡Buenos días!", "¡Buenas tardes!"], ["¡Hola! Me llamo <$name>.", "¡Bienvenido a <$town>!", "¡Buenos días! ¿En qué puedo ayudarte?"]),
    "name": (["¿Cómo te llamas?", "¿Quién eres?", "¿Cuál es tu nombre?"], ["<Me llamo $name> y vivo en <$town>."]),
    "town": (["¿Dónde estoy?", "¿Cómo se llama esta ciudad?"], ["<Esto es $town>."]),
    "thanks": (["¡Gracias!", "¡Muchas gracias!"], ["¡De nada!", "No hay de qué."]),
    "bye": (["¡Adiós!", "¡Hasta luego!"], ["¡Adiós y buen viaje!", "¡Hasta pronto, viajero!"]),
    "hours": (["¿Cuál es el horario?", "¿A qué hora abren?", "¿Cuándo están abiertos?"], ["<Abrimos de $open a $close>."]),
    "ticket": (["¿Cuánto cuesta la entrada?", "¿Cuál es el precio de la entrada?"], ["<$adult euros para adultos y $child euros para niños>."]),
    "train": (["¿A qué hora sale el tren a $city?", "¿De dónde sale el tren a $city?"], ["<El tren a $city sale a las $time del andén $platform>."]),
    "toilets": (["¿Dónde están los aseos?"], ["<Los aseos están en la planta $n>."]),
    "unknown": (["¿Dónde está la piscina?", "¿Dónde está el cine?", "¿Dónde está el zoo?"], ["<Lo siento, no lo sé>."]),
}
IT = {
    "greet": (["Buongiorno!", "Ciao!", "Buonasera!"], ["Buongiorno! Mi chiamo <$name>.", "Benvenuto a <$town>!", "Ciao! Come posso aiutarti?"]),
    "name": (["Come ti chiami?", "Chi sei?", "Qual è il tuo nome?"], ["<Mi chiamo $name> e vivo a <$town>."]),
    "town": (["Dove sono?", "Come si chiama questa città?"], ["<Questa è $town>."]),
    "thanks": (["Grazie!", "Grazie mille!"], ["Prego!", "Di niente.", "È stato un piacere."]),
    "bye": (["Arrivederci!", "Addio!"], ["Arrivederci e buon viaggio!", "A presto, viaggiatore!"]),
    "hours": (["Quali sono gli orari?", "A che ora aprite?", "Quando siete aperti?"], ["<Siamo aperti dalle $open alle $close>."]),
    "ticket": (["Quanto costa il biglietto?", "Quanto costa l'ingresso?"], ["<$adult euro per gli adulti, $child euro per i bambini>."]),
    "train": (["A che ora parte il treno per $city?", "Da dove parte il treno per $city?"], ["<Il treno per $city parte alle $time dal binario $platform>."]),
    "toilets": (["Dove sono i bagni?"], ["<I bagni sono al piano $n>."]),
    "unknown": (["Dov'è la piscina?", "Dov'è il cinema?", "Dov'è lo zoo?"], ["<Mi dispiace, non lo so>."]),
}
LANGUAGES = {"de": DE, "fr": FR, "es": ES, "it": IT}
NPC_TOPICS = ["greet", "name", "name", "town", "town", "thanks", "bye"]
REFUSALS = ["weiß ich leider nicht", "je ne sais pas", "no lo sé", "non lo so"]
MUST = {"name": ["name"], "town": ["town"], "hours": ["open", "close"], "ticket": ["adult"], "train": ["time"], "toilets": ["n"]}


def translated(m, language, topics):
    """A turn in another language on one of the topics (topic, slots)."""
    topic, slots = m.one(topics)
    questions, answers = LANGUAGES[language][topic]
    return Turn(m.fill(questions, **slots), m.fill(answers, **slots), "unknown" if topic == "unknown" else "languages", refusal=topic == "unknown",
                must=[str(slots[s]) for s in MUST.get(topic, [])])
