#!/usr/bin/env python3
"""Tokens of texts.json by llama.cpp, with the vocabulary of the shipped model: writes the golden file given with --out.

The program is any that prints the ids of llama_tokenize(text, add_special = true, parse_special = true); {model} and {text} are filled in.
"""
import argparse
import json
import re
import shlex
import subprocess


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--program", default="llama-tokenize --log-disable --ids -m {model} -p {text}")
    ap.add_argument("--model", default="../../../samples/models/hearth-8x1m-q4_0.gguf")
    ap.add_argument("--out", default="../../../tests/MixtralVk.Tests/Tokenization/goldens/hearth.json")
    a = ap.parse_args()
    cases = []
    for text in json.load(open("texts.json", encoding="utf-8")) + [""]:
        command = [part.format(model=a.model, text=text) if part in ("{model}", "{text}") else part for part in shlex.split(a.program)]
        ids = [int(x) for x in re.findall(r"\d+", subprocess.run(command, capture_output=True, text=True, check=True).stdout)]
        cases.append({"text": text, "ids": ids})
    with open(a.out, "w", encoding="utf-8") as f:
        f.write('{"source": "llama.cpp llama_tokenize, made by tools/goldens/tokenizer/make_hearth.py", "cases": [\n')
        f.write(",\n".join(json.dumps(c, ensure_ascii=True, separators=(",", ":")) for c in cases))
        f.write("\n]}\n")
    print(len(cases), "texts")


if __name__ == "__main__":
    main()
