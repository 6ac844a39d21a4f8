// The page: a list of recordings, and one of them with video, timeline and panels.

import { get, post } from "./api.js";
import { $, clock, duration, element, notice, say } from "./dom.js";
import { Editor } from "./editor.js";
import { fillHelp, listen } from "./keys.js";
import { LAYERS, Overlay } from "./overlay.js";
import { Panels } from "./panels.js";
import { Player } from "./player.js";
import { Recording } from "./recording.js";
import { Timeline } from "./timeline.js";

const LOOK_AGAIN_MS = 4000; // how often a tab asks whether another one has corrected

const MARK_EVERY_MS = 150; // how often the list follows the playing video

class List {
  async open() {
    document.title = "eyeline";
    $("title").textContent = "Recordings";
    for (const id of ["tools", "view", "status"]) $(id).hidden = true;
    $("list").hidden = false;
    $("find").oninput = () => this.#load();
    await this.#load();
  }

  async #load() {
    const find = $("find").value;
    const { recordings: rows, total } = await get("/api/recordings", find ? { find } : {});
    if (find !== $("find").value) return; // typed on meanwhile
    $("list").querySelector("tbody").replaceChildren(...rows.map(listRow));
    const failed = rows.filter((row) => row.error).length;
    const shown = rows.length < total ? `the first ${rows.length} of ${total} are shown` : "";
    const notes = [failed ? `${failed} cannot be read` : "", shown].filter(Boolean);
    $("count").textContent = [`${total} ${total === 1 ? "recording" : "recordings"}`, ...notes].join(", ");
  }
}

function listRow(row) {
  const cell = (text) => element("td", { class: "num" }, text ?? "–");
  if (row.error) {
    return element("tr", {}, element("td", {}, row.name, element("small", { class: "error" }, row.error)), element("td", {}, badge("unreadable", "error")), ...Array.from({ length: 7 }, () => cell()));
  }
  const count = (name) => Object.entries(row.episodes).find(([key]) => key.endsWith(`/${name}`))?.[1];
  const note = row.warnings.length ? element("small", {}, row.warnings.join("; ")) : null;
  return element(
    "tr",
    {},
    element("td", {}, element("a", { href: `#/recording/${row.key}` }, row.name), note),
    element("td", {}, badge(row.status, row.status === "ok" ? "" : "warn")),
    cell(duration(row.duration_s)),
    cell(row.persons),
    cell(row.speech_s === null ? null : duration(row.speech_s)),
    cell(count("gaze_target")),
    cell(count("eye_contact")),
    cell(count("mutual_gaze")),
    element("td", { class: "num" }, String(row.corrections ?? "unreadable"), correctedExports(row)),
  );
}

function correctedExports({ key, corrected_exports: exports }) {
  if (exports === "none") return null;
  const link = element("a", { href: `/files/${key}/corrected/report.html`, download: "" }, "corrected report");
  return element("small", {}, link, exports === "current" ? "" : ", out of date");
}

const badge = (text, kind) => element("span", { class: `badge ${kind}` }, text);

class View {
  constructor(recording) {
    this.closed = new AbortController();
    this.marked = 0;
    this.recording = recording;
    const signal = this.closed.signal;
    this.player = new Player(recording.video, this.#source());
    this.overlay = new Overlay($("overlay"), recording, () => this.#frame());
    this.timeline = new Timeline(recording, this.player, signal);
    this.editor = new Editor(recording, this.player, this.timeline, this.overlay, () => this.reload());
    this.panels = new Panels(recording, this.player, this.timeline, this.editor);
    this.editor.listen(signal);
    listen(this, signal);
    this.#listen(signal);
    this.#describe();
    this.#layers();
    this.#curves();
    this.#size();
    this.timer = setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS);
  }

  close() {
    clearInterval(this.timer);
    this.closed.abort();
    this.player.close();
  }

  #source() {
    const { key, original, annotated } = this.recording;
    const which = original ? $("which").value : annotated && $("which").value === "annotated" ? "annotated" : null;
    return which && (which === "original" || annotated) ? `/video/${key}/${which}` : original ? `/video/${key}/original` : null;
  }

  #listen(signal) {
    const on = (target, name, call) => target.addEventListener(name, call, { signal });
    on(this.player, "time", () => this.#time());
    on(this.player, "state", () => this.#state());
    on(this.timeline, "selection", () => this.#selection());
    on(this.timeline, "window", () => this.panels.filter.visible && this.panels.later());
    on(this.timeline, "episode", () => this.panels.mark());
    on(this.timeline, "resize", (event) => this.editor.resize(event.detail));
    on(this.timeline, "open", (event) => this.editor.edit(event.detail));
    on($("play"), "click", () => this.player.toggle());
    on($("back"), "click", () => this.player.step(-1));
    on($("forward"), "click", () => this.player.step(1));
    on($("speed"), "change", () => (this.player.speed = Number($("speed").value)));
    on($("loop"), "click", () => this.toggleLoop());
    on($("mute"), "click", () => this.toggleMute());
    on($("which"), "change", () => this.player.use(this.#source()));
    on($("add"), "click", () => this.editor.add());
    on($("not-codable"), "click", () => this.editor.notCodable());
    on($("undo"), "click", () => this.undo());
    on($("redo"), "click", () => this.redo());
    on($("place"), "submit", (event) => this.#place(event));
    on(document, "visibilitychange", () => this.#lookAgain());
    const resized = new ResizeObserver(() => this.#size());
    resized.observe($("stage"));
    signal.addEventListener("abort", () => resized.disconnect());
  }

  #describe() {
    const r = this.recording;
    document.title = `${r.name} – eyeline`;
    $("title").textContent = r.name;
    const warnings = r.warnings.length ? r.warnings : ["No warnings."];
    const badge = $("status").querySelector("summary");
    badge.textContent = r.warnings.length ? `${r.status}, ${r.warnings.length} ${r.warnings.length === 1 ? "warning" : "warnings"}` : r.status;
    badge.className = `badge ${r.status === "ok" && !r.warnings.length ? "" : "warn"}`;
    $("status").querySelector("ul").replaceChildren(...warnings.map((text) => element("li", {}, text)));
    for (const id of ["tools", "view", "status"]) $(id).hidden = false;
    $("list").hidden = true;
    $("missing").hidden = r.original;
    $("missing-path").textContent = r.original ? "" : r.video.path;
    $("which-label").hidden = !r.annotated;
    $("undo").disabled = !r.editable || r.undo === null;
    $("redo").disabled = !r.editable || r.redo === null;
    const files = r.files.map((f) => element("li", {}, element("a", { href: `/files/${r.key}/${f.name.split("/").map(encodeURIComponent).join("/")}`, download: "" }, f.name), element("span", { class: "muted" }, ` ${size(f.bytes)}`)));
    $("file-list").replaceChildren(element("ul", {}, ...files));
    if (r.problem) notice(r.problem);
  }

  #layers() {
    const legend = $("layers").querySelector("legend");
    const boxes = LAYERS.map(([name, title]) => {
      const box = element("input", { type: "checkbox", checked: this.overlay.shown.has(name) });
      box.addEventListener("change", () => {
        this.overlay.shown[box.checked ? "add" : "delete"](name);
        this.#frame();
      });
      return element("label", {}, box, title);
    });
    $("layers").replaceChildren(legend, ...boxes);
  }

  #curves() {
    const fieldset = $("curves").querySelector("fieldset");
    const boxes = this.recording.curves.map((curve) => {
      const box = element("input", { type: "checkbox", value: curve.id });
      box.addEventListener("change", () => this.timeline.showCurves([...fieldset.querySelectorAll(":checked")].map((b) => b.value)));
      return element("label", {}, box, curve.title);
    });
    fieldset.replaceChildren(fieldset.querySelector("legend"), ...boxes);
  }

  // The video and what is drawn over it, as large as the stage allows, turned as the analysis turned it.
  #size() {
    const { width_px: w, height_px: h, turn_deg } = this.recording.video;
    const stage = $("stage");
    stage.style.aspectRatio = matchMedia("(max-width: 760px)").matches ? `${w} / ${h}` : "";
    const scale = Math.min(stage.clientWidth / w, stage.clientHeight / h);
    const [width, height] = [w * scale, h * scale];
    const [left, top] = [(stage.clientWidth - width) / 2, (stage.clientHeight - height) / 2];
    const turn = $("which").value === "annotated" ? 0 : turn_deg;
    const [vw, vh] = turn % 180 ? [height, width] : [width, height];
    place($("video"), left + (width - vw) / 2, top + (height - vh) / 2, vw, vh);
    $("video").style.transform = turn ? `rotate(${turn}deg)` : "";
    place($("overlay"), left, top, width, height);
    this.overlay.box = { width, height };
    this.#frame();
  }

  #time() {
    $("time").textContent = clock(this.player.time);
    const { playing } = this.player;
    if (playing) this.timeline.follow();
    if (!playing || performance.now() - this.marked > MARK_EVERY_MS) {
      this.panels?.mark();
      this.marked = performance.now();
    }
    this.#frame();
    if (!playing) this.#say();
  }

  // What the overlay shows, for who does not see it.
  #say() {
    $("overlay").setAttribute("aria-label", `Over the video at ${clock(this.player.time, 1)}: ${this.overlay.described?.join("; ") || "nobody"}`);
  }

  #frame() {
    if (this.closed.signal.aborted) return;
    const annotated = $("which").value === "annotated" && this.recording.annotated && this.player.hasVideo;
    $("overlay").style.opacity = annotated ? "0" : "1";
    this.overlay.draw(this.player.time);
  }

  #state() {
    const playing = this.player.playing;
    $("play").textContent = playing ? "❚❚" : "▶";
    $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    if (!playing) this.#say();
  }

  #selection() {
    const none = !this.timeline.selection;
    $("zoom-selection").disabled = none;
    $("add").disabled = $("not-codable").disabled = none || !this.recording.editable;
    if (this.player.loop) this.player.loop = this.timeline.selection;
    $("loop").setAttribute("aria-pressed", String(Boolean(this.player.loop)));
    if (this.panels?.selected === "matrix") this.panels.later();
  }

  playSelection() {
    const s = this.timeline.selection;
    if (!s) return this.player.toggle();
    this.player.seek(s.from);
    return this.player.play(s.to);
  }

  setSelection(end) {
    const time = this.player.time;
    const old = this.timeline.selection ?? { from: time, to: time };
    const next = { ...old, [end]: time };
    if (next.to <= next.from) Object.assign(next, end === "from" ? { to: Math.min(this.timeline.length, time + 1) } : { from: Math.max(0, time - 1) });
    this.timeline.select(next);
    say(`Selection from ${clock(next.from)} to ${clock(next.to)}`);
  }

  clear() {
    if (this.editor.drawing) return this.editor.stopDrawing();
    this.timeline.pick(null);
    this.timeline.select(null);
    return undefined;
  }

  toggleLoop() {
    if (this.player.loop) this.player.loop = null;
    else if (this.timeline.selection) this.player.loop = this.timeline.selection;
    else this.player.loop = { from: 0, to: this.timeline.length };
    $("loop").setAttribute("aria-pressed", String(Boolean(this.player.loop)));
  }

  toggleMute() {
    $("video").muted = !$("video").muted;
    $("mute").setAttribute("aria-pressed", String($("video").muted));
  }

  changeSpeed(step) {
    const list = $("speed");
    list.selectedIndex = Math.min(Math.max(0, list.selectedIndex + step), list.options.length - 1);
    this.player.speed = Number(list.value);
  }

  undo() {
    if (!$("undo").disabled) this.editor.turn("undo");
  }

  redo() {
    if (!$("redo").disabled) this.editor.turn("redo");
  }

  async reload() {
    await this.recording.load();
    this.overlay.forget();
    this.#describe();
    this.#selection();
    await this.timeline.reload();
    $("names").dataset.key = "";
    this.timeline.draw();
    await this.panels.refresh();
    this.#frame();
    document.body.dataset.revision = String(this.recording.revision);
  }

  // Another tab, or the command line, may have corrected meanwhile.
  async #lookAgain() {
    if (document.hidden || document.querySelector("dialog[open]") || this.asking) return;
    this.asking = true;
    try {
      const { revision } = await get(`/api/recordings/${this.recording.key}/corrections`);
      if (revision !== this.recording.revision && !this.closed.signal.aborted) {
        await this.reload();
        say("The corrections were changed in another place; this page follows them.");
      }
    } catch {
      // a server that does not answer is reported by what the user asks of it
    } finally {
      this.asking = false;
    }
  }

  async #place(event) {
    event.preventDefault();
    try {
      await post(`/api/recordings/${this.recording.key}/video`, { path: $("place-path").value });
      notice("");
      await this.recording.load();
      this.#describe();
      this.player.use(this.#source());
      this.#size();
    } catch (error) {
      notice(error.message);
    }
  }
}

function place(node, left, top, width, height) {
  Object.assign(node.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
}

function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

let view = null;

async function route() {
  view?.close();
  view = null;
  notice("");
  const match = /^#\/recording\/(\w+)$/.exec(location.hash);
  try {
    if (match) view = new View(await Recording.open(match[1]));
    else await new List().open();
  } catch (error) {
    if (match) await new List().open();
    notice(error.message);
  }
  document.body.dataset.ready = location.hash || "#/";
}

function remember() {
  $("who").value = localStorage.getItem("who") ?? "";
  $("who").addEventListener("change", () => localStorage.setItem("who", $("who").value.trim()));
}

fillHelp();
remember();
$("help").addEventListener("click", () => $("keys").showModal());
$("notice").querySelector("button").addEventListener("click", () => notice(""));
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  event.stopImmediatePropagation();
});
window.addEventListener("hashchange", route);
route();
