// The keyboard: ELAN's chords, and single keys beside them.

import { $, element } from "./dom.js";

const COMMANDS = [
  [["Space", "Ctrl+Space"], "play or pause", (a) => a.player.toggle()],
  [["Shift+Space"], "play the selection", (a) => a.playSelection()],
  [[",", "Ctrl+Left"], "one frame back", (a) => a.player.step(-1)],
  [[".", "Ctrl+Right"], "one frame on", (a) => a.player.step(1)],
  [["Left", "Shift+Left"], "one second back", (a) => a.player.seek(a.player.time - 1)],
  [["Right", "Shift+Right"], "one second on", (a) => a.player.seek(a.player.time + 1)],
  [["Home", "Ctrl+B"], "to the begin", (a) => a.player.seek(0)],
  [["End", "Ctrl+E"], "to the end", (a) => a.player.seek(a.timeline.length)],
  [["Alt+Left", "P"], "previous episode of the active tier", (a) => a.panels.next(-1)],
  [["Alt+Right", "E"], "next episode of the active tier", (a) => a.panels.next(1)],
  [["Up", "Ctrl+Up"], "the tier above becomes active", (a) => a.timeline.moveTier(-1)],
  [["Down", "Ctrl+Down"], "the tier below becomes active", (a) => a.timeline.moveTier(1)],
  [["["], "the selection begins at the playhead", (a) => a.setSelection("from")],
  [["]"], "the selection ends at the playhead", (a) => a.setSelection("to")],
  [["Escape", "Alt+Shift+C"], "clear the selection; end drawing", (a) => a.clear()],
  [["L", "Ctrl+L"], "loop the selection", (a) => a.toggleLoop()],
  [["M"], "audio on or off", (a) => a.toggleMute()],
  [["+"], "zoom in", (a) => a.timeline.zoom(0.5)],
  [["-"], "zoom out", (a) => a.timeline.zoom(2)],
  [["0"], "the whole recording", (a) => a.timeline.show(0, a.timeline.length)],
  [["Z"], "zoom to the selection", (a) => a.timeline.zoomToSelection()],
  [["<"], "slower", (a) => a.changeSpeed(-1)],
  [[">"], "faster", (a) => a.changeSpeed(1)],
  [["Alt+N", "A"], "add an episode over the selection", (a) => a.editor.add()],
  [["Alt+M", "Enter"], "edit the chosen episode", (a) => a.timeline.episode && a.editor.edit(a.timeline.episode)],
  [["Alt+D", "Delete"], "delete the chosen episode", (a) => a.editor.delete(a.timeline.episode)],
  [["S"], "split the chosen episode at the playhead", (a) => a.editor.splitEpisode(a.timeline.episode)],
  [["N"], "mark the selection as not codable", (a) => a.editor.notCodable()],
  [["Ctrl+Z"], "undo", (a) => a.undo()],
  [["Ctrl+Y", "Ctrl+Shift+Z"], "redo", (a) => a.redo()],
  [["?"], "this list", () => $("keys").showModal()],
];

const TABLE = new Map(COMMANDS.flatMap(([keys, , call]) => keys.map((key) => [key, call])));
const NAMES = { " ": "Space", ArrowLeft: "Left", ArrowRight: "Right", ArrowUp: "Up", ArrowDown: "Down" };
const SHIFTED = new Set(["?", "<", ">", "+"]); // typed with Shift on some keyboards

function chord(event) {
  const bare = NAMES[event.key] ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  const letter = /^[A-Z]$/.test(bare) || bare.length > 1;
  const parts = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && letter && !SHIFTED.has(bare) && "Shift", bare];
  return parts.filter(Boolean).join("+");
}

// Keys that a control needs itself are its own.
function taken(event) {
  const node = event.target;
  if (document.querySelector("dialog[open]")) return true;
  const typing = node.matches("input:not([type=checkbox]):not([type=range]), textarea, select");
  if (typing) return !(event.key === "Escape");
  const pressing = node.closest("button, summary, a, [type=checkbox]");
  if (pressing && (event.key === " " || event.key === "Enter") && !event.ctrlKey && !event.shiftKey) return true;
  return node.matches("[type=range]") && event.key.startsWith("Arrow") && !event.ctrlKey && !event.altKey;
}

export function listen(app, signal) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (taken(event)) return;
      const call = TABLE.get(chord(event));
      if (!call) return;
      event.preventDefault();
      call(app);
    },
    { signal },
  );
}

export function fillHelp() {
  const row = ([keys, what]) => {
    const shown = keys.flatMap((key, k) => [k ? " or " : "", element("kbd", {}, key)]);
    return element("tr", {}, element("td", {}, ...shown), element("td", {}, what));
  };
  $("keys").querySelector("tbody").replaceChildren(...COMMANDS.map(row));
}
