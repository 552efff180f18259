// OpenAI's package for Node.js against a running server: node --test openai.test.mjs, with MIXTRALVK_ADDRESS set.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.env.MIXTRALVK_ADDRESS}/v1`, apiKey: "not needed", maxRetries: 0 });
const model = "hearth-8x1m-q4_0";
const messages = [
  { role: "system", content: "You are Brannor, a gruff blacksmith from Oakhaven. You are afraid of wolves." },
  { role: "user", content: "What are you afraid of?" },
];

test("a chat is answered, and its stream is the same text", async () => {
  const whole = await client.chat.completions.create({ model, messages });
  assert.match(whole.choices[0].message.content, /wolves/);
  assert.equal(whole.choices[0].finish_reason, "stop");
  assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
  let text = "", usage;
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
});

test("a schema is obeyed", async () => {
  const schema = { type: "object", properties: { fear: { type: "string", maxLength: 20 }, degree: { enum: ["little", "great"] } }, required: ["fear", "degree"], additionalProperties: false };
  const answer = await client.chat.completions.parse({ model, messages, response_format: { type: "json_schema", json_schema: { name: "fear", strict: true, schema } } });
  const parsed = JSON.parse(answer.choices[0].message.content);
  assert.ok(["little", "great"].includes(parsed.degree));
  assert.ok(parsed.fear.length <= 20);
});

test("a function is called", async () => {
  const tools = [{ type: "function", function: { name: "flee", parameters: { type: "object", properties: { to: { enum: ["mill", "inn"] } }, required: ["to"], additionalProperties: false } } }];
  const answer = await client.chat.completions.create({ model, messages, tools, tool_choice: "required", parallel_tool_calls: false });
  assert.equal(answer.choices[0].finish_reason, "tool_calls");
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(call.function.name, "flee");
  assert.ok(["mill", "inn"].includes(JSON.parse(call.function.arguments).to));
});

test("texts become vectors of length 1", async () => {
  const answer = await client.embeddings.create({ model, input: ["wolves in the wood", "a honey cake"] });
  assert.equal(answer.data.length, 2);
  for (const { embedding } of answer.data) assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
});

test("a stream is stopped by its reader", async () => {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  assert.match((await client.chat.completions.create({ model, messages })).choices[0].message.content, /wolves/);
});

test("errors have their classes", async () => {
  await assert.rejects(client.chat.completions.create({ model: "gpt-4o", messages }), OpenAI.NotFoundError);
  await assert.rejects(client.chat.completions.create({ model, messages: [] }), error => error instanceof OpenAI.BadRequestError && error.param === "messages");
  await assert.rejects(client.chat.completions.create({ model, messages: [{ role: "user", content: "wolves ".repeat(600) }] }), { code: "context_length_exceeded" });
});
