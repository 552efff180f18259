"""An information desk: its persona, and its side of a conversation."""
import smalltalk as talk

from languages import translated
from maker import an, cap, join
from turn import Turn
from words import CITIES, DAYS, INN_KINDS, STREETS

NAMES = {"museum": ["Museum", "Gallery", "Castle Museum", "Museum of Art"], "station": ["Station"], "shop": ["Store", "Market Hall", "Bookshop", "Department Store"]}
ROOMS = {"museum": "toilets|café|cloakroom|gift shop|dinosaurs|mummies|Roman coins|paintings|knights|stamps|ship models|minerals|lockers|old maps|lift".split("|"),
         "station": "toilets|ticket office|café|waiting room|lockers|bus stop|taxi stand|lost property office|bakery|car park".split("|"),
         "shop": "toys|winter coats|shoes|toilets|café|books|lamps|garden tools|bicycles|kitchen goods|cash desks|children's books|lift".split("|")}
NOT_HERE = "swimming pool|cinema|zoo|playground|chapel|bank|pharmacy|smithy|hotel|theatre".split("|")
WHERE_ROOMS = ["on {the first|the second|the third|the ground} floor", "on floor $n", "in room $n", "in hall $h", "next to the {entrance|stairs|lift|ticket office|exit}",
               "behind the {stairs|lift|café|fountain}", "in the {east|west|north|south} wing", "on floor $n, next to the {lift|stairs}"]
HOURS = ["Open from $open to $close, closed on $day.", "Opening hours: $open to $close. Closed on $day.", "Hours: $open to $close, closed on $day."]
TICKETS = ["Tickets: adults $adult euros, children $child euros.", "Adults pay $adult euros, children $child euros.",
           "Admission: $adult euros for adults, $child euros for children."]
TRAINS = ["Train to $city: $time, platform $platform, $fare euros.", "The train to $city leaves at $time from platform $platform and costs $fare euros."]
HEADS = ["You are the {information assistant|help desk|guide} of the $name in $town.", "You are the {assistant|guide} at $name, $town.",
         "Assistant of the $name in $town."]

WHERE = ["Where $b the $x?", "Where $b the $x?", "Where can I find the $x?", "I'm looking for the $x.", "How do I get to the $x?", "The $x, please."]
PRICE = ["How much is the $i?", "What does the $i cost?", "How much does the $i cost?", "Price of the $i?", "Tell me the price of the $i.", "How much is that $i?",
         "What do you want for the $i?", "What's the price of the $i?"]
TRAIN_WHEN = ["When does the train to $city leave?", "What time is the train to $city?", "I want to go to $city.", "The next train to $city?",
              "Which platform for $city?", "Where does the train to $city leave?", "What platform does the train to $city leave from?", "Which platform does the train to $city leave from?"]
TRAIN_FARE = ["How much is a ticket to $city?", "What does it cost to go to $city?", "A ticket to $city, please."]
OPEN = ["When are you open?", "What are the opening hours?", "When do you {close|open}?", "What time do you {open|close}?", "Are you open today?",
        "How long are you open?"]
CLOSED = ["Which day are you closed?", "Are you open every day?", "When are you closed?", "Is it open on $day?", "Are you open on $day?"]
CHILD = ["How much is a ticket for {a child|children}?", "What do children pay?", "How much for a child?"]
ADULT = ["How much is a ticket?", "What does a ticket cost?", "How much is the admission?", "How much do adults pay?", "Ticket price for one adult?"]


def be(room): return "are" if room.endswith("s") else "is"


class Kiosk:
    def __init__(self, m, json_share=.06):
        self.m, self.kind = m, m.one(list(NAMES))
        s = self.slots = dict(town=m.town(), name=m.one(INN_KINDS + STREETS) + " " + m.one(NAMES[self.kind]), open="%d:%s" % (m.between(7, 11), m.one(["00", "30"])),
                              close="%d:%s" % (m.between(16, 22), m.one(["00", "30"])), day=m.one(DAYS), adult=m.between(6, 30), child=m.between(2, 9))
        self.has_hours = m.chance(.85)
        facts = [m.fill(HOURS, **s)] if self.has_hours else []
        if self.kind == "museum": facts.append(m.fill(TICKETS, **s))
        self.trains, self.prices = [], {}
        if self.kind == "station":
            for city in {m.one(CITIES) if m.chance(.5) else m.town(): 0 for _ in range(m.one([1, 2, 2, 3]))}:
                self.trains.append(dict(city=city, time=m.time(), platform=m.between(1, 14), fare=m.between(4, 80)))
            facts += [m.fill(TRAINS, **t) for t in self.trains]
        if self.kind == "shop":
            for _ in range(m.one([1, 2, 3])): self.prices[m.item()] = "%d.%s" % (m.between(2, 80), m.one(["50", "90", "95", "99", "00"]))
            facts += [cap(m.fill(["The $i costs $p euros.", "Price of the $i: $p euros.", "$i: $p euros."], i=i, p=p)) for i, p in self.prices.items()]
        rooms = list(ROOMS[self.kind])
        m.random.shuffle(rooms)
        self.rooms = {x: m.fill(WHERE_ROOMS, n=m.between(2, 29), h=m.one("ABCDEFGH")) for x in rooms[:m.one([1, 2, 3, 4])]}
        facts += [cap(m.fill(["The $x $b $w.", "The $x $b $w.", "$x: $w."], x=x, b=be(x), w=w)) for x, w in self.rooms.items()]
        m.random.shuffle(facts)
        self.json = m.chance(json_share)
        self.persona = " ".join([m.fill(HEADS, **s)] + facts + (["Answer as JSON."] if self.json else []))

    def turn(self):
        m = self.m
        choices = [self.small] * 4 + [self.place] + [self.room] * 4 + [self.unknown] * 3 + [self.list_rooms] * 2
        if self.has_hours: choices += [self.hours] * 4
        choices += {"museum": [self.ticket] * 4, "station": [self.train] * 5, "shop": [self.price] * 4}[self.kind]
        turn = m.one(choices)()
        turn.answer, turn.emotion = cap(turn.answer), "friendly"
        return turn

    def hear(self, turn): pass      # a desk remembers nothing

    def foreign_turn(self, language): return translated(self.m, language, self.foreign_topics())

    def foreign_topics(self):
        """What can be asked in other languages: topic and slots."""
        topics = [("thanks", {}), ("bye", {}), ("unknown", {})]
        if self.has_hours: topics += [("hours", self.slots)] * 3
        if self.kind == "museum": topics += [("ticket", self.slots)] * 3
        topics += [("train", self.m.one(self.trains))] * 4 if self.trains else []
        floor = self.rooms.get("toilets", "")
        if floor.startswith("on floor") and "," not in floor: topics += [("toilets", dict(n=floor.split()[-1]))] * 4
        return topics

    def ask(self, questions, answer, must=(), category="kiosk", action="none", target="", refusal=False, polite=True, **slots):
        m, slots = self.m, {**self.slots, **slots}
        text = m.fill(answer, **slots)
        if polite and not refusal:
            if m.chance(.1): text = m.fill("{Certainly|Of course|Gladly}. ") + text
            if m.chance(.1): text += m.fill("{ Can I help you with anything else?| Have a nice day!| Enjoy your visit!}")
        return Turn(m.fill(questions, **slots), text, category, must=[str(x) for x in must], refusal=refusal, action=action, target=target)

    def room(self):
        x = self.m.one(list(self.rooms))
        exists = ["Do you have $x?"] if be(x) == "are" else ["Is there $ax?"]
        return self.ask(WHERE + exists, "<The $x $b $w>.", [self.rooms[x]], action="point_to", target=x, x=x, ax=an(x), b=be(x), w=self.rooms[x])

    def list_rooms(self):
        rooms = ["the %s %s %s" % (x, be(x), w) for x, w in self.rooms.items()]
        questions = ["What is there to see?", "What can I find here?", "What do you have here?", "What can you tell me?"]
        return self.ask(questions, cap("<%s>." % join(rooms)), self.rooms.values())

    def hours(self):
        if self.m.chance(.4): return self.ask(CLOSED, "<We are closed on $day>.", [self.slots["day"]])
        return self.ask(OPEN, "<We are open from $open to $close>.", [self.slots["open"], self.slots["close"]])

    def ticket(self):
        if self.m.chance(.4): return self.ask(CHILD, "<Children pay $child euros>.", ["%d euros" % self.slots["child"]])
        return self.ask(ADULT, "<Adults pay $adult euros>.", ["%d euros" % self.slots["adult"]])

    def train(self):
        t = self.m.one(self.trains)
        if self.m.chance(.3): return self.ask(TRAIN_FARE, "<A ticket to $city costs $fare euros>.", ["%d euros" % t["fare"]], target=t["city"], **t)
        return self.ask(TRAIN_WHEN, "<The train to $city leaves at $time from platform $platform>.", [t["time"], "latform %d" % t["platform"]], action="point_to",
                        target="platform %d" % t["platform"], **t)

    def price(self):
        i, p = self.m.one(list(self.prices.items()))
        return self.ask(PRICE, "<The $i costs $p euros>.", ["%s euros" % p], target=i, i=i, p=p)

    def place(self): return self.ask(["Where am I?", "What is this place?", "Who are you?", "What is this building?"], "<This is $name in $town>.", [self.slots["name"]])

    def unknown(self):
        m = self.m
        if self.kind == "station" and m.chance(.4):
            city = next(c for c in iter(lambda: m.one(CITIES) if m.chance(.5) else m.town(), None) if c not in self.persona)
            when = m.chance(.7)
            return self.ask(TRAIN_WHEN if when else TRAIN_FARE, "<The train to $city? I don't know> of any train to $city." if when
                            else "<A ticket to $city? I don't know> of any train to $city.", category="unknown", refusal=True, city=city)
        if self.kind == "shop" and m.chance(.4): return self.ask(PRICE, "<The $i? I don't know> that, I am sorry.", category="unknown", refusal=True, i=m.item())
        if not self.has_hours and m.chance(.3): return self.ask(OPEN[:2], "<I don't know> the opening hours.", category="unknown", refusal=True)
        x = m.one([x for x in NOT_HERE + ROOMS[self.kind] if x not in self.persona])
        return self.ask(WHERE + (["Is there $ax?"] if be(x) == "is" else []), "<The $x? I don't know> where {it is|that is}, I am sorry." if be(x) == "is" else
                        "<The $x? I don't know> where they are, I am sorry.", category="unknown", refusal=True, x=x, ax=an(x), b=be(x))

    def small(self):
        m = self.m
        return m.one([
            lambda: self.ask(["Hello.", "Good {morning|day|evening}.", "Hi!", "Excuse me.", "Can you help me?"],
                             ["{Hello|Good day|Welcome}! How can I help you?", "Welcome to $name! {What can I do for you|How can I help you}?"],
                             category="small", polite=False),
            lambda: self.ask(talk.THANKS, ["You're welcome!", "My pleasure. Enjoy your {visit|day}!", "Glad to help."], category="small", polite=False),
            lambda: self.ask(talk.BYE, ["Goodbye, and have a nice day!", "Thank you for visiting $name. Goodbye!"], category="small", polite=False),
            lambda: self.ask(talk.OFF_TOPIC, ["I am sorry, I can only help with questions about <$name>.", "I do not know that. {Ask me|You can ask me} about <$name>.",
                                              "I am only the assistant of <$name>. I cannot help with that."], category="small", polite=False)])()
