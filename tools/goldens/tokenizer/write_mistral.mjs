// The 32000 pieces of the real Mistral vocabulary by id, as a JSON array of texts, for MaskBenchmarks.
// Usage: npm install --prefix DIR mistral-tokenizer-js@1.0.0 && node write_mistral.mjs DIR FILE
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
if (!file) throw new Error("usage: node write_mistral.mjs DIR_OF_NPM_INSTALL FILE");
const { default: mistral } = await import(pathToFileURL(resolve(folder, "node_modules/mistral-tokenizer-js/mistral-tokenizer.js")));
writeFileSync(file, JSON.stringify(mistral.vocabById));
