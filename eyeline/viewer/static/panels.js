// The panels beside the video: episodes, people, who looks at whom, areas, corrections.

import { Latest, get } from "./api.js";
import { $, button, clock, duration, element, notice, option, say } from "./dom.js";

const TABS = [
  ["episodes", "Episodes"],
  ["people", "People"],
  ["matrix", "Looks", "Who looks at whom"],
  ["areas", "Areas"],
  ["history", "Corrections"],
];

export class Panels {
  #episodes = new Latest();
  #matrix = new Latest();
  #timer = 0;

  constructor(recording, player, timeline, editor) {
    Object.assign(this, { recording, player, timeline, editor });
    this.filter = { tier: "", person: "", visible: false };
    this.list = [];
    this.#build();
    this.select("episodes");
  }

  #build() {
    const tabs = document.querySelector(".tabs");
    tabs.replaceChildren(
      ...TABS.map(([name, title, long]) =>
        button(title, () => this.select(name), { id: `tab-${name}`, role: "tab", "aria-controls": `panel-${name}`, "aria-label": long, title: long }),
      ),
    );
    tabs.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step || event.ctrlKey || event.altKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      const at = TABS.findIndex(([name]) => name === this.selected);
      this.select(TABS[(at + step + TABS.length) % TABS.length][0]);
      $(`tab-${this.selected}`).focus();
    };
    $("panels").replaceChildren(
      ...TABS.map(([name]) => element("div", { class: "panel", id: `panel-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, tabindex: "0" })),
    );
  }

  select(name) {
    this.selected = name;
    for (const [other] of TABS) {
      const on = other === name;
      $(`tab-${other}`).setAttribute("aria-selected", String(on));
      $(`tab-${other}`).tabIndex = on ? 0 : -1;
      $(`panel-${other}`).hidden = !on;
    }
    this.refresh();
  }

  refresh() {
    const draw = { episodes: () => this.drawEpisodes(), people: () => this.drawPeople(), matrix: () => this.drawMatrix(), areas: () => this.drawAreas(), history: () => this.drawHistory() };
    return draw[this.selected]();
  }

  // What follows the selection or the window waits until these rest.
  later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => ["episodes", "matrix"].includes(this.selected) && this.refresh(), 150);
  }

  #span() {
    return this.timeline.selection ?? { from: 0, to: this.timeline.length };
  }

  // Episodes

  async drawEpisodes() {
    const panel = $("panel-episodes");
    if (!panel.firstChild) this.#episodeFrame(panel);
    const span = this.filter.visible ? { from: this.timeline.from, to: this.timeline.to } : { from: 0, to: this.timeline.length };
    const { tier, person } = this.filter;
    try {
      const part = await this.#episodes.get(`/api/recordings/${this.recording.key}/episodes`, { ...span, tier: tier || null, person: person === "" ? null : person });
      if (!part) return;
      this.list = part.episodes;
      this.#episodeFilters();
      panel.querySelector("tbody").replaceChildren(...part.episodes.map((e, k) => this.#episodeRow(e, k)));
      const more = part.total > part.episodes.length ? `the first ${part.episodes.length} of ${part.total}; choose a tier, a person, or those in view` : `${part.total} ${part.total === 1 ? "episode" : "episodes"}`;
      panel.querySelector(".count").textContent = more;
      this.mark();
    } catch (error) {
      notice(`The episodes cannot be shown: ${error.message}`);
    }
  }

  #episodeFrame(panel) {
    const changed = () => {
      this.filter = { tier: tier.value, person: person.value, visible: visible.checked };
      this.drawEpisodes();
    };
    const tier = element("select", { id: "filter-tier", "aria-label": "Tier", onchange: changed });
    const person = element("select", { id: "filter-person", "aria-label": "Person", onchange: changed });
    const visible = element("input", { type: "checkbox", onchange: changed });
    const head = ["From", "Length", "Who", "What", ""].map((title) => element("th", { scope: "col" }, title || element("span", { class: "hidden" }, "Edit")));
    panel.append(
      element("div", { class: "bar" }, tier, person, element("label", { class: "inline" }, visible, "in view"), element("span", { class: "muted count" })),
      element("table", { class: "episodes" }, element("thead", {}, element("tr", {}, ...head)), element("tbody")),
    );
  }

  #episodeFilters() {
    const fill = (node, all, options) => {
      const kept = node.value;
      node.replaceChildren(option("", all), ...options);
      node.value = kept;
    };
    fill($("filter-tier"), "all tiers", this.recording.tiers.map((t) => option(t.tier, t.title)));
    fill($("filter-person"), "everybody", this.recording.everyone.map((p) => option(p.person, p.shown)));
  }

  #episodeRow(e, k) {
    const person = this.recording.person(e.person);
    const paint = this.recording.paint(e.value, null);
    const what = `${this.recording.tierTitle(e.tier)}${this.recording.says(e) ? `: ${this.recording.says(e)}` : ""}`;
    const seek = button(clock(e.from_s, 2), () => this.go(e), { class: "link", "aria-label": `${clock(e.from_s, 2)}, ${duration(e.to_s - e.from_s)}, ${person.shown}, ${what}` });
    return element(
      "tr",
      { "data-k": String(k) },
      element("td", {}, seek),
      element("td", {}, (e.to_s - e.from_s).toFixed(2)),
      element("td", {}, element("span", { class: "dot", style: { background: person.colour } }), person.shown),
      element("td", {}, paint && element("span", { class: "dot", style: { background: paint.fill ?? paint } }), what, e.source === "corrected" ? element("span", { class: "mark", title: "corrected by hand" }, " ✎") : null),
      element("td", {}, this.recording.editable && button("Edit", () => this.editor.edit(e), { "aria-label": `Edit ${what} of ${person.shown} at ${clock(e.from_s, 2)}` })),
    );
  }

  go(e) {
    this.timeline.pick(e);
    this.player.seek(e.from_s + 1e-3);
    this.timeline.follow();
    say(`${this.recording.tierTitle(e.tier)}, ${this.recording.person(e.person).shown}, ${e.value}, ${clock(e.from_s, 2)}`);
  }

  // Previous or next episode of the active tier, else of those that the list shows; near ones first.
  async next(step) {
    const [person, ...name] = (this.timeline.tier ?? "").split("/");
    const tier = name.join("/") || this.filter.tier || null;
    const who = this.timeline.tier ? person : this.filter.person || null;
    const { time } = this.player;
    const { length, episode } = this.timeline;
    for (let reach = 30; ; reach *= 4) {
      const span = step > 0 ? { from: time, to: Math.min(length, time + reach) } : { from: Math.max(0, time - reach), to: time };
      if (span.to <= span.from) return;
      const { episodes } = await get(`/api/recordings/${this.recording.key}/episodes`, { ...span, tier, person: who });
      const others = episodes.filter((e) => !same(e, episode));
      const found = step > 0 ? others.find((e) => e.from_s > time) : others.findLast((e) => e.from_s < time - 0.01);
      if (found) return this.go(found);
      if (step > 0 ? span.to >= length : span.from <= 0) return;
    }
  }

  // Which rows of the list are picked, and which hold at the playhead.
  mark() {
    if (this.selected !== "episodes") return;
    const time = this.player.time;
    for (const row of document.querySelectorAll("#panel-episodes tbody tr")) {
      const e = this.list[Number(row.dataset.k)];
      row.classList.toggle("now", e && e.from_s <= time && time < e.to_s);
      const picked = same(e, this.timeline.episode);
      if (picked && row.getAttribute("aria-current") !== "true") row.scrollIntoView({ block: "nearest" });
      row.setAttribute("aria-current", String(picked));
    }
  }

  // People

  drawPeople() {
    const panel = $("panel-people");
    panel.replaceChildren(
      ...this.recording.persons.map((p) => this.#person(p)),
      element("p", { class: "muted" }, this.recording.persons.length ? "A split begins at the playhead; \"no face\" takes the selection, or the whole recording." : "Nobody was seen in this recording."),
    );
  }

  #person(p) {
    const image = p.thumbnail
      ? element("img", { src: `/files/${this.recording.key}/${p.thumbnail}`, alt: `Face of ${p.shown}`, width: 48, height: 48 })
      : element("span", { class: "blank", "aria-hidden": "true" });
    const name = element("input", { value: p.name, placeholder: p.label, "aria-label": `Name of ${p.label}`, maxlength: "100", disabled: !this.recording.editable });
    name.addEventListener("change", () => {
      if (name.value.trim() && name.value.trim() !== p.name) this.editor.send({ kind: "name_person", person: p.person, name: name.value.trim() });
    });
    const others = this.recording.persons.filter((o) => o.person !== p.person);
    const merge = element("select", { "aria-label": `Merge ${p.shown} into`, onchange: () => this.editor.merge(p, Number(merge.value)) }, option("", "Merge into…"), ...others.map((o) => option(o.person, o.shown)));
    return element(
      "div",
      { class: "person" },
      image,
      element("div", { class: "row" }, element("span", { class: "dot", style: { background: p.colour } }), name, element("span", { class: "muted" }, `${p.name ? `${p.label}, ` : ""}seen for ${duration(p.seen_s)}`)),
      element(
        "div",
        { class: "row" },
        button("First seen", () => this.player.seek(p.first_s + 1e-3)),
        this.recording.editable && others.length > 0 && merge,
        this.recording.editable && button("Split here", () => this.editor.split(p)),
        this.recording.editable && button("No face", () => this.editor.noFace(p)),
      ),
    );
  }

  // Who looks at whom

  async drawMatrix() {
    const span = this.#span();
    try {
      const part = await this.#matrix.get(`/api/recordings/${this.recording.key}/matrix`, span);
      if (!part) return;
      const where = this.timeline.selection ? `from ${clock(span.from, 2)} to ${clock(span.to, 2)}` : "in the whole recording; select a span in the timeline for a part";
      $("panel-matrix").replaceChildren(
        element("h3", {}, "Who looks at whom"),
        element("p", { class: "muted" }, `Seconds that each row's person looks at each column, ${where}.`),
        part.persons.length ? element("div", { class: "scroll" }, this.#matrixTable(part)) : element("p", {}, "No looks in this span."),
      );
    } catch (error) {
      notice(`The matrix cannot be shown: ${error.message}`);
    }
  }

  #matrixTable({ persons, targets, seconds }) {
    const most = Math.max(1e-9, ...seconds.flat());
    const head = targets.map((t) => element("th", { scope: "col" }, this.recording.spoken(t)));
    const rows = persons.map((person, k) => {
      const p = this.recording.person(person);
      const cells = seconds[k].map((s) => {
        const cell = element("td", {}, s ? s.toFixed(1) : "·");
        if (s) cell.style.backgroundColor = `color-mix(in srgb, ${p.colour} ${Math.round(8 + (42 * s) / most)}%, transparent)`;
        return cell;
      });
      return element("tr", {}, element("th", { scope: "row" }, element("span", { class: "dot", style: { background: p.colour } }), p.shown), ...cells, element("td", {}, seconds[k].reduce((a, b) => a + b, 0).toFixed(1)));
    });
    return element("table", { class: "matrix" }, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "looks at"), ...head, element("th", { scope: "col" }, "in all"))), element("tbody", {}, ...rows));
  }

  // Areas

  drawAreas() {
    const panel = $("panel-areas");
    const name = element("input", { id: "area-name", placeholder: "toy, screen …", maxlength: "100" });
    const shape = element("select", { "aria-label": "Shape" }, option("box"), option("polygon"));
    const start = element("form", { class: "bar" }, element("label", { class: "inline" }, "New area", name), shape, element("button", {}, "Draw it"));
    start.addEventListener("submit", (event) => {
      event.preventDefault();
      if (name.value.trim()) this.editor.draw(name.value.trim(), shape.value);
    });
    panel.replaceChildren(
      ...(this.recording.editable ? [start] : []),
      element("p", { class: "muted" }, "Draw a box or a polygon over the video. At another time, draw it again where the thing is then: between these key frames the area is interpolated or tracked. Looks into an area get its name as their target."),
      ...this.recording.areas.map((area) => this.#area(area)),
    );
  }

  #area(area) {
    const between = element("select", { "aria-label": `Between the key frames of ${area.name}`, onchange: () => this.editor.between(area, between.value) }, option("interpolate", "interpolated", area.between === "interpolate"), option("track", "tracked", area.between === "track"));
    const frames = area.keyframes.map((f) => button(clock(f.time_s, 2), () => this.player.seek(f.time_s + 1e-3), { class: "link" }));
    return element(
      "div",
      {},
      element("h3", {}, area.name),
      element("div", { class: "bar" }, element("span", { class: "muted" }, `${area.shape}, key frames at`), ...frames),
      this.recording.editable && element("div", { class: "bar" }, button("Key frame here", () => this.editor.draw(area.name, area.shape)), between, button("Delete", () => this.editor.send({ kind: "delete_area", name: area.name }), { "aria-label": `Delete the area ${area.name}` })),
    );
  }

  // Corrections

  drawHistory() {
    const entries = [...this.recording.entries].reverse();
    $("panel-history").replaceChildren(
      element("p", { class: "muted" }, entries.length ? "The newest first. Nothing is ever lost: what was computed stays, and an undone correction can be redone." : "No corrections so far. What was computed is never overwritten."),
      this.recording.editable && entries.length ? element("div", { class: "bar" }, button("Write exports with corrections", () => this.editor.rewrite())) : "",
      element("ol", { class: "history" }, ...entries.map((e) => this.#entry(e))),
    );
  }

  #entry(e) {
    const turns = e.kind === "undo" || e.kind === "redo";
    const turn = !turns && this.recording.editable && button(e.undone ? "Redo" : "Undo", () => this.editor.turn(e.undone ? "redo" : "undo", e.id), { "aria-label": `${e.undone ? "Redo" : "Undo"} correction ${e.id}` });
    return element(
      "li",
      { class: e.undone ? "undone" : null },
      element("div", {}, element("span", { class: "what" }, this.recording.describe(e)), element("small", {}, `${e.id} · ${e.who || "somebody"} · ${new Date(e.time).toLocaleString()}`), e.problem ? element("small", { class: "error" }, e.problem) : null),
      turn,
    );
  }
}

export const same = (a, b) => Boolean(a && b) && ["tier", "person", "value", "from_s", "to_s"].every((key) => a[key] === b[key]);
