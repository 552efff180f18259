"""What a character's persona can hold: each kind of fact with its slots and the sentences that state it."""
import re
from dataclasses import dataclass

from maker import an, cap, join, with_article
from words import CREATURES, FOODS, GOODS, RELATIONS, TRADES


@dataclass
class Fact:
    kind: str
    slots: dict
    text: str


SENTENCES = {
    "place": ["The $x is $d.", "The $x is $d.", "The $x is $d.", "You know {that the|the} $x is $d.", "{Place|Known place}: the $x, $d.", "The $x lies $d.",
              "You tell travellers that the $x is $d.", "$x: $d."],
    "person": ["$y the $tr lives $d.", "$y is $atr and lives $d.", "{You know that|You know} $y, $atr, lives $d.", "Person: $y, $tr, lives $d."],
    "rumour": ["Rumour: $r.", "You heard that $r.", "You know a rumour: $r.", "People say that $r.", "They say that $r.",
               "You know that $r, {but tell it only when asked|a rumour}."],
    "quest": ["Quest: $h. Reward: $r.", "You need someone to $h. You will pay $r.", "You offer $r to anyone who will $h.", "You are looking for someone to $h for $r.",
              "You want someone to $h and pay $r."],
    "relation": ["$y the $tr is your $rel. You $feel $y because $y $v.", "Your $rel $y is $atr. You $feel $y, who $v.", "You $feel your $rel $y, $atr, who $v.",
                 "Your $rel is $y, $atr. You $feel $y because $y $v."],
    "owned": ["You {carry|own|wear} $ai, $t.", "{You own|Your treasure is} $ai, $t.", "You have $ai, $t."],
    "likes": ["You love $a and fear $b.", "You like $a. You are afraid of $b.", "Likes: $a. Fears: $b.", "You fear $b and love $a."],
    "age": ["You are $n years old.", "Age: $n.", "You have lived $n years."],
}
GOALS = ["bring me $n $goods", "bring me $n $goods from the $l", "find my $i in the $l", "drive the $creatures out of the $l", "take $n $goods to $y in $t",
         "find $y, who was last seen near the $l", "kill the $creatures near the $l"]
GOOD_DEEDS = ["saved my life near $t", "once gave me $ai", "always tells the truth", "makes the best $f in $t", "helped me in the war"]
BAD_DEEDS = ["stole my $i", "owes me $n gold", "lied to me about the $l", "cheats at cards", "sold me a broken $i"]
ORIGINS = ["a gift from my {father|mother|teacher|brother|grandmother}", "found {near|in} the $l", "won in a game of cards", "made by $y", "bought in $t"]
MOST = {"place": 4, "person": 2, "rumour": 2, "relation": 3}     # others: one


def to_you(text): return re.sub(r"\bmy\b", "your", re.sub(r"\bme\b", "you", text))


def place(m, _): return dict(x=m.place(), d=m.direction())


def person(m, _):
    trade = m.one(TRADES)
    return dict(y=m.name(), tr=trade, atr=an(trade), d=m.direction())


def rumour(m, _): return dict(r=m.rumour())


def quest(m, currency):
    goal = m.fill(GOALS, n=m.number(20) % 17 + 3, goods=m.one(GOODS), l=m.landmark(), i=m.item(), creatures=m.one(CREATURES), y=m.name(), t=m.town())
    return dict(g=goal, h=to_you(goal), r="%d %s" % (m.number(), currency) if m.chance(.75) else an(m.item()))


def relation(m, _):
    rel, trade = m.one(RELATIONS), m.one(TRADES)
    good = "friend" in rel or rel != "rival" and m.chance(.6)
    deed = m.fill(GOOD_DEEDS if good else BAD_DEEDS, t=m.town(), ai=an(m.item()), i=m.item(), f=m.one(FOODS), n=m.number(), l=m.landmark())
    feel = m.one(["trust", "like", "respect"] if good else ["do not trust", "dislike", "hate"])
    return dict(y=m.name(), rel=rel, arel=an(rel), tr=trade, atr=an(trade), w=deed, v=to_you(deed), feel=feel, good=good)


def owned(m, _):
    item, origin = m.item(), m.fill(ORIGINS, l=m.landmark(), y=m.name(), t=m.town())
    return dict(i=item, ai=an(item), s=origin, t=to_you(origin))


def likes(m, _): return dict(a=m.food(), b=m.creatures())


def age(m, _): return dict(n=m.between(16, 89))


def shop(m, currency):
    """A list of wares, in one of four forms."""
    goods, count = {}, m.one([1, 2, 2, 3, 3])
    while len(goods) < count: goods[m.item() if m.chance(.8) else m.food()] = m.number()
    priced = ["%s for %d %s" % (with_article(i), p, currency) for i, p in goods.items()]
    noted = ["%s (%d %s)" % (i, p, currency) for i, p in goods.items()]
    names = [with_article(i) for i in goods]
    text = m.one([lambda: "You sell %s." % join(priced), lambda: m.fill("{Wares|For sale|Goods|Shop}: ") + ", ".join(noted) + ".",
                  lambda: "Your shop sells %s." % join(noted),
                  lambda: "You sell %s. " % join(names) + " ".join("The %s costs %d %s." % (i, p, currency) for i, p in goods.items())])()
    return Fact("shop", dict(goods=goods, list=join(names), priced=join(priced), c=currency), text)


KINDS = dict(place=place, person=person, rumour=rumour, quest=quest, relation=relation, owned=owned, likes=likes, age=age)


def draw(m, currency):
    """The facts of one persona, in the order its text has them."""
    kinds = ["place", "place", "shop", "shop", "rumour", "rumour", "rumour", "quest", "relation", "relation", "relation", "relation", "owned", "owned", "likes",
             "person", "age"]
    m.random.shuffle(kinds)
    facts, subjects = [], set()
    for kind in dict.fromkeys(kinds[:m.one([0, 1, 2, 2, 3, 3, 4, 4, 5, 6])]):
        if kind == "shop":
            facts.append(shop(m, currency))
            continue
        for _ in range(m.between(1, MOST.get(kind, 1))):
            slots = KINDS[kind](m, currency)
            subject = slots.get("x") or slots.get("y") or kind + str(len(facts))
            if subject in subjects or slots.get("rel") in subjects: continue
            subjects.update((subject, slots.get("rel")))
            facts.append(Fact(kind, slots, cap(m.fill(SENTENCES[kind], **slots))))
    m.random.shuffle(facts)
    return facts
