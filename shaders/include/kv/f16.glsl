// Pools of f16 pairs. keys [page][KvHeads][HeadDim / 2][32]: a word is dimensions 2i, 2i+1 of one token, so that lanes own tokens;
// values [page][KvHeads][32][HeadDim / 2], so that lanes own dimensions.
const uint PageWords = KvHeads * HeadDim / 2u * PageTokens;

uint key_word(uint page, uint kvHead, uint pair, uint slot) { return ((page * KvHeads + kvHead) * (HeadDim / 2u) + pair) * PageTokens + slot; }
uint value_word(uint page, uint kvHead, uint pair, uint slot) { return ((page * KvHeads + kvHead) * PageTokens + slot) * (HeadDim / 2u) + pair; }
