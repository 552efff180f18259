#!/usr/bin/python3
"""Prints conversations with personas of held-out names, as the model card shows them: dialogues.py MIXTRALVK MODEL.gguf [--count 10] [--seed 4]"""
import argparse
import subprocess

from dialogue import Dialogue
from maker import Maker

TURNS = 6


def questions(m, kiosk):
    """A persona and what is asked: facts first, so that a short conversation is about something."""
    while True:
        dialogue = Dialogue(m, kiosk=kiosk, json_share=0)
        if dialogue.speaker.json or (not kiosk and len(dialogue.speaker.facts) < 3): continue
        asked, categories = [], []
        for _ in range(60):
            turn = dialogue.speaker.turn()
            if len(asked) == TURNS: return dialogue.speaker.persona, asked
            if turn.question in asked or categories.count(turn.category) == 2 or turn.category == "small" and asked and len(asked) < TURNS - 1: continue
            dialogue.speaker.hear(turn)
            asked.append(turn.question)
            categories.append(turn.category)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("mixtralvk")
    arguments.add_argument("model")
    arguments.add_argument("--count", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=4)
    a = arguments.parse_args()
    m = Maker(a.seed, held_out=True)
    for number in range(a.count):
        persona, asked = questions(m, kiosk=number % 5 == 4)
        persona = persona.replace("\n", " ")
        command = [a.mixtralvk, "chat", a.model, "--device", "cpu", "--temperature", "0", "--system", persona]
        answers = subprocess.run(command, input="\n".join(asked) + "\n", capture_output=True, text=True, check=True).stdout.splitlines()
        print("**%s**\n" % persona)
        for question, answer in zip(asked, [line for line in answers if line]): print("> %s<br>%s\n>" % (question, answer))
        print()


if __name__ == "__main__":
    main()
