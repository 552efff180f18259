// The pages in a browser: node --test page.test.mjs, with MIXTRALVK_ADDRESS set. Screenshots go to MIXTRALVK_SCREENSHOTS, if set.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const edge = "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe";
const executablePath = process.env.MIXTRALVK_BROWSER ?? (process.platform === "win32" ? edge : "/usr/bin/chromium");
const address = process.env.MIXTRALVK_ADDRESS, screenshots = process.env.MIXTRALVK_SCREENSHOTS;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser, context, page, foreign;

before(async () => { browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] }); });
after(() => browser?.close());

async function open(path, options = {}) {
  await context?.close();
  context = await browser.newContext({ locale: "en-GB", viewport: { width: 1080, height: 1400 }, deviceScaleFactor: screenshots ? 0.5 : 1, ...options });
  foreign = [];
  context.on("request", request => { if (!request.url().startsWith(address) && !request.url().startsWith("data:")) foreign.push(request.url()); });
  page = await context.newPage();
  page.setDefaultTimeout(30000);
  await page.goto(address + path);
  await page.locator("body[data-ready=true]").waitFor();
}

async function ask(question) {
  await page.locator("#question").fill(question);
  await page.locator("#question").press("Enter");
}

const answered = () => page.locator("#send:visible").waitFor();
const lastAnswer = () => page.locator("article.answer p").last().textContent();

async function show(name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

/** No violation that axe calls serious or critical. */
async function assertAccessible() {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const serious = violations.filter(each => ["serious", "critical"].includes(each.impact));
  assert.deepEqual(serious.map(each => `${each.id}: ${each.nodes.map(node => node.html).join(" ")}`), []);
}

test("a question is typed, and its answer streams in with its source", async () => {
  await open("/");
  await assertAccessible();
  // A small model answers faster than a test can look: the page notes what it shows.
  await page.evaluate(() => {
    globalThis.shown = new Set();
    new MutationObserver(() => {
      const answer = document.querySelector("article.answer[aria-busy=true] p");
      if (answer && !document.getElementById("stop").hidden) globalThis.shown.add(answer.textContent);
    }).observe(document.getElementById("log"), { childList: true, subtree: true, attributes: true, characterData: true });
  });
  await ask("When is the museum open?");
  await page.locator("article.answer details").first().waitFor();
  await answered();
  const shown = await page.evaluate(() => [...globalThis.shown]);
  assert.ok(shown.length > 3, `shown at once: ${shown}`);
  assert.ok((await lastAnswer()).startsWith(shown.findLast(text => text)));
  assert.notEqual((await lastAnswer()).trim(), "");
  assert.ok(await page.locator("blockquote").first().isVisible());
  assert.match(await page.locator("blockquote").first().textContent(), /open/i);
  assert.equal(await page.locator("#spoken").textContent(), await lastAnswer()); // what a screen reader says
  await assertAccessible();
  assert.deepEqual(foreign, []);
});

test("a reload keeps the conversation, starting over erases it", async () => {
  const before = await lastAnswer();
  await page.reload();
  await page.locator("body[data-ready=true]").waitFor();
  assert.equal(await lastAnswer(), before);
  const { id } = await page.evaluate(() => JSON.parse(sessionStorage.getItem("mixtralvk-conversation")));
  const erased = page.waitForResponse(response => response.request().method() === "DELETE");
  await page.locator("#reset").click();
  assert.equal((await erased).url(), `${address}/v1/conversations/${id}`);
  assert.equal((await (await erased).json()).deleted, true);
  assert.equal(await page.locator("article").count(), 0);
  await page.reload();
  await page.locator("body[data-ready=true]").waitFor();
  assert.equal(await page.locator("article").count(), 0);
});

test("what nobody wrote about is not known", async () => {
  await ask("What is the capital of Mongolia?");
  await answered();
  assert.match(await lastAnswer(), /don't know/i);
  assert.equal(await page.locator("article.answer details").count(), 0);
});

test("stopping keeps what was said so far", async () => {
  await page.route("**/v1/chat/completions", route => {
    // A long answer: the same request to the plain model, held to many words.
    const body = { ...route.request().postDataJSON(), model: "hearth-8x1m-q4_0", max_tokens: 300, response_format: { type: "json_schema", json_schema: { schema: { type: "string", minLength: 800 } } } };
    route.continue({ postData: JSON.stringify(body) });
  });
  // It is held up after its first bytes until it is stopped, as it may be over sooner than a test can click.
  await page.evaluate(() => {
    const whole = globalThis.fetch;
    globalThis.fetch = async (path, options) => {
      globalThis.fetch = whole;
      const response = await whole(path, options);
      let left = 8000;
      const held = new TransformStream({
        async transform(bytes, next) {
          next.enqueue(bytes.subarray(0, left));
          left = Math.max(0, left - bytes.length);
          if (left === 0 && !options.signal.aborted) await new Promise(stopped => options.signal.addEventListener("abort", stopped));
        },
      });
      return new Response(response.body.pipeThrough(held), response);
    };
  });
  await ask("Tell me a long story.");
  await page.waitForFunction(() => document.querySelector("article.answer:last-of-type p").textContent.length > 10);
  await page.locator("#stop").click();
  await answered();
  const stopped = await lastAnswer();
  await page.waitForTimeout(300);
  assert.equal(await lastAnswer(), stopped);
  assert.ok(stopped.length > 10 && stopped.length < 800);
  await page.unroute("**/v1/chat/completions");
});

test("languages change the page, and what it does not know", async () => {
  for (const [language, send] of [["de", "Senden"], ["fr", "Envoyer"], ["es", "Enviar"], ["it", "Invia"], ["en", "Send"]]) {
    await page.locator(`#languages button[lang=${language}]`).click();
    assert.equal(await page.locator("#send").textContent(), send);
    assert.equal(await page.locator("html").getAttribute("lang"), language);
  }
  await page.locator("#languages button[lang=de]").click();
  await ask("Wie hoch ist der Kilimandscharo?");
  await answered();
  assert.match(await lastAnswer(), /weiß ich nicht/);
});

test("a visitor's language is spoken at once", async () => {
  await open("/", { locale: "fr-FR" });
  assert.equal(await page.locator("#send").textContent(), "Envoyer");
});

test("the keyboard reaches everything", async () => {
  const reached = new Set();
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.lang || document.activeElement.tagName));
  }
  for (const id of ["de", "reset", "question", "send"]) assert.ok(reached.has(id), `${id} is not reached`);
});

/** The page's clock goes on until it asks: its time begins anew when the browser tells it that a dialog has closed, which may be a moment later. */
async function untilAskedWhetherSomebodyIsThere() {
  for (let i = 0; i < 50 && await page.locator("#still[open]").count() === 0; i++) await page.clock.fastForward(91_000);
  await page.locator("#still[open]").waitFor();
}

test("a kiosk begins with its sign, and erases a conversation that was left", async () => {
  await open("/?kiosk=1");
  await page.locator("#attract[open]").waitFor();
  await assertAccessible();
  await show("attract");
  await page.clock.install();
  await page.reload();
  await page.locator("body[data-ready=true]").waitFor();
  await page.locator("#begin").click();
  assert.equal(await page.locator("footer").isVisible(), false);
  await ask("Where is the cloakroom?");
  await answered();
  await assertAccessible();
  await show("kiosk");
  await untilAskedWhetherSomebodyIsThere();
  await page.locator("#stay").click();
  assert.ok(await page.locator("article").count() > 0);
  await untilAskedWhetherSomebodyIsThere();
  await page.clock.runFor(16_000);
  await page.locator("#attract[open]").waitFor();
  assert.equal(await page.locator("article").count(), 0);
});

test("the operator sees how it goes", async () => {
  await open("/ops");
  assert.equal(await page.locator("svg").count(), 5);
  assert.match(await page.locator("#first .legend").textContent(), /median/);
  await assertAccessible();
  await page.waitForTimeout(4500);
  await show("ops");
  assert.deepEqual(foreign, []);
});
