// Pools of 8-bit integers with an f16 scale for each 32 dimensions of a token. A head in a page: keys [Quads][32], a word being four dimensions of
// one token, so that lanes own tokens; values [32][Quads], so that lanes own dimensions; after either, scales [ScaleWords][32], a word being those
// of 64 dimensions of one token.
const uint Quads = (HeadDim + 3u) / 4u, ScaleWords = (HeadDim + 63u) / 64u;
const uint HeadWords = (Quads + ScaleWords) * PageTokens, PageWords = KvHeads * HeadWords;

uint head_start(uint page, uint kvHead) { return (page * KvHeads + kvHead) * HeadWords; }
uint key_word(uint page, uint kvHead, uint quad, uint slot) { return head_start(page, kvHead) + quad * PageTokens + slot; }
uint value_word(uint page, uint kvHead, uint quad, uint slot) { return head_start(page, kvHead) + slot * Quads + quad; }
uint scale_word(uint page, uint kvHead, uint dim, uint slot) { return head_start(page, kvHead) + (Quads + dim / 64u) * PageTokens + slot; }
