// The page of a live session: each frame comes as a text, what is drawn over it, and a JPEG image.

import { $, element, fit, notice } from "./dom.js";
import { LAYERS, Overlay } from "./overlay.js";

const people = new Map();
const live = {
  video: { width_px: 1, height_px: 1 },
  person: (number) => people.get(number) ?? { person: number, shown: `person ${number}`, colour: "#707a86" },
};
const overlay = new Overlay($("overlay"), live, () => {});
let drawn = null;

function place() {
  const { clientWidth, clientHeight } = $("stage");
  const scale = Math.min(clientWidth / live.video.width_px, clientHeight / live.video.height_px);
  overlay.box = { width: live.video.width_px * scale, height: live.video.height_px * scale };
  for (const canvas of [$("image"), $("overlay")])
    Object.assign(canvas.style, {
      width: `${overlay.box.width}px`,
      height: `${overlay.box.height}px`,
      left: `${(clientWidth - overlay.box.width) / 2}px`,
      top: `${(clientHeight - overlay.box.height) / 2}px`,
    });
}

async function show(content, blob) {
  const image = await createImageBitmap(blob);
  Object.assign(live.video, { width_px: content.width_px, height_px: content.height_px });
  for (const card of content.people) people.set(card.person, { ...card, shown: card.label });
  place();
  fit($("image"), overlay.box.width, overlay.box.height).drawImage(image, 0, 0, overlay.box.width, overlay.box.height);
  overlay.hold(content.columns, content.frame);
  overlay.draw(content.frame.start_s);
  $("people").replaceChildren(...overlay.described.map((words) => element("li", {}, words)));
  const { delay_median_ms, delay_99_ms, captured, analysed, dropped } = content.status;
  $("status").textContent =
    `delay ${Math.round(delay_median_ms)} ms, 99 % ${Math.round(delay_99_ms)} ms · ` +
    `${captured} frames, ${analysed} analysed, ${dropped} dropped`;
}

$("layers").append(
  ...LAYERS.map(([name, title]) => {
    const box = element("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => overlay.shown[box.checked ? "add" : "delete"](name));
    return element("label", {}, box, title);
  }),
);

const socket = new WebSocket(`ws://${location.host}/page`);
socket.addEventListener("message", ({ data }) => {
  if (typeof data === "string") drawn = JSON.parse(data);
  else show(drawn, data).catch((error) => notice(`A frame cannot be shown: ${error.message}`));
});
socket.addEventListener("close", () => notice("The session has ended."));
