// Scores a file of tasks through llama.cpp, as `mixtralvk eval` does: greedy answers, right where they hold the facts.
//   npm install --prefix DIR node-llama-cpp@3.22.1
//   NODE_PATH=DIR/node_modules node llamacpp.mjs MODEL.gguf TASKS.jsonl
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const answerTokens = 128;
const replyKeys = ["action", "emotion", "say", "target"];

/** The answer as an object of the form that JSON tasks ask for, or null. */
function reply(answer) {
    try {
        const object = JSON.parse(answer);
        const strings = Object.keys(object).sort().join() === replyKeys.join() && replyKeys.every(key => typeof object[key] === "string");
        return strings ? object : null;
    } catch (error) {
        if (error instanceof SyntaxError || error instanceof TypeError) return null;
        throw error;
    }
}

function isRight(task, answer) {
    const holds = fact => answer.toLowerCase().includes(fact.toLowerCase());
    return task.facts.every(holds) && (task.any.length === 0 || task.any.some(holds)) && (task.json === null || reply(answer)?.target === task.json.target);
}

const [modelPath, tasksPath] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(createRequire(import.meta.url).resolve("node-llama-cpp")));
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 1024, threads: 1 });
const sequence = context.getSequence();

async function answer(prompt) {
    await sequence.clearHistory();
    const made = [];
    const tokens = [model.tokens.bos, ...model.tokenize(prompt.replace(/^<s>/, ""), true)];
    for await (const token of sequence.evaluate(tokens, { temperature: 0 })) {
        if (model.isEogToken(token) || made.push(token) === answerTokens) break;
    }
    return model.detokenize(made).trim();
}

const categories = new Map();
const json = { right: 0, tasks: 0 };
for (const line of readFileSync(tasksPath, "utf8").split("\n").filter(line => line.trim())) {
    const task = JSON.parse(line), text = await answer(task.prompt);
    for (const name of [task.category, "all"]) {
        const counts = categories.get(name) ?? { right: 0, tasks: 0 };
        counts.tasks++;
        if (isRight(task, text)) counts.right++;
        categories.set(name, counts);
    }
    if (task.json !== null) {
        json.tasks++;
        if (reply(text) !== null) json.right++;
    }
    if (process.env.SHOW) console.log(JSON.stringify(text));
}
categories.set("valid JSON", json);
for (const [name, { right, tasks }] of [...categories].sort()) console.log(`${name} ${right} of ${tasks}: ${(100 * right / tasks).toFixed(1)} %`);
await llama.dispose();
