// Parses PowerShell scripts with the tree-sitter grammar and fails on syntax errors: `node check.mjs FILE...`
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Language, Parser } from "web-tree-sitter";

const files = process.argv.slice(2);
if (files.length === 0) {
    console.error("usage: node check.mjs FILE...");
    process.exit(2);
}

await Parser.init();
const grammar = fileURLToPath(import.meta.resolve("tree-sitter-powershell/tree-sitter-powershell.wasm"));
const parser = new Parser();
parser.setLanguage(await Language.load(grammar));

function* errorsIn(node) {
    if (node.isError || node.isMissing) {
        yield node;
    } else if (node.hasError) {
        for (const child of node.children) {
            yield* errorsIn(child);
        }
    }
}

for (const file of files) {
    const errors = [...errorsIn(parser.parse(await readFile(file, "utf8")).rootNode)];
    for (const node of errors) {
        const { row, column } = node.startPosition;
        console.error(`${file}:${row + 1}:${column + 1}: ${node.isMissing ? `missing ${node.type}` : "syntax error"}`);
        process.exitCode = 1;
    }
    if (errors.length === 0) {
        console.log(`${file}: no syntax errors`);
    }
}
