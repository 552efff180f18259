// The server's API as the page uses it.
const keyName = "mixtralvk-key";

/** A refusal or failure; `status` is that of the response, `code` OpenAI's. */
export class ApiError extends Error {
  constructor(status, detail) {
    super(detail?.message ?? `status ${status}`);
    this.status = status;
    this.code = detail?.code;
  }
}

/** The key that opens the API, kept until the window is closed. A kiosk is started with it: /?kiosk=1#key=... */
export const key = {
  get: () => sessionStorage.getItem(keyName),
  set: value => sessionStorage.setItem(keyName, value),
};

const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  key.set(given);
  history.replaceState(null, "", location.pathname + location.search);
}

export async function request(path, { method, body, signal } = {}) {
  const headers = {};
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method: method ?? (body ? "POST" : "GET"), headers, body: body && JSON.stringify(body), signal });
  if (!response.ok) throw new ApiError(response.status, (await response.json().catch(() => null))?.error);
  return response;
}

/** The events of a streamed answer, parsed. */
export async function* stream(path, body, signal) {
  const response = await request(path, { body: { ...body, stream: true }, signal });
  let text = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + piece).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.slice("data: ".length);
      if (data === "[DONE]") return;
      const parsed = JSON.parse(data);
      if (parsed.error) throw new ApiError(response.status, parsed.error);
      yield parsed;
    }
  }
  throw new ApiError(0);
}
