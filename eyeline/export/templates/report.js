(() => {
  "use strict";
  const video = document.querySelector("video");
  const lead = document.querySelector(".lead");
  let playable = Boolean(video);
  if (video) {
    video.addEventListener("error", () => {
      playable = false;
      document.getElementById("player").remove();
      lead.classList.add("alone");
    });
  }
  const seek = (seconds) => {
    if (!playable) return;
    video.currentTime = Math.max(0, seconds);
    const shown = video.getBoundingClientRect();
    if (shown.bottom < 0 || shown.top > innerHeight) video.scrollIntoView({ block: "nearest" });
    video.play().catch(() => {});
  };
  for (const button of document.querySelectorAll("[data-seek]")) {
    button.addEventListener("click", () => seek(Number(button.dataset.seek)));
  }

  const source = document.getElementById("timeline");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const SEEN = 18, LANE = 17, GAP = 4, END = data.end / 1000;

  const unpacked = (packed) => {
    const count = packed.length / 3;
    const start = new Float64Array(count), end = new Float64Array(count), code = new Int32Array(count);
    for (let k = 0, t = 0; k < count; k++) {
      start[k] = (t += packed[3 * k]) / 1000;
      end[k] = (t += packed[3 * k + 1]) / 1000;
      code[k] = packed[3 * k + 2];
    }
    return { start, end, code, count };
  };
  const firstEndingAfter = (runs, time) => {
    let low = 0, high = runs.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (runs.end[middle] > time) high = middle; else low = middle + 1;
    }
    return low;
  };
  const groups = data.groups.map((group, k) => {
    let y = 0;
    const lanes = group.lanes.map((lane) => {
      const height = lane.kind === "seen" ? SEEN : LANE;
      const placed = { ...lane, runs: unpacked(lane.runs), missing: unpacked(lane.missing), y: lane.kind === "seen" ? 0 : y, height };
      y = (lane.kind === "seen" ? SEEN : y + LANE) + GAP;
      return placed;
    });
    if (!lanes.some((lane) => lane.kind === "seen")) {
      for (const lane of lanes) lane.y += SEEN + GAP;
      y += SEEN + GAP;
    }
    return { ...group, lanes, height: Math.max(y - GAP, SEEN), canvas: document.querySelector(`[data-group="${k}"]`) };
  });

  const tracks = document.querySelector("[data-tracks]");
  const axis = document.querySelector("[data-axis]");
  const cursor = tracks.querySelector(".cursor"), playhead = tracks.querySelector(".playhead");
  const tip = document.querySelector(".tip");
  const view = { from: 0, to: END };
  const style = () => getComputedStyle(document.documentElement);
  let css = style();
  const colour = (name) => (name.startsWith("#") ? name : css.getPropertyValue("--" + name).trim());
  const light = (hex) => {
    const n = parseInt(hex.slice(1), 16);
    return 0.299 * (n >> 16) + 0.587 * ((n >> 8) & 255) + 0.114 * (n & 255) > 150;
  };

  const prepared = (canvas, height) => {
    const width = canvas.parentElement.clientWidth, ratio = devicePixelRatio || 1;
    canvas.style.height = height + "px";
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = '11px system-ui, "Liberation Sans", sans-serif';
    return { pen, width };
  };
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const clock = (time, step = 0.01) => {
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
    const scale = 10 ** digits, whole = Math.round(Math.max(0, time) * scale);
    const seconds = (whole / scale) % 60, minutes = Math.floor(whole / scale / 60);
    const tail = seconds.toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
    return minutes >= 60 ? `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
  };
  const ticks = (width) => {
    const span = view.to - view.from;
    const step = STEPS.find((s) => (s / span) * width >= 64) || 14400;
    const times = [];
    for (let k = Math.ceil(view.from / step - 1e-9); k * step <= view.to + 1e-9; k++) times.push(k * step);
    return { step, times };
  };

  const drawAxis = () => {
    const { pen, width } = prepared(axis, 26);
    const { step, times } = ticks(width);
    pen.fillStyle = colour("muted");
    pen.textBaseline = "middle";
    for (const time of times) {
      const x = ((time - view.from) / (view.to - view.from)) * width;
      const text = clock(time, step), half = pen.measureText(text).width / 2;
      pen.fillText(text, Math.min(Math.max(0, x - half), width - 2 * half), 11);
      pen.fillRect(x, 21, 1, 5);
    }
  };
  const drawRuns = (pen, width, group, lane) => {
    const scale = width / (view.to - view.from), { runs } = lane;
    const seen = lane.kind === "seen";
    const top = seen ? lane.y + SEEN / 2 - 2 : lane.y, height = seen ? 4 : lane.height;
    for (let k = firstEndingAfter(runs, view.from); k < runs.count && runs.start[k] < view.to; k++) {
      const left = Math.max(-2, (runs.start[k] - view.from) * scale);
      const right = Math.min(width + 2, (runs.end[k] - view.from) * scale);
      const what = lane.kind === "target" ? data.codes[runs.code[k]] : null;
      const fill = colour(seen ? "seen" : what ? what.colour : group.colour);
      pen.fillStyle = fill;
      pen.fillRect(left, top, Math.max(1, right - left - (right - left > 3 ? 0.75 : 0)), height);
      if (what && right - left > 34) {
        const room = right - left - 10, text = what.label;
        if (pen.measureText(text).width <= room) {
          pen.fillStyle = light(fill) ? "#17202b" : "#ffffff";
          pen.fillText(text, Math.max(left, 0) + 5, top + height / 2 + 0.5);
        }
      }
    }
  };
  const drawMissing = (pen, width, lane) => {
    const scale = width / (view.to - view.from), { missing } = lane;
    pen.strokeStyle = colour("scene");
    for (let k = firstEndingAfter(missing, view.from); k < missing.count && missing.start[k] < view.to; k++) {
      const left = Math.max(0, (missing.start[k] - view.from) * scale);
      const right = Math.min(width, (missing.end[k] - view.from) * scale);
      pen.save();
      pen.beginPath();
      pen.rect(left, lane.y, right - left, lane.height);
      pen.clip();
      pen.beginPath();
      for (let x = left - lane.height; x < right; x += 6) {
        pen.moveTo(x, lane.y + lane.height);
        pen.lineTo(x + lane.height, lane.y);
      }
      pen.stroke();
      pen.restore();
    }
  };
  const drawOutside = (pen, width, group) => {
    const scale = width / (view.to - view.from);
    pen.fillStyle = colour("line");
    for (const [from, to] of group.outside) {
      const left = Math.max(0, (from - view.from) * scale), right = Math.min(width, (to - view.from) * scale);
      if (right > left) pen.fillRect(left, 0, right - left, group.height);
    }
  };
  const drawGroup = (group) => {
    const { pen, width } = prepared(group.canvas, group.height);
    pen.textBaseline = "middle";
    pen.fillStyle = colour("soft");
    for (const lane of group.lanes) if (lane.kind !== "seen") pen.fillRect(0, lane.y, width, lane.height);
    drawOutside(pen, width, group);
    pen.fillStyle = colour("line");
    for (const time of ticks(width).times) {
      pen.fillRect(((time - view.from) / (view.to - view.from)) * width, 0, 1, group.height);
    }
    for (const lane of group.lanes) drawMissing(pen, width, lane);
    for (const lane of group.lanes) drawRuns(pen, width, group, lane);
  };
  const place = (line, time) => {
    const plot = axis.parentElement;
    line.hidden = time === null || time < view.from || time > view.to;
    if (!line.hidden) {
      line.style.left = plot.offsetLeft + ((time - view.from) / (view.to - view.from)) * plot.clientWidth + "px";
    }
  };
  let waiting = 0;
  const draw = () => {
    if (waiting) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      drawAxis();
      groups.forEach(drawGroup);
      place(playhead, playable && video.readyState > 0 ? video.currentTime : null);
    });
  };
  const show = (from, to) => {
    const span = Math.min(END, Math.max(0.25, to - from));
    view.from = Math.min(Math.max(0, from), END - span);
    view.to = view.from + span;
    place(cursor, null);
    draw();
  };
  const zoom = (factor, at = (view.from + view.to) / 2) =>
    show(at - (at - view.from) * factor, at + (view.to - at) * factor);
  const timeAt = (event) => {
    const box = axis.parentElement.getBoundingClientRect();
    return view.from + ((event.clientX - box.left) / box.width) * (view.to - view.from);
  };

  const words = (group, lane, k) => {
    const { runs } = lane, length = runs.end[k] - runs.start[k];
    const what = lane.kind === "target" ? `${lane.title} ${data.codes[runs.code[k]].label}` : lane.title;
    return `${group.label}: ${what}, ${clock(runs.start[k])} to ${clock(runs.end[k])}, ${length.toFixed(length < 10 ? 2 : 1)} s`;
  };
  const pointAt = (event) => {
    const time = timeAt(event);
    if (time < 0 || time > END || !event.target.closest(".plot")) { place(cursor, null); tip.hidden = true; return; }
    place(cursor, time);
    const group = groups.find((g) => g.canvas === event.target);
    const y = group ? event.clientY - group.canvas.getBoundingClientRect().top : 0;
    const lane = group && group.lanes.find((l) => y >= l.y && y < l.y + l.height + GAP);
    const k = lane ? firstEndingAfter(lane.runs, time) : -1;
    const inside = lane && k < lane.runs.count && lane.runs.start[k] <= time;
    const gap = lane ? firstEndingAfter(lane.missing, time) : -1;
    const lost = lane && gap < lane.missing.count && lane.missing.start[gap] <= time;
    tip.replaceChildren();
    const bold = document.createElement("b");
    bold.textContent = clock(time);
    const outside = group && group.outside.some(([from, to]) => from <= time && time < to);
    tip.append(bold, outside ? "not analysed" : inside ? words(group, lane, k) : lost ? `${group.label}: ${lane.title} could not be measured` : "");
    tip.hidden = false;
    const width = tip.offsetWidth;
    tip.style.left = Math.min(event.clientX + 14, innerWidth - width - 8) + "px";
    tip.style.top = Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8) + "px";
  };
  let drag = null;
  tracks.addEventListener("pointerdown", (event) => {
    if (event.button || !event.target.closest(".plot")) return;
    drag = { x: event.clientX, from: view.from, to: view.to, moved: false };
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const shift = event.clientX - drag.x;
    if (Math.abs(shift) > 4) drag.moved = true;
    if (drag.moved) {
      const seconds = (shift / axis.parentElement.clientWidth) * (drag.to - drag.from);
      show(drag.from - seconds, drag.to - seconds);
    }
  });
  addEventListener("pointerup", (event) => {
    if (drag && !drag.moved && event.target.closest && event.target.closest(".plot")) seek(timeAt(event));
    drag = null;
  });
  tracks.addEventListener("mousemove", pointAt);
  tracks.addEventListener("mouseleave", () => { place(cursor, null); tip.hidden = true; });
  tracks.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(Math.sign(event.deltaY) * 0.25), timeAt(event));
  }, { passive: false });
  tracks.addEventListener("keydown", (event) => {
    const step = (view.to - view.from) * 0.2;
    const keys = {
      "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), "0": () => show(0, END),
      ArrowLeft: () => show(view.from - step, view.to - step),
      ArrowRight: () => show(view.from + step, view.to + step),
    };
    if (keys[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); keys[event.key](); }
  });
  const tools = document.querySelector(".tools");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const way = event.target.dataset.zoom;
    if (way) ({ in: () => zoom(0.5), out: () => zoom(2), all: () => show(0, END) })[way]();
  });
  if (video) for (const name of ["timeupdate", "seeked", "loadedmetadata"]) {
    video.addEventListener(name, () => place(playhead, playable ? video.currentTime : null));
  }
  const redraw = () => { css = style(); draw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => { show(0, END); css = style(); drawAxis(); groups.forEach(drawGroup); });
  addEventListener("afterprint", redraw);
  new ResizeObserver(draw).observe(tracks);
  draw();
})();
