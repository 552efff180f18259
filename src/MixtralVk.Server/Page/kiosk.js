// The visitor's page: a conversation that lives in this window only, and is erased when nobody touches it any more.
import { ApiError, key, request, stream } from "./api.js";
import { words } from "./words.js";

const $ = id => document.getElementById(id);
const isKiosk = new URLSearchParams(location.search).get("kiosk") === "1";
const storeName = "mixtralvk-conversation";
const warningSeconds = 15;

let brand = { languages: Object.keys(words) };
let language = "en";
let conversation = { id: crypto.randomUUID?.() ?? String(Math.random()), messages: [] };
let answering = null; // the AbortController of the answer that is coming
let idleTimer, countdownTimer;

const say = name => words[language][name];
const branded = name => brand[name]?.[language] ?? brand[name]?.[brand.languages[0]];

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = say(element.dataset.placeholder);
  $("greeting").textContent = branded("greeting") ?? say("greeting");
  $("suggestions").replaceChildren(...(branded("suggestions") ?? []).map(text => {
    const item = document.createElement("li");
    item.append(button(text, () => ask(text)));
    return item;
  }));
  for (const each of $("languages").children) each.setAttribute("aria-pressed", each.lang === chosen);
  $("begin").replaceChildren(...brand.languages.map(each => {
    const line = document.createElement("span");
    [line.lang, line.textContent] = [each, words[each].begin];
    return line;
  }));
}

function button(text, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}

function dress() {
  document.title = $("name").textContent = $("attract-name").textContent = brand.name ?? "MixtralVk";
  for (const image of [$("logo"), $("attract-logo")]) if (brand.logo) [image.src, image.hidden] = ["/kiosk/logo", false];
  document.documentElement.classList.toggle("branded", Object.keys(brand.colors ?? {}).length > 0); // the operator's colours are for light pages
  for (const [name, colour] of Object.entries(brand.colors ?? {})) document.documentElement.style.setProperty(`--${name}`, colour);
  $("languages").replaceChildren(...brand.languages.map(each => {
    const made = button(words[each].name, () => speak(each));
    made.lang = each;
    return made;
  }));
  document.body.classList.toggle("kiosk", isKiosk);
  if (isKiosk) addEventListener("contextmenu", event => event.preventDefault());
}

/** Adds a message to the page; the returned function replaces its text. */
function show(role, text, sources) {
  const article = document.createElement("article");
  const paragraph = document.createElement("p");
  article.className = role === "user" ? "question" : "answer";
  article.setAttribute("aria-label", say(role === "user" ? "you" : "answer"));
  article.append(paragraph);
  $("log").append(article);
  const update = (newText, busy, newSources) => {
    paragraph.textContent = newText;
    article.setAttribute("aria-busy", busy);
    if (newSources?.length && !article.querySelector("details")) newSources.forEach((source, i) => article.append(sourceOf(source, i === 0)));
    $("log").scrollTop = $("log").scrollHeight;
  };
  update(text, false, sources);
  return update;
}

/** A passage with its place; the best one is open, as an answer is worth no more than what it is from. */
function sourceOf(source, isOpen) {
  const details = document.createElement("details");
  details.open = isOpen;
  const summary = document.createElement("summary");
  const quote = document.createElement("blockquote");
  summary.textContent = `${say("sources")}: ${source.title}`;
  quote.textContent = source.text;
  details.append(summary, quote);
  return details;
}

function setAnswering(controller) {
  answering = controller;
  $("send").hidden = controller !== null;
  $("stop").hidden = controller === null;
}

function tell(problem) {
  $("problem").hidden = !problem;
  $("problem").textContent = problem ?? "";
}

function save() {
  sessionStorage.setItem(storeName, JSON.stringify({ ...conversation, language }));
}

async function ask(text) {
  if (answering || !text.trim()) return;
  tell(null);
  conversation.messages.push({ role: "user", content: text.trim() });
  show("user", text.trim());
  $("suggestions").hidden = true;
  $("question").value = "";
  $("spoken").textContent = say("thinking");
  const mine = conversation;
  const controller = new AbortController();
  setAnswering(controller);
  const update = show("assistant", "", null);
  let answer = "", sources = [];
  try {
    const body = {
      model: brand.model, prompt_cache_key: mine.id, metadata: { language },
      messages: mine.messages.map(({ role, content }) => ({ role, content })),
    };
    for await (const event of stream("/v1/chat/completions", body, controller.signal)) {
      sources = event.sources ?? sources;
      answer += event.choices[0]?.delta?.content ?? "";
      update(answer, true, sources);
      touched();
    }
  } catch (problem) {
    if (problem.name !== "AbortError") fail(problem);
    else if (mine === conversation) $("spoken").textContent = say("stopped");
  }
  if (mine !== conversation) return; // started over meanwhile
  update(answer, false, sources);
  if (answer) {
    conversation.messages.push({ role: "assistant", content: answer, sources });
    $("spoken").textContent = answer;
  } else {
    conversation.messages.pop(); // not answered: it can be asked again
    $("log").lastElementChild.remove();
    $("question").value ||= text;
  }
  setAnswering(null);
  save();
  if (!isKiosk) $("question").focus();
}

function fail(problem) {
  const status = problem instanceof ApiError ? problem.status : 0;
  if (status === 401) $("key").showModal();
  tell(say(status === 429 ? "busy" : status === 503 ? "loading" : problem.code === "context_length_exceeded" ? "long" : "failed"));
}

/** Erases the conversation, here and on the server. */
function startOver() {
  answering?.abort();
  const old = conversation;
  conversation = { id: crypto.randomUUID?.() ?? String(Math.random()), messages: [] };
  sessionStorage.removeItem(storeName);
  for (const article of document.querySelectorAll("article")) article.remove();
  $("suggestions").hidden = false;
  $("question").value = $("spoken").textContent = "";
  tell(null);
  setAnswering(null);
  request(`/v1/conversations/${old.id}`, { method: "DELETE" }).catch(() => {}); // it will be overwritten by others' in time
  if (isKiosk) {
    speak(brand.languages[0]);
    if (!$("attract").open) $("attract").showModal();
  }
}

function touched() {
  clearTimeout(idleTimer);
  if (!brand.idleSeconds || $("attract").open || $("still").open) return;
  idleTimer = setTimeout(() => {
    if (conversation.messages.length === 0 && !$("question").value) return isKiosk ? startOver() : undefined;
    let left = Math.min(warningSeconds, brand.idleSeconds);
    $("countdown").textContent = left;
    $("still").showModal();
    countdownTimer = setInterval(() => {
      $("countdown").textContent = --left;
      if (left > 0) return;
      $("still").close();
      startOver();
    }, 1000);
  }, brand.idleSeconds * 1000);
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(storeName) ?? "null");
  if (!kept) return;
  conversation = { id: kept.id, messages: kept.messages };
  if (brand.languages.includes(kept.language)) speak(kept.language);
  for (const message of kept.messages) show(message.role, message.content, message.sources);
  $("suggestions").hidden = kept.messages.length > 0;
}

$("ask").addEventListener("submit", event => {
  event.preventDefault();
  ask($("question").value);
});
$("question").addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask($("question").value);
});
$("stop").addEventListener("click", () => answering?.abort());
$("reset").addEventListener("click", startOver);
$("begin").addEventListener("click", () => $("attract").close());
$("attract").addEventListener("close", touched);
$("stay").addEventListener("click", () => $("still").close());
$("still").addEventListener("close", () => {
  clearInterval(countdownTimer);
  touched();
});
$("key").querySelector("form").addEventListener("submit", () => key.set($("key-value").value));
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, touched);

brand = { ...brand, ...await (await fetch("/kiosk/settings")).json() };
dress();
speak(brand.languages.find(each => navigator.language.startsWith(each)) ?? brand.languages[0]);
restore();
if (isKiosk && conversation.messages.length === 0) $("attract").showModal();
touched();
document.body.dataset.ready = "true";
