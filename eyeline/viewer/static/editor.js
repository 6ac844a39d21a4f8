// Corrections: what the user does becomes an entry that the server appends, or refuses.

import { post } from "./api.js";
import { $, button, clock, element, notice, option, say } from "./dom.js";

export class Editor {
  constructor(recording, player, timeline, overlay, reload) {
    Object.assign(this, { recording, player, timeline, overlay, reload });
    this.drawing = null;
    this.busy = Promise.resolve();
  }

  get who() {
    return $("who").value.trim();
  }

  send(entry) {
    return this.#post("corrections", { entry });
  }

  turn(which, entry = null) {
    return this.#post(which, entry === null ? {} : { entry });
  }

  rewrite() {
    return this.#post("exports", {}, "The exports and the report follow the corrections now.");
  }

  // One after the other, each on the revision that the one before has left.
  #post(what, content, done = "Saved.") {
    this.busy = this.busy.then(() => this.#now(what, content, done));
    return this.busy;
  }

  async #now(what, content, done) {
    if (!this.recording.editable) {
      notice(this.recording.problem || "These results cannot be corrected.");
      return false;
    }
    try {
      const path = `/api/recordings/${this.recording.key}/${what}`;
      const { notes } = await post(path, { ...content, revision: this.recording.revision, who: this.who });
      notice((notes ?? []).join("; "));
      await this.reload();
      say(done);
      return true;
    } catch (error) {
      const conflict = error.status === 409;
      if (conflict) await this.reload();
      notice(conflict ? "Somebody else corrected these results meanwhile, in another tab perhaps. Nothing of yours was written; the page shows the newest state now. Repeat your correction." : `Not saved: ${error.message}`);
      return false;
    }
  }

  // Episodes

  edit(episode) {
    this.timeline.pick(episode);
    this.#episodeForm("Edit the episode", episode, (now) => {
      const { tier, person } = episode;
      if (tier === now.tier && person === now.person) return this.send({ kind: "change_episode", tier, person, old: bounds(episode), new: bounds(now) });
      return this.send(removal(episode)).then((ok) => ok && this.send({ kind: "add_episode", tier: now.tier, person: now.person, ...bounds(now) }));
    }, [
      ["Delete", () => this.delete(episode)],
      ["Split at playhead", () => this.splitEpisode(episode)],
    ]);
  }

  add() {
    const s = this.timeline.selection;
    if (!s) return notice("Select a span in the timeline first: drag over it, or press [ and ] at its ends.");
    const [person, ...tier] = (this.timeline.tier ?? "").split("/");
    const first = this.recording.tiers[0]?.tier ?? "";
    const fresh = { tier: tier.join("/") || first, person: Number(person || this.recording.persons[0]?.person || 1), value: "", from_s: s.from, to_s: s.to };
    return this.#episodeForm("Add an episode", fresh, (e) => this.send({ kind: "add_episode", tier: e.tier, person: e.person, ...bounds(e) }));
  }

  delete(episode) {
    if (episode) this.send(removal(episode)).then((ok) => ok && this.timeline.pick(null));
  }

  splitEpisode(episode) {
    const at_s = round(this.player.time);
    if (!episode) return notice("Choose an episode first.");
    if (at_s <= episode.from_s || at_s >= episode.to_s) return notice(`The playhead, ${clock(at_s)}, is not within the episode; move it there to split.`);
    return this.send({ ...removal(episode), kind: "split_episode", at_s });
  }

  resize({ old, changed }) {
    this.send({ kind: "change_episode", tier: old.tier, person: old.person, old: bounds(old), new: bounds(changed) }).then((ok) => ok && this.timeline.pick(changed));
  }

  notCodable() {
    const s = this.timeline.selection;
    if (!s) return notice("Select the span that is not codable in the timeline first.");
    const [person, ...tier] = (this.timeline.tier ?? "").split("/");
    return this.#form("Not codable", [
      ["tier", "Question", element("select", {}, option("", "all questions"), ...this.#tierOptions(tier.join("/")))],
      ["person", "Person", element("select", {}, option("", "everybody"), ...this.#personOptions(Number(person)))],
      ...times(s.from, s.to),
    ], (v) => this.send({ kind: "not_codable", tier: v.tier || null, person: v.person === "" ? null : Number(v.person), from_s: Number(v.from_s), to_s: Number(v.to_s) }));
  }

  #tierOptions(chosen) {
    return this.recording.tiers.map((t) => option(t.tier, t.title, t.tier === chosen));
  }

  #personOptions(chosen) {
    return this.recording.everyone.map((p) => option(p.person, p.shown, p.person === chosen));
  }

  #episodeForm(title, e, save, more = []) {
    const value = element("input", { value: e.value, required: true, list: "values", autocomplete: "off", maxlength: "200" });
    const tier = element("select", { onchange: () => this.#offer(tier.value) }, ...this.#tierOptions(e.tier));
    this.#offer(e.tier);
    return this.#form(title, [
      ["tier", "Tier", tier],
      ["person", "Person", element("select", {}, ...this.#personOptions(e.person))],
      ["value", "Value", value],
      ...times(e.from_s, e.to_s),
    ], (v) => save({ tier: v.tier, person: Number(v.person), value: v.value.trim(), from_s: kept(v.from_s, e.from_s), to_s: kept(v.to_s, e.to_s) }), more);
  }

  #offer(tier) {
    const values = this.recording.tiers.find((t) => t.tier === tier)?.values ?? [];
    $("values").replaceChildren(...values.map((value) => option(value, this.recording.spoken(value) || value)));
  }

  // Fields are [name, label, control]; the dialog closes once the server has taken the entry.
  #form(title, fields, save, more = []) {
    const dialog = $("form");
    const form = dialog.querySelector("form");
    $("form-title").textContent = title;
    form.querySelector(".error").textContent = "";
    $("fields").replaceChildren(...fields.map(([name, label, control]) => {
      control.name = name;
      return element("label", {}, element("span", {}, label), control);
    }));
    const close = (call) => () => {
      dialog.close();
      call?.();
    };
    form.querySelector(".actions").replaceChildren(
      element("button", { class: "main" }, "Save"),
      ...more.map(([text, call]) => button(text, close(call))),
      button("Cancel", close()),
    );
    form.onsubmit = async (event) => {
      event.preventDefault();
      const ok = await save(Object.fromEntries(new FormData(form)));
      if (ok !== false) dialog.close();
      else form.querySelector(".error").textContent = $("notice").querySelector("p").textContent;
    };
    dialog.showModal();
    const first = fields.find(([name]) => name === "value") ?? fields[0];
    first[2].focus();
  }

  // People

  merge(person, into) {
    if (into) this.send({ kind: "merge_people", people: [person.person, into], into });
  }

  split(person) {
    this.send({ kind: "split_person", person: person.person, at_s: round(this.player.time) });
  }

  noFace(person) {
    const s = this.timeline.selection;
    this.send({ kind: "delete_face", person: person.person, from_s: s ? round(s.from) : 0, to_s: round(s ? s.to : this.timeline.length + 1) });
  }

  // Areas

  draw(name, shape = "box") {
    this.player.pause();
    this.drawing = { name, shape, points: [] };
    $("stage").classList.add("drawing");
    const frame = `"${name}" at ${clock(this.player.time, 2)}`;
    const corners = this.#before()?.keyframes[0].points.length;
    notice(shape === "box" ? `Drag over the video to draw ${frame}; Escape ends it. By keyboard: Enter gives its corners as numbers.` : `Click ${corners ? `the ${corners} corners, in the order of the other key frames,` : "the corners"} of ${frame}; a double click or Enter ends it, Backspace takes a corner back, Escape all. By keyboard: Enter gives its corners as numbers.`);
    $("overlay").tabIndex = 0;
    $("overlay").focus();
  }

  // The area of the name and shape that is drawn, as it is by now.
  #before() {
    const { name, shape } = this.drawing;
    return this.recording.areas.find((area) => area.name === name && area.shape === shape);
  }

  #show(corners) {
    this.overlay.draft = corners;
    this.player.dispatchEvent(new Event("time"));
  }

  stopDrawing() {
    this.drawing = null;
    this.overlay.draft = null;
    $("stage").classList.remove("drawing");
    $("overlay").removeAttribute("tabindex");
    notice("");
    this.player.dispatchEvent(new Event("time"));
  }

  listen(signal) {
    const canvas = $("overlay");
    const at = (event) => {
      const area = canvas.getBoundingClientRect();
      const { width_px, height_px } = this.recording.video;
      const clip = (v, most) => Math.round(Math.min(Math.max(0, v), most) * 10) / 10;
      return [clip(((event.clientX - area.left) / area.width) * width_px, width_px), clip(((event.clientY - area.top) / area.height) * height_px, height_px)];
    };
    const on = (name, call) => canvas.addEventListener(name, call, { signal });
    const box = () => this.drawing?.shape === "box";
    const polygon = () => this.drawing?.shape === "polygon";
    on("pointerdown", (event) => {
      if (!this.drawing) return this.player.toggle();
      if (!box()) return;
      canvas.setPointerCapture(event.pointerId);
      this.drawing.points = [at(event)];
    });
    on("pointermove", (event) => {
      if (!this.drawing?.points.length) return;
      const { points } = this.drawing;
      this.#show(box() ? rectangle(points[0], at(event)) : [...points, at(event)]);
    });
    on("pointerup", (event) => box() && this.drawing.points.length && this.#drawn([this.drawing.points[0], at(event)]));
    on("click", (event) => {
      if (!polygon() || event.detail > 1) return; // the second of a double click is no corner
      this.drawing.points.push(at(event));
      this.#show(this.drawing.points);
    });
    on("dblclick", () => polygon() && this.#drawn(this.drawing.points));
    on("keydown", (event) => {
      if (!this.drawing || !["Enter", "Backspace"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      const { points } = this.drawing;
      if (event.key === "Backspace") {
        points.pop();
        this.#show(points);
      } else if (polygon() && points.length) this.#drawn(points);
      else this.#cornersForm();
    });
  }

  #cornersForm() {
    const { name, shape } = this.drawing;
    const { width_px: w, height_px: h } = this.recording.video;
    const title = `Corners of "${name}" in pixels`;
    if (shape === "polygon") {
      const text = element("input", { required: true, autocomplete: "off", placeholder: "200,400 900,400 1000,720" });
      return this.#form(title, [["corners", "Corners, x,y each", text]], (v) => this.#drawn(v.corners.trim().split(/\s+/).map((pair) => pair.split(",").map(Number))));
    }
    const number = (most) => element("input", { type: "number", min: "0", max: String(most), step: "any", required: true });
    return this.#form(title, [["x1", "Left", number(w)], ["y1", "Top", number(h)], ["x2", "Right", number(w)], ["y2", "Bottom", number(h)]], (v) => this.#drawn([[Number(v.x1), Number(v.y1)], [Number(v.x2), Number(v.y2)]]));
  }

  // False where the corners cannot be those of the area; the drawing then goes on.
  #drawn(points) {
    const { name, shape } = this.drawing;
    const before = this.#before();
    const problem = faulty(shape, points, before?.keyframes[0].points.length);
    if (problem) {
      notice(problem);
      return false;
    }
    const time_s = round(this.player.time);
    const frames = [...(before?.keyframes ?? []).filter((f) => Math.abs(f.time_s - time_s) > 1e-3), { time_s, points }];
    this.stopDrawing();
    return this.send({ kind: "area", name, shape, keyframes: frames.sort((x, y) => x.time_s - y.time_s), between: before?.between ?? "interpolate" });
  }

  between(area, how) {
    const { name, shape, keyframes } = area;
    this.send({ kind: "area", name, shape, keyframes, between: how });
  }
}

const rectangle = ([x1, y1], [x2, y2]) => [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];

// Why corners cannot be those of an area; an area has as many in each key frame.
function faulty(shape, points, corners) {
  if (!points.every((p) => p.length === 2 && p.every(Number.isFinite))) return "The corners must be pairs of numbers, such as 200,400 900,400 1000,720.";
  const [width, height] = [0, 1].map((axis) => Math.max(...points.map((p) => p[axis])) - Math.min(...points.map((p) => p[axis])));
  if (shape === "polygon" && points.length < 3) return "A polygon has at least three corners: click one more.";
  if (shape === "polygon" && corners && points.length !== corners) return `This polygon has ${corners} corners in its other key frames, not ${points.length}: Escape, and draw it again.`;
  if (width < 2 || height < 2) return "The area is too small: its corners must be further apart.";
  return null;
}

const round = (seconds) => Math.round(Math.max(0, seconds) * 1000) / 1000;
const bounds = ({ value, from_s, to_s }) => ({ value, from_s, to_s });
const removal = ({ tier, person, value, from_s, to_s }) => ({ kind: "delete_episode", tier, person, value, from_s, to_s });
// A field shows milliseconds; one that was not touched keeps the exact time.
const kept = (text, exact) => (Math.abs(Number(text) - exact) < 6e-4 ? exact : Number(text));

function times(from, to) {
  const seconds = (value) => element("input", { type: "number", min: "0", step: "0.001", required: true, value: value.toFixed(3) });
  return [["from_s", "From (s)", seconds(from)], ["to_s", "To (s)", seconds(to)]];
}
