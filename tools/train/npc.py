"""A character with a persona, and its side of a conversation."""
import facts
import smalltalk as talk
from asks import AGAIN, ASKS, IDENTITY, MEMORIES, RUMOUR_MORE, UNKNOWN, Ask
from languages import NPC_TOPICS, translated
from maker import an, cap, first_letter, unmarked, with_article
from moods import CLOSERS, FAREWELLS, GREETINGS, HAGGLING, HOW_ARE_YOU, INSULTED, MOODS, OPENERS, WELCOMES
from turn import Turn
from words import CURRENCIES, ITEM_KINDS, ITEMS, PLACE_KINDS, PLACES, RELATIONS, TRADES

HEADS = ["You are $name, $atrade in $town. {You are $mood.|Your mood is $mood.|Mood: $mood.}", "You are $name, $amood $trade from $town.",
         "You are $name, $amood $trade in $town.", "{Play|You play} $name, the $mood $trade of $town.", "Name: $name. Trade: $trade. Town: $town. Mood: $mood.",
         "Character: $name, $trade, lives in $town, $mood.", "Your name is $name. You {work as|are} $atrade in $town and you are $mood."]
PLAIN_HEADS = ["You are $name, $atrade in $town.", "You are $name, $trade of $town.", "Name: $name. Trade: $trade. Town: $town."]
JSON_WISHES = ["Answer as JSON.", "Always answer as JSON.", "Reply in JSON with say, emotion, action and target."]
LOWERED = {"The", "You", "They", "My", "It", "There", "Look", "Go", "For", "People", "Yes", "No", "A", "An", "This"}     # behind an opener's comma
EMOTIONS = {"none": "neutral", "wary": "suspicious"}
ASKED = dict(shop=4, relation=6, rumour=5, owned=4)      # how often, others 3
CATEGORY = dict(ware="shop", person="relation", likes="taste", age="taste")     # others: the kind itself


class Npc:
    def __init__(self, m, json_share=.06):
        self.m = m
        mood = m.one([word for words in MOODS.values() for word in words])
        self.mood = next(kind for kind, words in MOODS.items() if mood in words)
        trade = m.one(TRADES)
        self.slots = dict(name=m.name(), town=m.town(), trade=trade, atrade=an(trade), mood=mood, amood=an(mood))
        self.facts = facts.draw(m, m.one(CURRENCIES))
        self.told, self.rumours_told, self.last = {}, 0, None
        self.json = m.chance(json_share)
        head = m.fill(PLAIN_HEADS if self.mood == "none" and m.chance(.5) else HEADS, **self.slots)
        wish = m.one(JSON_WISHES) if self.json else m.fill("{Stay in character.|Answer briefly.|Speak in character.}") if m.chance(.15) else ""
        self.persona = ("\n" if m.chance(.15) else " ").join([head] + [f.text for f in self.facts] + ([wish] if wish else []))

    def turn(self):
        """One question and its answer."""
        turn = self.m.one(self.choices())()
        turn.answer = cap(turn.answer)
        return turn

    def hear(self, turn):
        """What was asked becomes part of the conversation."""
        self.told.update(turn.tells)
        self.last = turn
        if turn.category == "rumour": self.rumours_told = self.rumours_told + 1 if turn.question in RUMOUR_MORE else max(1, self.rumours_told)

    def foreign_turn(self, language): return translated(self.m, language, [(topic, self.slots) for topic in NPC_TOPICS])

    def choices(self):
        """What can be asked now, a thing more often the more often it is in the list."""
        held = [f.kind for f in self.facts]
        choices = [self.small] * 3 + [lambda: self.identity()] * 3 + [self.remember] * 2 + [self.unknown_fact] * 5
        choices += [lambda f=f: self.known_fact(f) for f in self.facts for _ in range(ASKED.get(f.kind, 3))]
        if self.told: choices += [self.recall] * 3
        elif self.m.chance(.2): choices.append(self.forgot)
        if self.last and self.last.core and "?" not in self.last.core and self.m.chance(.3): choices.append(self.again)
        if self.rumours_told and "rumour" in held: choices += [self.more_rumours] * 2
        return choices

    # ---- questions about facts ----------------------------------------------------------

    def known_fact(self, fact):
        slots, ask = fact.slots, self.m.one(ASKS[fact.kind])
        kind = fact.kind
        if kind == "rumour":
            slots = self.rumours()[0].slots      # whoever asks for a rumour is told the first
        elif kind == "shop" and self.m.chance(.75):
            item, price = self.m.one(list(slots["goods"].items()))
            kind, ask = "ware", self.m.one(ASKS["ware"])
            slots = dict(slots, i=item, ai=with_article(item), p=price, price="%d %s" % (price, slots["c"]))
        turn = self.answer(kind, ask, slots)
        if kind == "relation": turn.emotion = turn.emotion if slots["good"] else "angry"
        if kind == "shop": turn.must = list(slots["goods"])
        return turn

    def rumours(self): return [f for f in self.facts if f.kind == "rumour"]

    def more_rumours(self):
        rumours = self.rumours()
        if self.rumours_told >= len(rumours): return self.answer("unknown", UNKNOWN["rumour_more"], {})
        return self.answer("rumour", Ask(RUMOUR_MORE, ASKS["rumour"][0].answers, ["r"]), rumours[self.rumours_told].slots)

    def identity(self, kind=None):
        return self.answer("identity", IDENTITY[kind or self.m.one(["name", "name", "trade", "trade", "town", "home"])], {})

    def unknown_fact(self):
        """A question about something the persona does not hold; often about something that looks like what it holds."""
        m, held = self.m, {f.kind for f in self.facts}
        kind = m.one(["place"] * 4 + ["person"] * 3 + (["ware"] * 2 if "shop" in held else ["shop", "item", "item"])
                     + [k for k in ("rumour", "rumour", "quest", "owned", "owned", "likes", "age", "relation") if k not in held or k == "relation"]
                     + (["whereabouts"] if "relation" in held else []))
        slots = {}
        if kind == "place": slots = dict(x=self.strange(self.m.place, lambda: m.one(self.words(PLACE_KINDS)) + " " + m.one(self.words(PLACES))))
        elif kind == "person": slots = dict(y=self.strange(m.name, m.name))
        elif kind in ("ware", "item"):
            item = self.strange(m.item, lambda: m.one(self.words(ITEM_KINDS)) + " " + m.one(self.words(ITEMS)))
            slots = dict(i=item, ai=an(item), c="gold", list=next((f.slots["list"] for f in self.facts if f.kind == "shop"), ""))
        elif kind == "relation":
            rel = m.one([r for r in RELATIONS if r not in self.persona])
            slots = dict(rel=rel, arel=an(rel))
        elif kind == "whereabouts": slots = dict(y=m.one([f.slots["y"] for f in self.facts if f.kind == "relation"]))
        return self.answer("unknown", UNKNOWN[kind], slots)

    def strange(self, draw, alike):
        """Something the persona does not tell of: anything, or composed of its own words."""
        for _ in range(20):
            word = alike() if self.m.chance(.5) else draw()
            if word.lower() not in self.persona.lower(): return word
        return draw()

    def words(self, of):
        found = [w for w in of if w in self.persona]
        return found or of

    def answer(self, kind, ask, slots):
        m, slots = self.m, {**self.slots, **slots}
        core = m.fill(ask.answers, **slots)
        return Turn(m.fill([q for q in ask.questions if "$town" not in q or m.chance(.5)], **slots), self.dress(core), CATEGORY.get(kind, kind), core=core,
                    must=[str(slots[s]) for s in ask.must if s in slots], refusal=ask.refusal, action=ask.action,
                    target=str(slots.get(ask.target, "")), emotion=EMOTIONS.get(self.mood, self.mood))

    def dress(self, core, opener=.16, closer=.1):
        """The answer with what the character's mood puts in front and behind."""
        m = self.m
        before = m.fill(OPENERS[self.mood], **self.slots) if m.chance(opener) else ""
        after = m.fill(CLOSERS[self.mood], **self.slots) if m.chance(closer) else ""
        if (before.endswith(",") or before == "I... I think") and unmarked(core).split(" ", 1)[0] in LOWERED: core = first_letter(core, str.lower)
        return " ".join(part for part in (before, core, after) if part)

    # ---- memory ------------------------------------------------------------------------

    def remember(self):
        """The player tells something about himself."""
        m, what = self.m, self.m.one(["p", "p", "p"] + list(MEMORIES))
        trade = m.one(TRADES)
        drawn = dict(p=m.name(), t=m.town(), money="%d %s" % (m.number(), m.one(CURRENCIES)), i=m.item(), tr=trade)
        slots = {what: drawn[what], "atr": an(trade)}
        turn = self.answer("told", Ask(MEMORIES[what].says, MEMORIES[what].reply, [what]), slots)
        turn.tells = {what: slots}
        return turn

    def recall(self):
        what = self.m.one(list(self.told))
        return self.answer("memory", Ask(MEMORIES[what].asks, MEMORIES[what].recall, [what]), self.told[what])

    def forgot(self):
        """Asked for what the player never told."""
        memory = MEMORIES[self.m.one(list(MEMORIES))]
        return self.answer("unknown", Ask(memory.asks, ["<I don't know>. You did not tell me."], refusal=True), {})

    def again(self):
        return Turn(self.m.one(AGAIN), self.last.core, "memory", core=self.last.core, must=self.last.must, emotion=self.last.emotion,
                    action=self.last.action, target=self.last.target, refusal=self.last.refusal)

    # ---- small talk ----------------------------------------------------------------------

    def small(self):
        m, mood = self.m, self.mood
        emotion, action, target = EMOTIONS.get(mood, mood), "none", ""
        questions, answers = m.one([(talk.GREET, GREETINGS[mood]), (talk.GREET, GREETINGS[mood]), (talk.HOW, HOW_ARE_YOU[mood]), (talk.THANKS, WELCOMES[mood]),
                                    (talk.BYE, FAREWELLS[mood]), (talk.INSULTS, INSULTED[mood]), (talk.OFF_TOPIC, talk.OFF_TOPIC_ANSWERS),
                                    (talk.OFF_TOPIC, talk.OFF_TOPIC_ANSWERS), (talk.HAGGLE, HAGGLING.get(mood, HAGGLING["none"])),
                                    (talk.FOREIGN, talk.FOREIGN_ANSWERS) if m.chance(.2) else m.one(talk.SMALL), m.one(talk.SMALL), m.one(talk.SMALL)])
        if questions is talk.INSULTS and mood in ("angry", "stern", "wary", "proud"): emotion, action, target = "angry", "attack", "player"
        return Turn(m.fill(questions, **self.slots), m.fill(answers, **self.slots), "small", emotion=emotion, action=action, target=target)
