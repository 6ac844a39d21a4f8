// Tiers and curves over time: zoom, playhead, selection; rows come by span at the width of the screen.

import { Latest } from "./api.js";
import { $, clock, colour, element, fit, notice } from "./dom.js";

const ROW_PX = 20;
const CURVE_PX = 60;
const STEPS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const EDGE_PX = 5;

export class Timeline extends EventTarget {
  #request = new Latest();
  #missingRequest = new Latest();
  #curveRequests = new Map();
  #tiers = [];
  #missing = [];
  #curves = new Map();
  #loaded = null;
  #timer = 0;
  #rows = [];
  #drag = null;

  constructor(recording, player, closed) {
    super();
    this.recording = recording;
    this.player = player;
    this.selection = null;
    this.episode = null;
    this.tier = null;
    this.shownCurves = new Set();
    this.from = 0;
    this.to = Math.max(0.1, recording.video.duration_s);
    this.#listen(closed);
    this.#load();
  }

  get length() {
    return Math.max(0.1, this.recording.video.duration_s);
  }

  #listen(signal) {
    const on = (target, name, call, options = {}) => target.addEventListener(name, call, { signal, ...options });
    on($("in"), "click", () => this.zoom(0.5));
    on($("out"), "click", () => this.zoom(2));
    on($("fit"), "click", () => this.show(0, this.length));
    on($("zoom-selection"), "click", () => this.zoomToSelection());
    on($("scroll"), "input", () => this.#scrolled());
    on($("lines"), "wheel", (event) => this.#wheel(event), { passive: false });
    for (const canvas of [$("ruler"), $("tiers")]) {
      on(canvas, "pointerdown", (event) => this.#down(event));
      on(canvas, "pointermove", (event) => this.#move(event));
      on(canvas, "pointerup", (event) => this.#up(event));
      on(canvas, "dblclick", (event) => this.#twice(event));
    }
    on(this.player, "time", () => this.playhead());
    const resized = new ResizeObserver(() => this.draw());
    resized.observe($("plot"));
    signal.addEventListener("abort", () => resized.disconnect());
    on(matchMedia("(prefers-color-scheme: dark)"), "change", () => this.draw());
  }

  // Window

  show(from, to) {
    const span = Math.min(Math.max(to - from, 0.1), this.length);
    this.from = Math.min(Math.max(0, from), this.length - span);
    this.to = this.from + span;
    this.draw();
    this.dispatchEvent(new Event("window"));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), this.#covers() ? 400 : 60);
  }

  zoom(factor, around = null) {
    const time = around ?? (this.#inside(this.player.time) ? this.player.time : (this.from + this.to) / 2);
    this.show(time - (time - this.from) * factor, time + (this.to - time) * factor);
  }

  zoomToSelection() {
    if (this.selection) this.show(this.selection.from, this.selection.to);
  }

  follow() {
    const time = this.player.time;
    if (!this.#inside(time)) this.show(time - (this.to - this.from) * 0.1, time + (this.to - this.from) * 0.9);
  }

  #inside(time) {
    return time >= this.from && time <= this.to;
  }

  select(selection) {
    this.selection = selection && selection.to > selection.from ? selection : null;
    this.#placeSelection();
    this.dispatchEvent(new Event("selection"));
  }

  pick(episode) {
    this.episode = episode;
    if (episode) {
      this.tier = `${episode.person}/${episode.tier}`;
      this.select({ from: episode.from_s, to: episode.to_s });
    }
    this.draw();
    this.dispatchEvent(new Event("episode"));
  }

  // Rows

  reload() {
    this.#loaded = null;
    return this.#load();
  }

  showCurves(names) {
    this.shownCurves = new Set(names);
    for (const name of this.#curves.keys()) if (!this.shownCurves.has(name)) this.#curves.delete(name);
    this.#loadCurves();
    this.draw();
  }

  #covers() {
    const span = this.to - this.from;
    const l = this.#loaded;
    return l && l.from <= this.from + 1e-9 && l.to >= this.to - 1e-9 && l.to - l.from < 6 * span && l.to - l.from > span * 0.99;
  }

  #reach() {
    const span = this.to - this.from;
    return { from: Math.max(0, this.from - span), to: Math.min(this.length, this.to + span) };
  }

  async #load() {
    if (this.#covers()) return;
    const reach = this.#reach();
    const pixels = Math.round(($("plot").clientWidth || 1000) * ((reach.to - reach.from) / (this.to - this.from)));
    const path = `/api/recordings/${this.recording.key}`;
    try {
      const part = await this.#request.get(`${path}/tiers`, { ...reach, pixels });
      if (!part) return;
      [this.#tiers, this.#loaded] = [part.tiers, reach];
      this.draw();
      await this.#loadCurves();
      const missing = await this.#missingRequest.get(`${path}/not_codable`, reach);
      if (missing) this.#missing = missing.spans;
      this.draw();
    } catch (error) {
      notice(`The timeline cannot be shown: ${error.message}`);
    }
  }

  async #loadCurves() {
    const reach = this.#loaded ?? this.#reach();
    const pixels = Math.round(($("plot").clientWidth || 1000) * ((reach.to - reach.from) / (this.to - this.from)));
    for (const name of this.shownCurves) {
      if (!this.#curveRequests.has(name)) this.#curveRequests.set(name, new Latest());
      const path = `/api/recordings/${this.recording.key}/curve`;
      const part = await this.#curveRequests.get(name).get(path, { name, ...reach, pixels });
      if (part && this.shownCurves.has(name)) this.#curves.set(name, part.curves);
    }
    this.draw();
  }

  // Drawing

  draw() {
    this.#rows = this.#layout();
    this.#drawNames();
    const width = $("plot").clientWidth;
    const height = this.#rows.reduce((sum, row) => sum + row.height, 0);
    $("tiers").style.height = `${height}px`;
    const context = fit($("tiers"), width, height);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.#drawGrid(context, width, height);
    let top = 0;
    for (const row of this.#rows) {
      row.top = top;
      if (row.kind === "tier") this.#drawTier(context, row, width);
      if (row.kind === "curve") this.#drawCurve(context, row, width);
      top += row.height;
      context.fillStyle = colour("--grid");
      context.fillRect(0, top - 1, width, 1);
    }
    this.#drawRuler(width);
    this.#placeSelection();
    this.playhead();
    $("span").textContent = `${clock(this.from, 1)} – ${clock(this.to, 1)}`;
    const span = this.to - this.from;
    $("scroll").value = this.length > span ? Math.round((1000 * this.from) / (this.length - span)) : 0;
    $("scroll").disabled = this.length - span < 1e-6;
    $("scroll").setAttribute("aria-valuetext", `${clock(this.from, 1)} to ${clock(this.to, 1)}`);
  }

  #layout() {
    const rows = [];
    let person = null;
    for (const tier of this.#tiers) {
      if (tier.person !== person) {
        person = tier.person;
        rows.push({ kind: "head", height: ROW_PX, person });
      }
      rows.push({ kind: "tier", height: ROW_PX, tier, person });
    }
    const known = new Map(this.recording.curves.map((one) => [one.id, one]));
    for (const name of this.shownCurves) rows.push({ kind: "curve", height: CURVE_PX, curve: known.get(name) });
    return rows;
  }

  #drawNames() {
    const key = this.#rows.map((r) => (r.kind === "head" ? this.recording.person(r.person).shown : r.tier ? `${r.person}/${r.tier.tier}` : r.curve.id)).join("|") + this.tier;
    if ($("names").dataset.key === key) return;
    $("names").dataset.key = key;
    $("names").replaceChildren(
      ...this.#rows.map((row) => {
        if (row.kind === "head") {
          const person = this.recording.person(row.person);
          return element("div", { class: "head", title: person.shown }, element("span", { class: "dot", style: { background: person.colour } }), person.shown);
        }
        if (row.kind === "curve") return element("div", { class: "curve", title: row.curve.title }, `${row.curve.title}${row.curve.unit ? ` (${row.curve.unit})` : ""}`);
        const active = this.tier === `${row.person}/${row.tier.tier}`;
        return element("div", { class: active ? "active" : null, title: `${row.tier.title} (${row.tier.tier})` }, row.tier.title);
      }),
    );
  }

  #x(time, width) {
    return ((time - this.from) / (this.to - this.from)) * width;
  }

  #step(width) {
    return STEPS_S.find((step) => (step / (this.to - this.from)) * width >= 64) ?? 7200;
  }

  #drawGrid(context, width, height) {
    const step = this.#step(width);
    context.fillStyle = colour("--grid");
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) context.fillRect(Math.round(this.#x(t, width)), 0, 1, height);
  }

  #drawRuler(width) {
    const context = fit($("ruler"), width, 22);
    const step = this.#step(width);
    const decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (let t = Math.ceil(this.from / step - 1e-9) * step; t <= this.to + 1e-9; t += step) {
      const x = Math.round(this.#x(t, width));
      context.fillStyle = colour("--muted");
      context.fillRect(x, 14, 1, 8);
      const text = clock(t, decimals);
      const wide = context.measureText(text).width;
      if (x + wide + 3 < width) context.fillText(text, x + 3, 9);
    }
  }

  #drawTier(context, row, width) {
    const own = this.recording.person(row.person).colour;
    const top = row.top + 3;
    const height = ROW_PX - 7;
    this.#hatch(context, row, width);
    for (const span of row.tier.spans) {
      const [start, end, value, count, covered] = span;
      if (end < this.from || start > this.to) continue;
      const x = Math.max(-2, this.#x(start, width));
      const wide = Math.max(1, Math.min(width + 2, this.#x(end, width)) - x);
      const paint = value === null ? own : this.recording.paint(value, own);
      context.globalAlpha = count > 1 ? 0.25 + 0.6 * Math.min(1, covered / (end - start)) : 1;
      context.fillStyle = paint.fill ?? paint;
      context.beginPath();
      if (wide > 6) context.roundRect(x, top, wide, height, 3);
      else context.rect(x, top, wide, height);
      context.fill();
      context.globalAlpha = 1;
      if (this.#isPicked(row, span)) {
        context.strokeStyle = colour("--ink");
        context.lineWidth = 2;
        context.strokeRect(x, top - 1, wide, height + 2);
      }
      const words = this.recording.spoken(value);
      if (words && wide > 26) this.#word(context, words, x, top, wide, height, paint.ink ?? "#ffffff");
    }
  }

  #word(context, words, x, top, wide, height, ink) {
    const left = Math.max(x, 0) + 4;
    const room = Math.min(x + wide, $("plot").clientWidth) - left - 3;
    if (context.measureText(words).width > room) return;
    context.fillStyle = ink;
    context.fillText(words, left, top + height / 2 + 0.5);
  }

  #hatch(context, row, width) {
    const missing = this.#missing.find((m) => m.tier === row.tier.tier && m.person === row.person);
    context.strokeStyle = colour("--off");
    context.lineWidth = 1;
    for (const [start, end] of missing?.spans ?? []) {
      const [a, b] = [Math.max(0, this.#x(start, width)), Math.min(width, this.#x(end, width))];
      if (b < a) continue;
      context.save();
      context.beginPath();
      context.rect(a, row.top + 3, Math.max(1, b - a), ROW_PX - 7);
      context.clip();
      context.beginPath();
      for (let x = a - 20; x < b; x += 6) {
        context.moveTo(x, row.top + ROW_PX);
        context.lineTo(x + ROW_PX, row.top);
      }
      context.stroke();
      context.restore();
    }
  }

  #isPicked(row, [start, end, value, count]) {
    const e = this.episode;
    return e && count === 1 && e.person === row.person && e.tier === row.tier.tier && e.value === value && e.from_s === start && e.to_s === end;
  }

  #drawCurve(context, row, width) {
    const curves = this.#curves.get(row.curve.id);
    if (!curves) return;
    const values = curves.flatMap((c) => [...(c.low ?? c.mean), ...(c.high ?? c.mean)]).filter((v) => v !== null);
    const score = row.curve.threshold !== undefined;
    const [low, high] = score ? [0, 1] : [Math.min(0, ...range(values, Math.min)), Math.max(0, ...range(values, Math.max))];
    const y = (v) => row.top + CURVE_PX - 6 - ((v - low) / (high - low || 1)) * (CURVE_PX - 12);
    context.fillStyle = colour("--line");
    context.fillRect(0, Math.round(y(score ? row.curve.threshold : 0)), width, 1);
    for (const curve of curves) {
      const paint = this.recording.person(curve.person).colour;
      this.#band(context, curve, width, y, paint);
      context.strokeStyle = paint;
      context.lineWidth = 1.3;
      context.beginPath();
      let before = null;
      curve.time_s.forEach((t, k) => {
        const v = curve.mean[k];
        if (v === null || t < this.from - 5 || t > this.to + 5) before = null;
        else {
          const gap = before === null || t - before > 4 * this.#usual(curve);
          context[gap ? "moveTo" : "lineTo"](this.#x(t, width), y(v));
          before = t;
        }
      });
      context.stroke();
    }
    context.fillStyle = colour("--muted");
    context.fillText(short(high), 3, row.top + 8);
    context.fillText(short(low), 3, row.top + CURVE_PX - 8);
  }

  #band(context, curve, width, y, paint) {
    if (!curve.low) return;
    context.fillStyle = paint;
    context.globalAlpha = 0.18;
    curve.time_s.forEach((t, k) => {
      const top = y(curve.high[k]);
      context.fillRect(this.#x(t, width) - 0.75, top, 1.5, Math.max(0.5, y(curve.low[k]) - top));
    });
    context.globalAlpha = 1;
  }

  #usual(curve) {
    curve.usual ??= Math.max(1e-3, median(curve.time_s.slice(1).map((t, k) => t - curve.time_s[k])));
    return curve.usual;
  }

  playhead() {
    const width = $("plot").clientWidth;
    const time = this.player.time;
    const x = this.#x(time, width);
    $("playhead").style.transform = `translateX(${Math.min(Math.max(x, -4), width + 4)}px)`;
    const ruler = $("ruler");
    ruler.setAttribute("aria-valuemax", this.length.toFixed(3));
    ruler.setAttribute("aria-valuenow", time.toFixed(3));
    ruler.setAttribute("aria-valuetext", clock(time));
  }

  #placeSelection() {
    const s = this.selection;
    const node = $("selected");
    node.hidden = !s || s.to < this.from || s.from > this.to;
    if (node.hidden) return;
    const width = $("plot").clientWidth;
    const [a, b] = [Math.max(-2, this.#x(s.from, width)), Math.min(width + 2, this.#x(s.to, width))];
    Object.assign(node.style, { left: `${a}px`, width: `${Math.max(1, b - a)}px` });
  }

  // Pointer

  #at(event) {
    const area = $("plot").getBoundingClientRect();
    const time = this.from + ((event.clientX - area.left) / area.width) * (this.to - this.from);
    const y = event.currentTarget === $("tiers") ? event.clientY - area.top : -1;
    const row = this.#rows.find((r) => y >= r.top && y < r.top + r.height);
    return { time: Math.min(Math.max(0, time), this.length), row, second_px: area.width / (this.to - this.from) };
  }

  #hit({ time, row, second_px }) {
    if (row?.kind !== "tier") return null;
    const slack = 2 / second_px;
    const span = row.tier.spans.find(([start, end]) => time >= start - slack && time <= end + slack);
    if (!span) return null;
    const [from_s, to_s, value, count] = span;
    return { tier: row.tier.tier, person: row.person, value, from_s, to_s, count };
  }

  #edge({ time, row, second_px }) {
    const e = this.episode;
    if (!e || row?.kind !== "tier" || row.tier.tier !== e.tier || row.person !== e.person) return null;
    if (Math.abs(time - e.from_s) * second_px < EDGE_PX) return "from_s";
    return Math.abs(time - e.to_s) * second_px < EDGE_PX ? "to_s" : null;
  }

  #down(event) {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = this.#at(event);
    this.#drag = { start: at.time, x: event.clientX, edge: this.#edge(at), moved: false, scrub: event.currentTarget === $("ruler") && !event.shiftKey };
    if (this.#drag.scrub) this.player.seek(at.time);
  }

  #move(event) {
    const at = this.#at(event);
    const drag = this.#drag;
    if (!drag) {
      event.currentTarget.style.cursor = this.#edge(at) ? "ew-resize" : this.#hit(at) ? "pointer" : "";
      return;
    }
    if (Math.abs(event.clientX - drag.x) > 3) drag.moved = true;
    if (!drag.moved) return;
    if (drag.scrub) this.player.seek(at.time);
    else if (drag.edge) this.select({ from: this.episode.from_s, to: this.episode.to_s, [drag.edge === "from_s" ? "from" : "to"]: at.time });
    else this.select({ from: Math.min(drag.start, at.time), to: Math.max(drag.start, at.time) });
  }

  #up(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag || drag.scrub) return;
    const at = this.#at(event);
    if (drag.moved && drag.edge) {
      const changed = { ...this.episode, [drag.edge]: Math.round(at.time * 1000) / 1000 };
      if (changed.to_s > changed.from_s) this.dispatchEvent(new CustomEvent("resize", { detail: { old: this.episode, changed } }));
      return;
    }
    if (drag.moved) return;
    const hit = this.#hit(at);
    if (hit && hit.count === 1) this.pick(hit);
    else if (hit) this.show(hit.from_s - (hit.to_s - hit.from_s), hit.to_s + (hit.to_s - hit.from_s));
    else {
      this.pick(null);
      this.select(null);
    }
    if (at.row?.kind === "tier") this.tier = `${at.row.person}/${at.row.tier.tier}`;
    this.player.seek(hit ? Math.max(at.time, hit.from_s) : at.time);
    this.draw();
  }

  #twice(event) {
    const hit = this.#hit(this.#at(event));
    if (hit && hit.count === 1) this.dispatchEvent(new CustomEvent("open", { detail: hit }));
  }

  #wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!event.ctrlKey && !event.shiftKey && !event.altKey && !sideways) return;
    event.preventDefault();
    if (event.ctrlKey || event.altKey) {
      const area = $("plot").getBoundingClientRect();
      const time = this.from + ((event.clientX - area.left) / area.width) * (this.to - this.from);
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, time);
    } else {
      const move = ((sideways ? event.deltaX : event.deltaY) / $("plot").clientWidth) * (this.to - this.from);
      this.show(this.from + move, this.to + move);
    }
  }

  #scrolled() {
    const span = this.to - this.from;
    const from = (Number($("scroll").value) / 1000) * (this.length - span);
    this.show(from, from + span);
  }

  // Tiers by keyboard

  get tierList() {
    return this.#tiers.map((tier) => `${tier.person}/${tier.tier}`);
  }

  moveTier(step) {
    const list = this.tierList;
    if (!list.length) return;
    const at = list.indexOf(this.tier);
    this.tier = list[at < 0 ? 0 : Math.min(Math.max(0, at + step), list.length - 1)];
    const row = this.#rows.find((r) => r.kind === "tier" && `${r.person}/${r.tier.tier}` === this.tier);
    this.draw();
    if (row) $("lines").scrollTop = Math.max(0, row.top - $("lines").clientHeight / 2);
    this.dispatchEvent(new Event("tier"));
  }
}

const range = (values, of) => (values.length ? [values.reduce((a, b) => of(a, b))] : [0]);
const short = (value) => (Math.abs(value) < 10 && value % 1 ? value.toFixed(1) : String(Math.round(value)));

function median(values) {
  const sorted = values.filter((v) => v > 0).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 1;
}
