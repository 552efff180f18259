"""Whole documents: a persona and a conversation in the Mixtral-Instruct form."""
import json

from kiosk import Kiosk
from maker import unmarked
from npc import Npc

LENGTH = 1450                  # characters, about 450 tokens
JSON_ASKED = ["(answer as JSON)", "(answer as JSON)", "(JSON)", "(reply as JSON)", "Answer as JSON."]
HAILS = ["Hello. ", "Excuse me. ", "Good day! ", "Hi! ", "Please tell me. ", "Hey you. "]
FACTS = ("place", "shop", "rumour", "quest", "relation", "owned", "taste", "unknown", "identity", "kiosk")


def as_json(turn):
    """The turn's answer as the object that a game reads."""
    target = "<%s>" % turn.target if turn.target else ""
    return json.dumps(dict(say=turn.answer, emotion=turn.emotion, action=turn.action, target=target), ensure_ascii=False)


def answer_text(turn, is_json): return as_json(turn) if is_json else turn.answer


class Dialogue:
    """A conversation with one persona. Its turns are (question, answer) pairs, the first question behind the persona."""

    def __init__(self, m, kiosk=None, json_share=.07):
        self.m, self.json_share = m, json_share
        self.speaker = Kiosk(m) if (m.chance(.2) if kiosk is None else kiosk) else Npc(m)
        self.language = m.one(["de", "fr", "es", "it"]) if m.chance(.08) else None
        self.turns, self.asked, self.length = [], set(), len(self.speaker.persona)

    def draw(self):
        """A question not asked before."""
        m, npc = self.m, isinstance(self.speaker, Npc)
        for _ in range(6):
            turn = self.speaker.foreign_turn(self.language) if self.language and m.chance(.8) else self.speaker.turn()
            if turn.question not in self.asked: break
        self.asked.add(turn.question)
        if npc and m.chance(.04) and turn.must and turn.category in FACTS: self.ask_two(turn)
        return turn

    def ask_two(self, turn):
        """Two questions at once."""
        other = self.speaker.turn()
        if other.must and not other.refusal and other.category in FACTS and other.question != turn.question and turn.question[-1] in "?.":
            turn.question += self.m.one([" ", " And ", " Also, "]) + other.question
            turn.answer += " " + other.answer
            turn.must = turn.must + other.must

    def add(self, turn, as_json_object=None):
        """Appends a turn; returns whether it is in JSON."""
        m, question = self.m, turn.question
        is_json = self.speaker.json or (m.chance(self.json_share) if as_json_object is None else as_json_object)
        if is_json and not self.speaker.json: question += " " + m.one(JSON_ASKED)
        if turn.category in FACTS and m.chance(.06): question = m.one(HAILS) + question
        if m.chance(.04): question = question.lower() if not any(x in question for x in turn.must + [turn.target] if x) else question
        elif m.chance(.04): question = question.rstrip(".?!")
        if not self.turns: question = self.speaker.persona + m.one(["\n\n", "\n\n", "\n", "\n", " "]) + question
        answer = answer_text(turn, is_json)
        self.turns.append((question, answer))
        self.speaker.hear(turn)
        self.length += len(question) + len(answer) + 15
        return is_json

    def extend(self, turns):
        for _ in range(turns):
            self.add(self.draw())
            if self.length > LENGTH: break
        return self


def prompt(turns, question):
    """The text before the answer to a question that follows some turns."""
    return "<s>" + "".join("[INST] %s [/INST] %s</s>" % (q, unmarked(a)) for q, a in turns) + "[INST] %s [/INST]" % question
