// What is known of a frame, drawn over it at the size of the screen.

import { get } from "./api.js";
import { colour, fit, notice } from "./dom.js";

const CHUNK_S = 4;
const KEPT = 40;
const ARROW_FACES = 1.3; // length of an arrow that lies in the plane of the image, in face sizes
const RING_BELOW = 0.22; // a direction whose part in the image is shorter comes at the camera
const WIDEST_RAD = (75 * Math.PI) / 180; // a wider cone would say nothing
const TAU = 2 * Math.PI;

export const LAYERS = [
  ["people", "people"],
  ["gaze", "gaze"],
  ["cones", "cones"],
  ["targets", "targets"],
  ["speech", "speech"],
  ["contact", "eye contact"],
  ["names", "names"],
  ["areas", "areas"],
];

export class Overlay {
  #chunks = new Map();
  #columns = {};

  constructor(canvas, recording, changed) {
    this.canvas = canvas;
    this.recording = recording;
    this.changed = changed;
    this.shown = new Set(LAYERS.map(([name]) => name));
    this.draft = null;
    this.box = { width: 1, height: 1 };
  }

  forget() {
    this.#chunks.clear();
  }

  // Keep to a frame that came by itself, as that of a camera does.
  hold(columns, frame) {
    this.#columns = Object.fromEntries(columns.map((name, place) => [name, place]));
    this.held = frame;
  }

  // The frame that holds at a time; null where it is not here yet or nobody was analysed.
  frameAt(time) {
    if (this.held) return this.held;
    const k = Math.floor(Math.max(0, time) / CHUNK_S);
    for (const chunk of [k, k + 1]) this.#load(chunk);
    const frames = this.#chunks.get(k)?.frames;
    if (!frames) return null;
    let [low, high] = [0, frames.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frames[middle].start_s <= time + 1e-4) low = middle + 1;
      else high = middle;
    }
    const frame = frames[low - 1];
    return frame && time < frame.end_s + 1e-4 ? frame : null;
  }

  async #load(k) {
    const { duration_s } = this.recording.video;
    if (this.#chunks.has(k) || k * CHUNK_S >= duration_s) return;
    const chunk = { frames: null };
    this.#chunks.set(k, chunk);
    if (this.#chunks.size > KEPT) this.#chunks.delete(this.#chunks.keys().next().value);
    try {
      const path = `/api/recordings/${this.recording.key}/overlay`;
      const part = await get(path, { from: k * CHUNK_S, to: (k + 1) * CHUNK_S });
      this.#columns = Object.fromEntries(part.columns.map((name, place) => [name, place]));
      chunk.frames = part.frames;
      this.changed();
    } catch (error) {
      notice(`What was seen around this time cannot be shown: ${error.message}`);
    }
  }

  draw(time) {
    const { width, height } = this.box;
    const context = fit(this.canvas, width, height);
    const scale = width / this.recording.video.width_px;
    const unit = Math.min(1.6, Math.max(0.7, Math.min(width, height) / 480));
    context.lineJoin = context.lineCap = "round";
    const frame = this.frameAt(time);
    const faces = (frame?.faces ?? []).map((row) => this.#face(row, scale));
    const layer = (name, call) => this.shown.has(name) && faces.forEach((face) => call(context, face, unit));
    layer("targets", target);
    layer("cones", cone);
    layer("people", box);
    layer("contact", contact);
    layer("gaze", gaze);
    if (this.shown.has("targets")) (frame?.marks ?? []).forEach((m) => mark(context, m, scale, unit));
    if (this.shown.has("areas")) this.#areas(context, frame?.areas ?? [], scale, unit);
    const taken = [];
    if (this.shown.has("names") || this.shown.has("speech")) faces.forEach((f) => this.#label(context, f, unit, taken));
    if (frame?.unseen_speech && this.shown.has("speech")) tag(context, "unseen voice", "#707a86", 8, height - 8, unit, taken, this.box, true);
    this.described = faces.map((f) => `${f.name}${f.speaks ? ", speaks" : ""}${f.contact ? ", eye contact" : ""}`);
  }

  #face(row, scale) {
    const at = (name) => row[this.#columns[name]];
    const pixel = (name) => (at(name) === null ? NaN : at(name) * scale);
    const person = this.recording.person(at("person"));
    const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map(pixel);
    return {
      x1, y1, x2, y2,
      person: at("person"),
      size: Math.sqrt(Math.max(1, (x2 - x1) * (y2 - y1))),
      eyes: [pixel("eyes_x"), pixel("eyes_y")],
      seen: ["seen_x", "seen_y", "seen_z"].map((name) => at(name) ?? NaN),
      cone: at("cone_rad") ?? NaN,
      target: [pixel("target_x"), pixel("target_y")],
      detected: at("detected"), speaks: at("speaks"), contact: at("contact"), camera: at("camera"),
      colour: person.colour,
      name: person.shown,
    };
  }

  #label(context, face, unit, taken) {
    const speaks = this.shown.has("speech") && Boolean(face.speaks);
    const words = this.shown.has("names") ? face.name : "";
    if (words || speaks) tag(context, words, face.colour, face.x1, face.y1 - 3 * unit, unit, taken, this.box, speaks);
  }

  #areas(context, areas, scale, unit) {
    for (const [name, corners] of areas) {
      outline(context, corners, scale, colour("--accent"), unit, false);
      const [x, y] = [0, 1].map((axis) => Math.min(...corners.map((corner) => corner[axis])));
      tag(context, name, "#1f5fa8", x * scale, y * scale - 2, unit, [], this.box);
    }
    if (this.draft?.length) outline(context, this.draft, scale, colour("--play"), unit, true);
  }
}

function outline(context, corners, scale, stroke, unit, dashed) {
  context.beginPath();
  corners.forEach(([x, y]) => context.lineTo(x * scale, y * scale));
  context.closePath();
  context.setLineDash(dashed ? [6, 4] : []);
  double(context, stroke, 2 * unit);
  context.setLineDash([]);
}

// A coloured line with a dark edge, legible on any image.
function double(context, stroke, width) {
  context.strokeStyle = "rgb(10 14 18 / .65)";
  context.lineWidth = width + 2;
  context.stroke();
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.stroke();
}

function box(context, face, unit) {
  const arm = Math.max(5, 0.22 * Math.min(face.x2 - face.x1, face.y2 - face.y1));
  context.beginPath();
  for (const [x, sx] of [[face.x1, 1], [face.x2, -1]])
    for (const [y, sy] of [[face.y1, 1], [face.y2, -1]]) {
      context.moveTo(x + sx * arm, y);
      context.lineTo(x, y);
      context.lineTo(x, y + sy * arm);
    }
  context.globalAlpha = face.detected ? 1 : 0.6;
  double(context, face.colour, 2 * unit);
  context.globalAlpha = 1;
}

function contact(context, face, unit) {
  if (!face.contact) return;
  context.beginPath();
  context.rect(face.x1 - 4, face.y1 - 4, face.x2 - face.x1 + 8, face.y2 - face.y1 + 8);
  double(context, "#ffffff", 1.5 * unit);
}

function gaze(context, face, unit) {
  const [x, y, z] = face.seen;
  if (![x, y, z, ...face.eyes].every(Number.isFinite)) return;
  const [ex, ey] = face.eyes;
  if (z < 0 && Math.hypot(x, y) < RING_BELOW) {
    for (const radius of [Math.max(4, 0.16 * face.size), Math.max(1.5, 0.04 * face.size)]) {
      context.beginPath();
      context.arc(ex, ey, radius, 0, TAU);
      double(context, face.colour, 2 * unit);
    }
    return;
  }
  const [tx, ty] = [ex + ARROW_FACES * face.size * x, ey + ARROW_FACES * face.size * y];
  const angle = Math.atan2(ty - ey, tx - ex);
  const head = Math.min(10 * unit, 0.6 * Math.hypot(tx - ex, ty - ey));
  context.beginPath();
  context.moveTo(ex, ey);
  context.lineTo(tx, ty);
  for (const turn of [2.6, -2.6]) {
    context.moveTo(tx, ty);
    context.lineTo(tx + head * Math.cos(angle + turn), ty + head * Math.sin(angle + turn));
  }
  double(context, face.colour, 2.4 * unit);
}

function cone(context, face) {
  if (!(face.cone < WIDEST_RAD) || !face.seen.every(Number.isFinite) || !face.eyes.every(Number.isFinite)) return;
  const length = ARROW_FACES * face.size;
  const rim = coneRim(face.seen, face.cone).map(([x, y]) => [face.eyes[0] + length * x, face.eyes[1] + length * y]);
  context.beginPath();
  hull([face.eyes, ...rim]).forEach(([x, y]) => context.lineTo(x, y));
  context.closePath();
  context.globalAlpha = 0.24;
  context.fillStyle = face.colour;
  context.fill();
  context.globalAlpha = 1;
}

// Unit vectors around a direction, an angle off it.
export function coneRim(direction, angle, points = 24) {
  const least = direction.map(Math.abs).indexOf(Math.min(...direction.map(Math.abs)));
  const aside = [0, 1, 2].map((k) => Number(k === least));
  const raw = cross(direction, aside);
  const norm = Math.hypot(...raw);
  const first = raw.map((v) => v / norm);
  const second = cross(direction, first);
  return Array.from({ length: points }, (_, k) => {
    const turn = (TAU * k) / points;
    return direction.map(
      (v, axis) => Math.cos(angle) * v + Math.sin(angle) * (Math.cos(turn) * first[axis] + Math.sin(turn) * second[axis]),
    );
  });
}

const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

export function hull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const turn = (o, a, b) => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (list) => {
    const chain = [];
    for (const point of list) {
      while (chain.length > 1 && turn(chain.at(-2), chain.at(-1), point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

function target(context, face, unit) {
  if (![...face.target, ...face.eyes].every(Number.isFinite)) return;
  context.beginPath();
  context.moveTo(...face.eyes);
  context.lineTo(...face.target);
  context.setLineDash([5 * unit, 5 * unit]);
  context.strokeStyle = face.colour;
  context.lineWidth = 1.4 * unit;
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  context.arc(...face.target, 5 * unit, 0, TAU);
  double(context, face.colour, 2 * unit);
}

function mark(context, [x, y, name], scale, unit) {
  for (const radius of [12 * unit, 2 * unit]) {
    context.beginPath();
    context.arc(x * scale, y * scale, radius, 0, TAU);
    double(context, "#ffffff", 1.5 * unit);
  }
  context.font = `600 ${12 * unit}px system-ui, sans-serif`;
  context.fillStyle = "#ffffff";
  context.fillText(name, x * scale + 16 * unit, y * scale + 4 * unit);
}

// A label above a face, within the image and on no other label.
function tag(context, text, fill, x, bottom, unit, taken, frame, speaks = false) {
  context.font = `600 ${12 * unit}px system-ui, sans-serif`;
  const words = context.measureText(text).width;
  const [width, height] = [words + (text ? 10 : 5) * unit + (speaks ? 15 * unit : 0), 18 * unit];
  let place = { x: Math.min(Math.max(2, x), Math.max(2, frame.width - width - 2)), y: Math.max(2, bottom - height), width, height };
  const hits = () => taken.find((o) => place.x < o.x + o.width && o.x < place.x + width && place.y < o.y + o.height && o.y < place.y + height);
  for (let k = 0, other = hits(); other && k < 8; k++, other = hits()) place = { ...place, y: other.y + other.height + 2 };
  taken.push(place);
  context.fillStyle = fill;
  context.beginPath();
  context.roundRect(place.x, place.y, width, height, 5 * unit);
  context.fill();
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  context.fillText(text, place.x + 5 * unit, place.y + height / 2 + 0.5);
  context.textBaseline = "alphabetic";
  if (speaks) waves(context, place.x + words + (text ? 9 : 4) * unit, place.y + height / 2, unit);
}

// The sign of speech: three waves.
function waves(context, x, y, unit) {
  context.strokeStyle = "#ffffff";
  context.lineWidth = 1.5 * unit;
  for (const radius of [2.5, 5.5, 8.5]) {
    context.beginPath();
    context.arc(x, y, radius * unit, -0.7, 0.7);
    context.stroke();
  }
}
