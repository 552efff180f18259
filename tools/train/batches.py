"""Batches of documents of like length, and how much each token counts."""
import numpy as np
import torch

from encode import ANSWER, FACT

WINDOW = 2048                              # documents are sorted by length within windows of so many, so that the order stays random
ANSWER_WEIGHT, PROMPT_WEIGHT, PROMPT_SHARE = .3, .1, .2     # facts in answers weigh 1; only a share of the prompt's tokens counts


class Batches:
    """A seeded, endless sequence: batch number n is the same in every process. Rows times positions is at most `tokens`, padding included."""

    def __init__(self, path, tokens, seed, context):
        data = np.load(path)
        self.ids, self.kinds, self.starts = data["ids"], data["kinds"], data["starts"]
        self.tokens, self.seed, self.context = tokens, seed, context
        self.lengths = np.minimum(np.diff(self.starts), context + 1)
        self.epoch, self.before, self.batches = -1, 0, []

    def shuffle(self):
        """Composes the batches of the next epoch."""
        self.before += len(self.batches)
        self.epoch += 1
        random = np.random.default_rng([self.seed, self.epoch])
        order, self.batches = random.permutation(len(self.lengths)), []
        for at in range(0, len(order), WINDOW):
            window = order[at:at + WINDOW]
            window = window[np.argsort(self.lengths[window], kind="stable")]
            begin = 0
            for end in range(1, len(window) + 1):
                if end < len(window) and (end - begin + 1) * padded(self.lengths[window[end]]) <= self.tokens: continue
                self.batches.append(window[begin:end])
                begin = end
        random.shuffle(self.batches)

    def take(self, number):
        """ids (row, position), targets and weights (row * position) of a batch, and how many of its tokens are no padding. Numbers only go up."""
        while number - self.before >= len(self.batches): self.shuffle()
        documents = self.batches[number - self.before]
        random = np.random.default_rng([self.seed, 1, number])
        length = padded(self.lengths[documents].max())
        ids, targets = np.zeros((2, len(documents), length), np.int64)
        weights = np.zeros((len(documents), length), np.float32)
        for row, document in enumerate(documents):
            begin, count = self.starts[document], self.lengths[document] - 1
            tokens, kinds = self.ids[begin:begin + count + 1].astype(np.int64), self.kinds[begin + 1:begin + count + 1]
            ids[row, :count], targets[row, :count] = tokens[:-1], tokens[1:]
            weights[row, :count] = np.where(kinds == FACT, 1, np.where(kinds == ANSWER, ANSWER_WEIGHT, PROMPT_WEIGHT * (random.random(count) < PROMPT_SHARE)))
        return torch.from_numpy(ids), torch.from_numpy(targets).flatten(), torch.from_numpy(weights).flatten(), int((self.lengths[documents] - 1).sum())


def padded(tokens): return int(-(-(tokens - 1) // 8) * 8)
