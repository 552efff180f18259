"""Draws words and fills templates.

A template holds `$slot` for what a fact says and `{a|b}` for a choice. `<...>` in an answer marks what the persona decides: those tokens count
fully in the loss, the turns of phrase around them less. The marks are taken out before a text is tokenised (see encode.py).
"""
import random
import re

from words import *

CHOICE = re.compile(r"\{([^{}]*)\}")
SLOT = re.compile(r"\$([a-zA-Z]+)")
VOWELS = "aeiou"
CONSONANTS = "b c d f g h j k l m n p r s t v w z b d g k l m n p r s t ch th sh br dr gr st qu".split()
NEAR = ["behind", "beside", "next to", "across from", "near", "just past", "under", "north of", "south of", "east of", "west of"]
RUMOURS = [
    "$creatures {were seen|are hiding|have been spotted|are gathering} {near|by|behind} the $landmark",
    "{a ghost|a witch|a black dog|a dragon|a giant} {walks|sleeps|was seen} {near|by|under} the $landmark",
    "$name found $anitem {under|near|in} the $landmark", "$name stole $anitem from the $trade",
    "the {king|duke|baron|mayor|bishop} is hiding $anitem in the $landmark",
    "the $trade of $town {has gone missing|owes $number gold to thieves|is a spy}",
    "$name and $other {are in love|met at the $landmark at night|are planning to rob the $landmark}",
    "the road to $town is {closed|full of $creatures|not safe}", "a ship full of $goods sank near $town", "there is treasure {under|behind|near} the $landmark"]


def an(noun): return ("an " if noun[0].lower() in "aeiou" else "a ") + noun


def with_article(item): return item if item.split()[-1] in FOODS else an(item)


def first_letter(text, change):
    """Changes the first letter, behind a mark if there is one."""
    at = 1 if text.startswith("<") else 0
    return text[:at] + change(text[at:at + 1]) + text[at + 1:]


def cap(text): return first_letter(text, str.upper)


def join(parts): return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def unmarked(text): return text.replace("<", "").replace(">", "")


class Maker:
    """One seeded stream of words. With `held_out` it draws names, towns, places and wares that training never sees, and only those."""

    def __init__(self, seed, held_out):
        self.random = random.Random(seed)
        self.held_out = held_out

    def one(self, options): return options[int(self.random.random() * len(options))]
    def chance(self, share): return self.random.random() < share
    def between(self, low, high): return self.random.randint(low, high)

    def fill(self, template, **slots):
        """One template, or one of a list, with choices made and slots filled."""
        if isinstance(template, list): template = self.one(template)
        while "{" in template: template = CHOICE.sub(lambda choice: self.one(choice.group(1).split("|")), template)
        return SLOT.sub(lambda slot: str(slots[slot.group(1)]), template)

    def fresh(self, draw):
        """Draws until the word belongs to this split."""
        for _ in range(400):
            word = draw()
            if held(word) == self.held_out: break
        return word

    def strange_name(self):
        """A name of letters that were never put together before: it can only be copied, not remembered."""
        syllables = ("".join(self.one(letters) for letters in (CONSONANTS, VOWELS) + ((CONSONANTS,) if self.chance(.4) else ())) for _ in range(self.one([2, 2, 3])))
        return "".join(syllables).capitalize()

    def name(self):
        def draw():
            if self.chance(.2): return self.one(COMMON_NAMES)
            if not self.held_out and self.chance(.45): return self.strange_name()
            name = self.one(NAME_STARTS) + self.one(NAME_ENDS)
            return name + self.one(NAME_ENDS) if self.chance(.1) and len(name) < 6 else name
        return self.fresh(draw)

    def town(self):
        if not self.held_out and self.chance(.2): return self.strange_name() + self.one(["", ""] + TOWN_ENDS)
        return self.fresh(lambda: self.one(TOWN_STARTS) + self.one(TOWN_ENDS) if self.chance(.9)
                          else self.one(["Port ", "Fort ", "New ", "Saint "]) + self.one(NAME_STARTS) + self.one(NAME_ENDS))

    def strange_word(self): return self.strange_name().lower()

    def item(self):
        if not self.held_out and self.chance(.2): return self.one([self.strange_word(), self.one(ITEM_KINDS)]) + " " + self.one([self.strange_word(), self.one(ITEMS)])
        return self.fresh(lambda: self.one(ITEM_KINDS) + " " + self.one(ITEMS) if self.chance(.8) else self.one(ITEMS) + " of " + self.one(ITEM_OF))

    def food(self):
        if self.held_out or self.chance(.5): return self.one(FOODS)
        return self.one([self.strange_word(), self.one(FOODS), self.one(ITEM_KINDS)]) + " " + self.one(FOODS)

    def creatures(self):
        if self.held_out or self.chance(.5): return self.one(CREATURES)
        return self.one([self.strange_word(), self.one(PLACE_KINDS), "giant"]) + " " + self.one(CREATURES)

    def landmark(self): return (self.strange_name() if not self.held_out and self.chance(.1) else self.one(PLACE_KINDS)) + " " + self.one(PLACES)

    def place(self):
        def draw():
            if self.chance(.55): return self.landmark()
            if self.chance(.35): return self.one(PLACES)
            return self.one(INN_KINDS) + " " + self.one(INN_NAMES) if self.chance(.7) else self.one(PLACES) + " of " + self.name()
        return self.fresh(draw)

    def number(self, high=200):
        kind = self.random.random()
        return self.between(2, 12) if kind < .3 else self.between(13, 99) if kind < .8 else self.one(range(100, max(high, 101) + 1, 5))

    def time(self): return "%d:%02d" % (self.between(5, 23), self.one(range(0, 60, 5)))
    def street(self): return self.one(STREETS) + " " + self.one(STREET_KINDS)

    def direction(self):
        kind, side = self.random.random(), self.one("north south east west".split())
        if kind < .4: return self.one(NEAR) + " the " + self.landmark()
        if kind < .55: return "%s %s %s of the %s" % (self.one("two three four five".split()), self.one("streets houses miles".split()), side, self.one(PLACES))
        if kind < .7: return "on %s, %s the %s" % (self.street(), self.one(["next to", "opposite", "behind"]), self.one(PLACES))
        if kind < .78: return "at the end of " + self.street()
        if kind < .86: return self.fill("{down by the river|up on the hill|down by the docks|in the old quarter|outside the walls}, past the $x", x=self.landmark())
        if kind < .93: return self.fill("$side of $town, {in the woods|by the road|in the hills|by the sea}", side=side, town=self.town())
        return self.fill("{a day's walk|an hour's ride|a short walk|half a day} $side of here", side=side)

    def rumour(self):
        return self.fill(RUMOURS, creatures=self.one(CREATURES), landmark=self.landmark(), name=self.name(), other=self.name(), anitem=an(self.item()),
                         trade=self.one(TRADES), town=self.town(), number=self.number(), goods=self.one(GOODS))
