// Damaged requests to a running server: node fuzz.mjs ADDRESS COUNT [SEED]. Each must be answered, refused in OpenAI's form, or, where its HTTP is broken, cut off;
// ends with 1 at the first that is not, and says which. What comes back is one line of JSON.
import { connect } from "node:net";

const address = new URL(process.argv[2]), count = Number(process.argv[3]), seed = Number(process.argv[4] ?? 1);
const clients = 8, fine = new Set([200, 400, 403, 404, 405, 409, 411, 413, 414, 415, 417, 429, 431, 505]), statuses = {};

const schema = { type: "object", properties: { a: { type: "string", maxLength: 4 }, b: { enum: ["x", "y"] } }, required: ["a"] };
const messages = [{ role: "system", content: "You are Mira." }, { role: "user", content: "Hello" }, { role: "assistant", content: "Good day." }, { role: "user", content: "Who are you?" }];
const requests = [
  ["/v1/chat/completions", { messages, max_tokens: 2, temperature: 0.5, top_p: 0.9, seed: 3, stop: ["x"], n: 1, logit_bias: { 7: -5 }, logprobs: true, top_logprobs: 2, metadata: { language: "de" } }],
  ["/v1/chat/completions", { messages, max_tokens: 9, stream: true, stream_options: { include_usage: true }, response_format: { type: "json_schema", json_schema: { name: "a", schema } } }],
  ["/v1/chat/completions", { messages, max_tokens: 9, tools: [{ type: "function", function: { name: "f", description: "d", parameters: schema } }], tool_choice: "auto" }],
  ["/v1/chat/completions", { conversation: "fuzz", messages: [messages[1]], max_tokens: 2, stream: true }],
  ["/v1/completions", { prompt: ["I am", [5, 6, 7]], max_tokens: 2, logprobs: 1, frequency_penalty: 0.1, presence_penalty: 0.1, prompt_cache_key: "k" }],
  ["/v1/embeddings", { input: ["a text", "another"], encoding_format: "base64" }],
  ["/tokenize", { messages, add_special: true }],
  ["/v1/conversations/fuzz", undefined],
];
/** Values as JSON, each of which is none that most fields can have. */
const strange = [
  "null", "true", "-1", "0", "0.1", "1e999", "-0", "9007199254740993", "-2147483649", "[]", "{}", '""', '"\\ud800"', '"\\u0000"', '"\\"', "[[[[", `${"[".repeat(3000)}${"]".repeat(3000)}`,
  `"${"long ".repeat(5000)}"`, '{"type":"string","minLength":1000000000}', '{"type":"array","minItems":1000000,"items":{}}', '{"$ref":"#"}', '{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}',
  '{"type":"string","pattern":"(a+)+(a+)+$"}', '{"type":"string","pattern":"(.{1,99}){1,99}{1,99}"}', `{"enum":[${Array.from({ length: 3000 }, (_, i) => i)}]}`,
];

/** Numbers from 0 to below 1 that the seed decides (mulberry32). */
function randomOf(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A request's bytes, wrong in one of the ways there are. */
function damaged(random) {
  const below = n => Math.floor(random() * n), one = list => list[below(list.length)];
  const [path, good] = one(requests);
  let body = good === undefined ? "" : JSON.stringify(good), head = [`Host: ${address.host}`, "Content-Type: application/json", "Connection: close"];
  let method = good === undefined ? one(["GET", "DELETE"]) : "POST", length = null, cut = null;
  switch (below(5)) {
    case 0: case 1: { // one value becomes another, or goes
      const places = [...body.matchAll(/:|\[|,/g)], at = places.length && one(places).index + 1;
      const rest = body.slice(at), end = /^("[^"]*"|[^,\]}]*)/.exec(rest)[0].length;
      body = body.slice(0, at) + (random() < 0.9 ? one(strange) : "") + rest.slice(end);
      break;
    }
    case 2: { // bytes
      const bytes = Buffer.from(body || "{}");
      for (let change = 1 + below(5); change > 0; change--) bytes[below(bytes.length)] = below(256);
      body = bytes;
      break;
    }
    case 3: // header
      head[below(2)] = one([
        "Content-Type: text/plain", "Content-Type: application/json; charset=utf-16", "Host: example.org", "Host: ", "X: " + "y".repeat(40000), "Transfer-Encoding: chunked", "Expect: 100-continue",
        "Content-Encoding: gzip", "Authorization: Bearer x", "Upgrade: websocket", "\u0000: a", "Range: bytes=0-", "Content-Length: 5\r\nContent-Length: 6", "A: b\r\n".repeat(200) + "A: b",
      ]);
      method = one(["GET", "PUT", "HEAD", "OPTIONS", "PATCH", "X", method, method]);
      length = one([-1, 0, 1e6, 1e10, "x", null, null]);
      break;
    default: // the connection ends before the request does, or before the answer
      cut = below(body.length + 200);
  }
  body = Buffer.from(body);
  const start = Buffer.from(`${method} ${path} HTTP/1.1\r\n${head.join("\r\n")}\r\nContent-Length: ${length ?? body.length}\r\n\r\n`, "latin1");
  const whole = Buffer.concat([start, body]);
  return { bytes: cut === null ? whole : whole.subarray(0, Math.min(whole.length, start.length + cut)), leaves: cut !== null, isHttp: length === null };
}

/** What comes back: the status, or null where the connection ends without one. */
function send({ bytes, leaves, isHttp }, random) {
  return new Promise((resolve, reject) => {
    const chunks = [], socket = connect(Number(address.port), address.hostname, () => {
      socket.write(bytes);
      if (leaves) setTimeout(() => random() < 0.5 ? socket.end() : socket.resetAndDestroy(), random() * 3);
      else if (!isHttp) setTimeout(() => socket.end(), 20); // it would wait for a body that does not come
    });
    const done = () => {
      clearTimeout(patience);
      const text = Buffer.concat(chunks).toString().replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ""), status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0) || null;
      resolve({ status, text });
    };
    const patience = setTimeout(() => reject(new Error("no answer within 60 s")), 60_000);
    socket.on("data", chunk => chunks.push(chunk)).on("error", error => error.code === "ECONNREFUSED" ? reject(error) : undefined).on("close", done);
  });
}

function check(request, { status, text }) {
  if (status === null) return request.leaves || !request.isHttp || "no answer";
  if (!fine.has(status)) return `status ${status}`;
  const [head, ...rest] = text.split("\r\n\r\n");
  const hasBody = request.bytes.toString("latin1", 0, 5) !== "HEAD ";
  if (status === 200 || request.leaves || !hasBody || !/^Content-Type: application\/json/im.test(head)) return true;
  return rest.join("").includes(`"error":{"message":`) || "an error without a message";
}

let next = 0;
const start = performance.now();
await Promise.all(Array.from({ length: clients }, async () => {
  while (next < count) {
    const number = next++, random = randomOf(seed * 1_000_003 + number), request = damaged(random);
    const answer = await send(request, random), verdict = check(request, answer);
    statuses[answer.status ?? "none"] = (statuses[answer.status ?? "none"] ?? 0) + 1;
    if (verdict === true) continue;
    console.error(`request ${number} of seed ${seed}: ${verdict}\n${request.bytes.toString("latin1").slice(0, 2000)}\n---\n${answer.text.slice(0, 2000)}`);
    process.exit(1);
  }
}));
const last = await fetch(new URL("/v1/chat/completions", address), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ messages, max_tokens: 2 }) });
console.log(JSON.stringify({ requests: count, seed, seconds: Math.round((performance.now() - start) / 1000), statuses, lastStatus: last.status }));
process.exit(last.status === 200 ? 0 : 1);
