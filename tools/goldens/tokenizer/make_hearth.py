#!/usr/bin/env python3
"""Tokens of texts.json by llama.cpp, with the vocabulary of the shipped model: writes the golden file given with --out.

The program is any that prints the ids of llama_tokenize(text, add_special = true, parse_special = true); {model} and {text} are filled in.
"""
import argparse
import json
import re
import shlex
import subprocess

# Conversations as [role, text]: how llama.cpp tokenises their written-out form is what the chat template must give.
CHATS = [
    [["user", "Hello, who are you?"]],
    [["system", "You are Mira, a cheerful baker from Oakvale. Stay in character."], ["user", "What do you sell?"]],
    [["system", "You are Hugo, the lamplighter of New Gardil."], ["user", "Where is the mill?"], ["assistant", "Four streets west."], ["user", "Grüße! 👍🏽"]],
    [["user", "a"], ["assistant", "b\nc"], ["user", "d  e"], ["assistant", "{\"say\": \"f\"}"]],
]


def written_out(chat):
    text, system = "", ""
    for role, content in chat:
        if role == "system": system = content + "\n\n"
        elif role == "user": text += "[INST] " + system + content + " [/INST]"; system = ""
        else: text += " " + content + "</s>"
    return text


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--program", default="llama-tokenize --log-disable --ids -m {model} -p {text}")
    ap.add_argument("--model", default="../../../samples/models/hearth-8x1m-q4_0.gguf")
    ap.add_argument("--out", default="../../../tests/MixtralVk.Tests/Tokenization/goldens/hearth.json")
    a = ap.parse_args()

    def tokens(text):
        command = [part.format(model=a.model, text=text) if part in ("{model}", "{text}") else part for part in shlex.split(a.program)]
        return [int(x) for x in re.findall(r"\d+", subprocess.run(command, capture_output=True, text=True, check=True).stdout)]

    cases = [{"text": text, "ids": tokens(text)} for text in json.load(open("texts.json", encoding="utf-8")) + [""]]
    chats = [{"messages": chat, "ids": tokens(written_out(chat))} for chat in CHATS]
    lines = lambda rows: ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    with open(a.out, "w", encoding="utf-8") as f:
        f.write('{"source": "llama.cpp llama_tokenize, made by tools/goldens/tokenizer/make_hearth.py", "cases": [\n')
        f.write(lines(cases) + '\n], "chats": [\n' + lines(chats) + "\n]}\n")
    print(len(cases), "texts,", len(chats), "conversations")


if __name__ == "__main__":
    main()
