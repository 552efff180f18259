#!/usr/bin/env python3
"""Writes texts.json: the texts whose tokens are the goldens. Deterministic; edit here, then run the two other scripts (README.md)."""
import json
import random

TEXTS = [
    # English, names, digits, punctuation
    "Hello, who are you?", "Where is the mill?", "grabbed", " grabbed", "           grabbed", "I'd like 3 loaves, please: that's 12.50 silver!",
    "The quick brown fox jumps over the lazy dog.", "ax\n####\nboo", "1234567890 3.14159 0x7fffffff 1e-9 1,000,000", "A", "a", "!", "?!...",
    "You are Mira, a cheerful baker from Oakvale. Stay in character.\n\nWhat do you sell?", "[INST] Hello [/INST]", "[INST] persona\nline [/INST] answer",
    # Other languages
    "Wo ist die Mühle? Ich hätte gern fünf Äpfel und eine Straßenkarte.", "Où est la forêt ? Ça coûte combien, s'il vous plaît ?",
    "¿Dónde está el molino? ¡Mañana volveré, señor!", "Dov'è il mulino? Perché no, così è la vita.", "Где находится мельница? Ёжик в тумане.",
    "Πού είναι ο μύλος;", "磨坊在哪里?我想买三个苹果。", "水車小屋はどこですか?りんごを三つください。", "방앗간이 어디에 있나요? 사과 세 개 주세요.",
    "أين الطاحونة؟ أريد ثلاث تفاحات.", "איפה הטחנה?", "चक्की कहाँ है? मुझे तीन सेब चाहिए।", "โรงสีอยู่ที่ไหน", "Cối xay gió ở đâu? Tôi muốn mua ba quả táo.",
    "镇", "Zażółć gęślą jaźń", "Türkçe İstanbul ığdır", "ქართული ენა", "አማርኛ", "Ὀδυσσεύς", "e\u0301 versus \u00e9", "ﬁﬂ ½ ™ №",
    # Emoji: plain, skin tone, joined with ZWJ, flags, key caps, variation selectors
    "😀", "🎮🐉✨", "👍🏽 ok", "👨‍👩‍👧‍👦 family", "🏳️‍🌈🏴‍☠️", "🇩🇪🇫🇷", "1️⃣2️⃣", "❤️‍🔥", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈",
    # White space
    " ", "  ", "   ", "    x", "x ", "x  ", " x  y   z    ", "\t", "\ttabs\t\t\t\tout here", "\n", "\n\n", " \n", "a\nb\n\nc\n", "a\r\nb\r\n", "a\u00a0b", "\u00a0",
    "a\u2003b\u3000c\u200bd\ufeffe", "\u2028line\u2029paragraph", "\v\f", "a\tb \t c",
    # Control characters and marks that look like tokens
    "\x01\x02\x1b[31mred\x1b[0m\x7f", "\x80\x9f", "\ufffd", "\u2581", "a\u2581b", "<0x41>", "<0x0A><0xFF>", "< s >", "[inst]", "<|im_start|>", "\ue000\uf8ff", "\U0010ffff",
    # Code
    "public static int Main(string[] args)\n{\n    return args.Length == 0 ? 1 : 0; // done\n}\n", "for (int i = 0; i < n; i++) sum += a[i] * b[i];",
    "def f(x):\n\treturn {'k': [1, 2, 3], \"s\": f\"{x!r}\"}\n", "<div class=\"a\">&nbsp;</div>", "SELECT * FROM t WHERE a <> 'b';", "C:\\Users\\x\\y.txt https://example.org/?q=a%20b&c=d#e",
    '{"say": "Good day!", "emotion": "happy", "action": "none", "target": ""}', "\\n \\t \\u0041", "a==b!=c===d->e=>f::g",
    # Long words
    "Donaudampfschifffahrtsgesellschaftskapitänswitwe", "a" * 100, "ab" * 300, "=" * 77, "-" * 64 + "\n", " " * 50 + "end", "supercalifragilisticexpialidocious" * 8, "ha" * 33 + "!",
]
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ      \n\t.,;:!?'\"-()[]/0123456789äöüßéèñçЖияλ中文字の한😀👍🏽\u200d\u00a0"


def main():
    rnd = random.Random(20240501)
    texts = list(TEXTS)
    for length in (3, 7, 15, 40, 90, 200, 400):
        texts += ["".join(rnd.choice(ALPHABET) for _ in range(length)) for _ in range(4)]
    words = " ".join(TEXTS[:40]).split()
    texts += [" ".join(rnd.choice(words) for _ in range(n)) for n in (20, 60, 150, 600)]
    with open("texts.json", "w", encoding="utf-8") as f:
        json.dump(texts, f, ensure_ascii=True, indent=0)
        f.write("\n")


if __name__ == "__main__":
    main()
