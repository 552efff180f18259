// What the page says in its languages. The first one is spoken where a visitor's is not here.
export const words = {
  en: {
    name: "English", languages: "Language", conversation: "Conversation", suggestions: "Suggestions", question: "Your question", send: "Send", stop: "Stop",
    reset: "Start over", begin: "Touch to ask a question", still: "Are you still there?", stay: "Yes, go on", sources: "Source", ops: "For operators", key: "API key",
    you: "You", answer: "Answer", greeting: "Ask me something.", stopped: "Stopped.", thinking: "Answering…",
    busy: "Many people are asking. Please try again in a moment.", failed: "Something went wrong. Please try again.", long: "The conversation has become too long. Please start over.",
    loading: "I am just waking up. One moment, please.",
  },
  de: {
    name: "Deutsch", languages: "Sprache", conversation: "Gespräch", suggestions: "Vorschläge", question: "Ihre Frage", send: "Senden", stop: "Anhalten",
    reset: "Neu beginnen", begin: "Berühren, um zu fragen", still: "Sind Sie noch da?", stay: "Ja, weiter", sources: "Quelle", ops: "Für Betreiber", key: "API-Schlüssel",
    you: "Sie", answer: "Antwort", greeting: "Fragen Sie mich etwas.", stopped: "Angehalten.", thinking: "Antwort kommt …",
    busy: "Gerade fragen viele. Bitte versuchen Sie es gleich noch einmal.", failed: "Etwas ging schief. Bitte versuchen Sie es noch einmal.",
    long: "Das Gespräch ist zu lang geworden. Bitte beginnen Sie neu.", loading: "Ich wache gerade auf. Einen Moment bitte.",
  },
  fr: {
    name: "Français", languages: "Langue", conversation: "Conversation", suggestions: "Suggestions", question: "Votre question", send: "Envoyer", stop: "Arrêter",
    reset: "Recommencer", begin: "Touchez pour poser une question", still: "Êtes-vous toujours là ?", stay: "Oui, continuer", sources: "Source", ops: "Pour l’exploitant", key: "Clé d’API",
    you: "Vous", answer: "Réponse", greeting: "Posez-moi une question.", stopped: "Arrêté.", thinking: "Je réponds…",
    busy: "Beaucoup de personnes posent des questions. Réessayez dans un instant.", failed: "Une erreur est survenue. Veuillez réessayer.",
    long: "La conversation est devenue trop longue. Veuillez recommencer.", loading: "Je me réveille. Un instant, s’il vous plaît.",
  },
  es: {
    name: "Español", languages: "Idioma", conversation: "Conversación", suggestions: "Sugerencias", question: "Su pregunta", send: "Enviar", stop: "Detener",
    reset: "Empezar de nuevo", begin: "Toque para preguntar", still: "¿Sigue ahí?", stay: "Sí, continuar", sources: "Fuente", ops: "Para operadores", key: "Clave de API",
    you: "Usted", answer: "Respuesta", greeting: "Pregúnteme algo.", stopped: "Detenido.", thinking: "Respondiendo…",
    busy: "Hay muchas preguntas. Inténtelo de nuevo en un momento.", failed: "Algo salió mal. Inténtelo de nuevo.",
    long: "La conversación es demasiado larga. Empiece de nuevo, por favor.", loading: "Me estoy despertando. Un momento, por favor.",
  },
  it: {
    name: "Italiano", languages: "Lingua", conversation: "Conversazione", suggestions: "Suggerimenti", question: "La sua domanda", send: "Invia", stop: "Ferma",
    reset: "Ricomincia", begin: "Tocchi per fare una domanda", still: "È ancora qui?", stay: "Sì, continua", sources: "Fonte", ops: "Per i gestori", key: "Chiave API",
    you: "Lei", answer: "Risposta", greeting: "Mi chieda qualcosa.", stopped: "Fermato.", thinking: "Sto rispondendo…",
    busy: "In molti stanno chiedendo. Riprovi tra un momento.", failed: "Qualcosa è andato storto. Riprovi.",
    long: "La conversazione è diventata troppo lunga. Ricominci, per favore.", loading: "Mi sto svegliando. Un momento, per favore.",
  },
};
