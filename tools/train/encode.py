"""Documents as token ids, and how much each token counts: the shipped model's SentencePiece vocabulary."""
import numpy as np
import sentencepiece

PROMPT, ANSWER, FACT = 0, 1, 2


def load(path): return sentencepiece.SentencePieceProcessor(model_file=str(path))


def prompt_ids(tokenizer, prompt):
    """Token ids of a formatted prompt; each part is encoded on its own, </s> becomes token 2."""
    ids = [1]
    for number, turn in enumerate(prompt.removeprefix("<s>").split("</s>")):
        if number: ids.append(2)
        ids += tokenizer.encode(turn)
    return ids


def answer_ids(tokenizer, marked):
    """Ids of an answer and its </s>, and FACT for the tokens that touch a marked span."""
    text, inside, important = [], False, []
    for c in marked:
        if c in "<>": inside = c == "<"
        else: text.append(c); important.append(inside)
    pieces = tokenizer.encode_as_immutable_proto("".join(text)).pieces
    kinds = [FACT if any(important[p.begin:p.end]) else ANSWER for p in pieces]
    return [p.id for p in pieces] + [2], kinds + [ANSWER]


def document(tokenizer, turns):
    ids, kinds = [1], [PROMPT]
    for question, answer in turns:
        asked = tokenizer.encode("[INST] %s [/INST]" % question)
        answered, of = answer_ids(tokenizer, answer)
        ids += asked + answered
        kinds += [PROMPT] * len(asked) + of
    return np.array(ids, np.uint16), np.array(kinds, np.uint8)


def save(path, documents):
    """An .npz of all ids (uint16), their kinds (uint8) and where each document starts (int64)."""
    starts = np.cumsum([0] + [len(ids) for ids, _ in documents])
    ids, kinds = (np.concatenate(parts) for parts in zip(*documents))
    np.savez(path, ids=ids, kinds=kinds, starts=starts)
    shares = [float((kinds == k).mean()) for k in (PROMPT, ANSWER, FACT)]
    print("%s: %d documents, %d tokens (prompt %.2f, answers %.2f, facts in answers %.2f), longest %d"
          % (path, len(documents), len(ids), *shares, np.diff(starts).max()), flush=True)
