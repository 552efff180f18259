"""One question and its answer, with what a right answer holds."""
from dataclasses import dataclass, field


@dataclass
class Turn:
    question: str
    answer: str                # with marks, see maker.py
    category: str
    core: str = ""             # the answer without what mood puts around it
    must: list = field(default_factory=list)
    refusal: bool = False
    action: str = "none"
    target: str = ""
    emotion: str = "neutral"
    tells: dict = field(default_factory=dict)      # what the player told with it
