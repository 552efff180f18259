// The operator's page: what the server says of itself, every two seconds, as pictures.
import { request } from "./api.js";

const $ = id => document.getElementById(id);
const everyMs = 2000;
const bytes = value => value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(1)} GiB` : `${Math.round(value / 2 ** 20)} MiB`;
const seconds = value => value >= 1 ? `${value.toFixed(1)} s` : `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
const rate = value => value.toFixed(value < 10 ? 1 : 0);

/** The value below which a share of the values lies. */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : 0;
}

function draw(id, label, shapes, legend) {
  const width = 300, height = 100;
  $(id).innerHTML = `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img"><line class="axis" x1="0" y1="${height - 1}" x2="${width}" y2="${height - 1}"/></svg><p class="legend"></p>`;
  const svg = $(id).firstElementChild;
  svg.setAttribute("aria-label", label);
  for (const { kind, attributes } of shapes(width, height)) {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  $(id).lastElementChild.textContent = legend;
}

/** Values over time, one line per series. */
function lines(id, series, format, names) {
  const most = Math.max(...series.flat(), 1e-9);
  const last = series.map((values, i) => `${names[i]} ${format(values.at(-1) ?? 0)}`).join(", ");
  draw(id, `${last}; most ${format(most)}`, (width, height) => series.map((values, i) => ({
    kind: "polyline",
    attributes: { class: i ? "second" : "first", points: values.map((value, x) => `${x * width / Math.max(1, values.length - 1)},${height - 2 - value / most * (height - 6)}`).join(" ") },
  })), `${last} · most in ${series[0].length} s: ${format(most)}`);
}

/** One bar per request, the latest at the right. */
function bars(id, values) {
  const most = Math.max(...values, 1e-9);
  const legend = values.length ? `median ${seconds(quantile(values, 0.5))}, 95 % within ${seconds(quantile(values, 0.95))}, most ${seconds(most)}` : "none yet";
  draw(id, legend, (width, height) => values.map((value, i) => {
    const bar = width / Math.max(values.length, 30), tall = value / most * (height - 4);
    return { kind: "rect", attributes: { class: "bar", x: i * bar, y: height - tall, width: bar * 0.8, height: tall } };
  }), legend);
}

async function refresh() {
  try {
    const state = await (await request("/ops/state")).json();
    const latest = state.samples.at(-1) ?? { tokens: 0, active: 0, queued: 0, memory: 0 };
    $("problem").hidden = true;
    $("model").textContent = state.model;
    $("device").textContent = state.device ?? "The model is being loaded.";
    const facts = {
      "tokens/s": rate(latest.tokens), answered: `${latest.active} of ${state.seats}`, waiting: `${latest.queued} of ${state.queue_limit}`,
      "prompt tokens reused": state.prompt_tokens ? `${Math.round(100 * state.cached_tokens / state.prompt_tokens)} %` : "–",
      memory: bytes(latest.memory), "model": bytes(state.model_bytes), requests: state.requests, refused: state.refused,
    };
    $("now").replaceChildren(...Object.entries(facts).map(([name, value]) => {
      const pair = document.createElement("div"), term = document.createElement("dt"), fact = document.createElement("dd");
      [term.textContent, fact.textContent] = [name, value];
      pair.append(term, fact);
      return pair;
    }));
    lines("tokens", [state.samples.map(sample => sample.tokens)], rate, ["now"]);
    lines("requests", [state.samples.map(sample => sample.active), state.samples.map(sample => sample.queued)], value => value.toFixed(0), ["answered", "waiting (dashed)"]);
    lines("memory", [state.samples.map(sample => sample.memory)], bytes, ["now"]);
    const hitRates = state.samples.map(sample => sample.expert_hit_rate).filter(Number.isFinite); // of the seconds in which experts were chosen
    $("experts-section").hidden = hitRates.length === 0;
    if (hitRates.length) lines("experts", [hitRates], value => `${Math.round(100 * value)} %`, ["now"]);
    bars("first", state.first_tokens);
    bars("next", state.next_tokens);
    document.body.dataset.ready = "true";
  } catch (problem) {
    $("problem").hidden = false;
    $("problem").textContent = `The server does not answer: ${problem.message}`;
  }
}

refresh();
setInterval(refresh, everyMs);
