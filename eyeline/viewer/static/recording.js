// One recording as the server describes it, with names and colours for everybody and everything.

import { get } from "./api.js";
import { clock, colour } from "./dom.js";

const PERSON = /^person (\d+)$/;

export class Recording {
  static async open(key) {
    const recording = new Recording();
    await recording.load(key);
    return recording;
  }

  async load(key = this.key) {
    Object.assign(this, await get(`/api/recordings/${encodeURIComponent(key)}`));
    this.byNumber = new Map([...this.persons, ...this.others].map((p) => [p.person, { ...p, shown: p.name || p.label }]));
    this.persons = this.persons.map((p) => this.byNumber.get(p.person));
    for (const entry of this.entries) {
      entry.problem = this.unapplied[entry.id];
    }
  }

  person(number) {
    return this.byNumber.get(number) ?? { person: number, shown: `person ${number}`, label: `person ${number}`, colour: "#707a86", name: "" };
  }

  get everyone() {
    const used = new Set(this.tiers.flatMap((t) => t.persons));
    return [...this.persons, ...this.others.map((p) => this.byNumber.get(p.person)).filter((p) => used.has(p.person))];
  }

  // Whom a value of an episode names.
  #named(value) {
    const match = PERSON.exec(value ?? "");
    return match ? this.byNumber.get(Number(match[1])) : undefined;
  }

  // With the names that people and areas were given.
  spoken(value) {
    return (value ?? "").replace(/\b(?:person|area) \d+\b/g, (label) => this.names[label] ?? label);
  }

  // What an episode says beyond the name of its tier.
  says(episode) {
    return ["speech", "voice", episode.tier].includes(episode.value) ? "" : this.spoken(episode.value);
  }

  paint(value, otherwise) {
    const person = this.#named(value);
    if (person) return person.colour;
    if (value?.startsWith("area ")) return colour("--accent");
    if (value === "camera") return { fill: colour("--camera"), ink: colour("--camera-ink") };
    if (value === "scene") return colour("--scene");
    if (value === "off screen") return { fill: colour("--off"), ink: colour("--ink") };
    return otherwise;
  }

  tierTitle(tier) {
    return this.tiers.find((t) => t.tier === tier)?.title ?? tier.replaceAll("_", " ");
  }

  describe(e) {
    const who = (number) => this.person(number).shown;
    const span = (o) => `${clock(o.from_s, 2)} – ${clock(o.to_s, 2)}`;
    const episode = (o) => `${this.tierTitle(e.tier)} of ${who(e.person)}: ${this.spoken(o.value)}, ${span(o)}`;
    const words = {
      name_person: () => `person ${e.person} is called ${e.name}`,
      merge_people: () => `persons ${e.people.join(", ")} are one: person ${e.into}`,
      split_person: () => `person ${e.person} is person ${e.new_person ?? "?"} from ${clock(e.at_s, 2)} on`,
      delete_face: () => `person ${e.person} is no face, ${e.to_s > this.video.duration_s && e.from_s === 0 ? "anywhere" : span(e)}`,
      add_episode: () => `added ${episode(e)}`,
      change_episode: () => `changed ${episode(e.old)} to ${this.spoken(e.new.value)}, ${span(e.new)}`,
      delete_episode: () => `deleted ${episode(e)}`,
      split_episode: () => `split ${episode(e)} at ${clock(e.at_s, 2)}`,
      not_codable: () => `not codable: ${e.tier ? this.tierTitle(e.tier) : "all questions"} of ${e.person === null || e.person === undefined ? "everybody" : who(e.person)}, ${span(e)}`,
      area: () => `area ${e.name}: ${e.shape}, ${e.keyframes.length} key ${e.keyframes.length === 1 ? "frame" : "frames"}, ${e.between === "track" ? "tracked" : "interpolated"}`,
      delete_area: () => `deleted the area ${e.name}`,
      undo: () => `undid correction ${e.entry}`,
      redo: () => `redid correction ${e.entry}`,
    };
    return (words[e.kind] ?? (() => e.kind))();
  }
}
