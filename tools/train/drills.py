"""Copying and looking up, bare: documents that make these abilities form early, and keep them sharp."""
from maker import join
from words import CURRENCIES, ITEM_KINDS, ITEMS, PLACE_KINDS, PLACES, TRADES

REPEAT = "{Repeat|Say|Say after me|Repeat after me|Echo|Read this}: "
FORMS = ["%s: %s.", "%s is %s.", "%s = %s;", "The %s: %s.", "%s (%s),", "The %s is %s."]


def amount(m): return "%d %s" % (m.number(), m.one(CURRENCIES))


def word(m): return m.one([m.name, m.strange_name, m.strange_name, m.town, m.item, m.place, m.time, lambda: amount(m), lambda: m.one(TRADES)])()


def repeat(m):
    turns = []
    for _ in range(m.between(2, 5)):
        words = [word(m) for _ in range(m.one([1, 2, 3, 4, 5, 6, 8]))]
        text = m.one([", ".join(words), join(words), " ".join(words)])
        turns.append((m.fill(REPEAT) + text, "<%s>" % text))
    return turns


def look_up(m):
    """A table, and questions for its values; some for keys it does not have. Keys often share a word, so that both words must be matched."""
    firsts, seconds = [m.one(PLACE_KINDS) for _ in range(3)], [m.one(PLACES) for _ in range(3)]
    kinds, items = [m.one(ITEM_KINDS) for _ in range(3)], [m.one(ITEMS) for _ in range(3)]
    key = m.one([m.name, m.item, m.place, m.town, lambda: m.one(firsts) + " " + m.one(seconds), lambda: m.one(kinds) + " " + m.one(items)])
    value = m.one([lambda: amount(m), m.town, lambda: m.one(TRADES), m.direction, m.direction, m.time, m.item, m.name])
    table = {}
    for _ in range(m.between(3, 8)): table[key()] = value()
    form, keys = m.one(FORMS), list(table)
    m.random.shuffle(keys)
    body = (m.fill("{List|Notes|Facts|Table}. ") if m.chance(.5) else "") + " ".join(form % pair for pair in table.items()) + m.one(["\n", " ", "\n\n"])
    turns = []
    for k in keys[:m.between(3, 6)]:
        if m.chance(.2):
            k = next((s for s in (key() for _ in range(20)) if s not in body), "nothing")
        answer = "<%s: %s>." % (k, table[k]) if k in table else "<%s? I don't know>." % k
        turns.append((m.fill(["$k?", "What is $k?", "And $k?", "Tell me about $k."], k=k), answer))
    return [(body + turns[0][0], turns[0][1])] + turns[1:]


def drill(m): return repeat(m) if m.chance(.35) else look_up(m)
