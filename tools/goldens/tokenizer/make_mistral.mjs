// Tokens of texts.json with the real Mistral vocabulary, by the npm package mistral-tokenizer-js 1.0.0 (MIT), and the part of that vocabulary
// the texts can touch. Usage: npm install --prefix DIR mistral-tokenizer-js@1.0.0 && node make_mistral.mjs DIR
//
// The part: every piece that is a substring of a text as the tokenizer sees it (spaces written U+2581, one in front), and the special and
// byte tokens. A merge can only make such a piece, so BPE over the part equals BPE over the whole. The order of merges is the package's own;
// it is checked below that it is an order of pieces (what SentencePiece's scores are), and that no split of a piece is missing.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const folder = process.argv[2];
if (!folder) throw new Error("usage: node make_mistral.mjs DIR_OF_NPM_INSTALL");
const { default: mistral } = await import(pathToFileURL(resolve(folder, "node_modules/mistral-tokenizer-js/mistral-tokenizer.js")));
const out = new URL("../../../tests/MixtralVk.Tests/Tokenization/goldens/", import.meta.url);
const { vocabById, vocabByString, merges } = mistral;
const marks = 3, bytes = 256, firstPiece = marks + bytes;

// Rank of each piece = place of its first merge; all merges of a piece must stand together.
const rank = new Map();
let last = -1;
for (const [pair] of [...merges].sort((a, b) => a[1] - b[1])) {
    const id = vocabByString.get(pair.replace(" ", ""));
    if (id === undefined) throw new Error(`merge ${pair} makes no piece`);
    if (id === last) continue;
    if (rank.has(id)) throw new Error(`the merges of piece ${id} do not stand together`);
    rank.set(id, rank.size);
    last = id;
}
for (let id = firstPiece; id < vocabById.length; id++) {
    const chars = Array.from(vocabById[id]);
    for (let cut = 1; cut < chars.length; cut++) {
        const left = chars.slice(0, cut).join(""), right = chars.slice(cut).join("");
        if (vocabByString.get(left) >= firstPiece && vocabByString.get(right) >= firstPiece && !merges.has(`${left} ${right}`))
            throw new Error(`piece ${id} can be split into ${left} and ${right}, which is no merge`);
    }
}

const longest = Math.max(...vocabById.slice(firstPiece).map(p => Array.from(p).length));
const used = new Set();
const cases = [];
// Beyond texts.json: what a command line cannot carry. The package gives no token at all for "", so that text is left out.
for (const text of [...JSON.parse(readFileSync(new URL("texts.json", import.meta.url))), "\0", "a\0b"]) {
    cases.push({ text, ids: mistral.encode(text, true, true) });
    const chars = Array.from((" " + text).replaceAll(" ", "\u2581"));
    for (let start = 0; start < chars.length; start++)
        for (let length = 1; length <= longest && start + length <= chars.length; length++) {
            const id = vocabByString.get(chars.slice(start, start + length).join(""));
            if (id >= firstPiece) used.add(id);
        }
}
const json = x => JSON.stringify(x).replace(/[\u007f-\uffff]/g, c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
const source = "npm mistral-tokenizer-js 1.0.0 (MIT), made by tools/goldens/tokenizer/make_mistral.mjs";
writeFileSync(new URL("mistral.json", out), `{"source": "${source}", "cases": [\n${cases.map(json).join(",\n")}\n]}\n`);
// [id, piece, rank of its merge, or -1 for a single character]
const pieces = [...used].sort((a, b) => a - b).map(id => json([id, vocabById[id], rank.get(id) ?? -1]));
const lines = [];
for (let i = 0; i < pieces.length; i += 8) lines.push(pieces.slice(i, i + 8).join(","));
writeFileSync(new URL("mistral-vocabulary.json", out),
    `{"source": "${source}", "size": ${vocabById.length}, "pieces": [\n${lines.join(",\n")}\n]}\n`);
console.log(`${cases.length} texts, ${used.size} pieces`);
