// Elements, always with text and never with markup, so that no name from a file is ever markup.

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const button = (text, onclick, attributes = {}) =>
  element("button", { type: "button", onclick, ...attributes }, text);

export const option = (value, text = value, selected = false) =>
  element("option", { value: String(value), selected }, text);

export function clock(seconds, decimals = 3) {
  const units = 10 ** decimals;
  let rest = Math.max(0, Math.round(seconds * units));
  const fraction = String(rest % units).padStart(decimals, "0");
  rest = Math.floor(rest / units);
  const [h, m, s] = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  const head = h ? `${h}:${String(m).padStart(2, "0")}` : `${m}`;
  return `${head}:${String(s).padStart(2, "0")}${decimals ? `.${fraction}` : ""}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function notice(message) {
  $("notice").querySelector("p").textContent = message;
  $("notice").hidden = !message;
}

export function say(message) {
  $("live").textContent = message;
}

// A canvas as sharp as the screen, of a size in CSS pixels; its context is scaled to them.
export function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
