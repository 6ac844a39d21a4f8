// Requests to the server that this page came from, and to no other.

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function answer(response) {
  let content;
  try {
    content = await response.json();
  } catch {
    content = { error: `the server answered ${response.status} without an explanation` };
  }
  if (!response.ok) throw new ApiError(content.error, response.status);
  return content;
}

async function ask(path, options) {
  try {
    return await answer(await fetch(path, { credentials: "same-origin", ...options }));
  } catch (error) {
    if (error instanceof ApiError || error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer: is `eyeline view` still running? What is saved is kept.", 0);
  }
}

export function get(path, parameters = {}, signal = undefined) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  return ask(query ? `${path}?${query}` : path, { signal });
}

export function post(path, content) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(content) });
}

// The newest of a kind of request: a later one aborts the one before.
export class Latest {
  #controller = null;

  async get(path, parameters) {
    this.#controller?.abort();
    this.#controller = new AbortController();
    try {
      return await get(path, parameters, this.#controller.signal);
    } catch (error) {
      if (error.name === "AbortError") return null;
      throw error;
    }
  }
}
