// Pools of floats. keys [page][KvHeads][HeadDim][32], so that lanes own tokens; values [page][KvHeads][32][HeadDim], so that lanes own
// dimensions.
const uint PageWords = KvHeads * HeadDim * PageTokens;

uint key_word(uint page, uint kvHead, uint pair, uint slot) { return ((page * KvHeads + kvHead) * HeadDim + 2u * pair) * PageTokens + slot; }
uint value_word(uint page, uint kvHead, uint pair, uint slot) { return ((page * KvHeads + kvHead) * PageTokens + slot) * HeadDim + 2u * pair; }
