// Load on a running server: node load.mjs ADDRESS CLIENTS SECONDS. Each client streams one answer after the other; what comes back is one line of JSON.
import { request } from "node:http";

const [address, clients, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const questions = ["Hello, who are you?", "Where is the mill?", "What are you afraid of?", "What do you sell?", "Any rumours?"];
const end = Date.now() + seconds * 1000;
const first = [], between = [], tokens = new Array(clients).fill(0), statuses = {};

/** One streamed answer; its events are counted as they arrive, so the client costs little beside the server. */
function answer(client, round) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({
      messages: [
        { role: "system", content: `You are Brannor ${client}, a gruff blacksmith from Oakhaven. You love honey cake.` },
        { role: "user", content: questions[round % questions.length] },
      ],
      stream: true, temperature: 1, max_tokens: 32, response_format: { type: "json_schema", json_schema: { schema: { type: "string", minLength: 200 } } },
    });
    const start = performance.now();
    let last = start, seen = 0;
    // A connection each, as a server may end one that is kept open just when it is used again.
    const outgoing = request(`${address}/v1/chat/completions`, { method: "POST", agent: false, headers: { "Content-Type": "application/json" } }, response => {
      statuses[response.statusCode] = (statuses[response.statusCode] ?? 0) + 1;
      response.on("data", chunk => {
        const events = chunk.toString().split('"content":').length - 1, now = performance.now();
        if (response.statusCode !== 200 || events === 0) return;
        if (seen === 0) first.push(now - start);
        else between.push((now - last) / events);
        [last, seen] = [now, seen + events];
        tokens[client] += events;
      });
      response.on("end", () => setTimeout(resolve, response.statusCode === 429 ? 1000 * response.headers["retry-after"] : 0));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function run(client) {
  for (let round = 0; Date.now() < end; round++) await answer(client, round);
}

const quantile = (values, share) => Number(values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]?.toFixed(1));
await Promise.all(tokens.map((_, client) => run(client)));
console.log(JSON.stringify({
  clients, seconds, statuses, piecesPerSecond: Math.round(tokens.reduce((a, b) => a + b) / seconds), slowestOverFastest: Number((Math.min(...tokens) / Math.max(...tokens)).toFixed(2)),
  firstP50Ms: quantile(first, 0.5), firstP95Ms: quantile(first, 0.95), nextP50Ms: quantile(between, 0.5), nextP95Ms: quantile(between, 0.95),
}));
