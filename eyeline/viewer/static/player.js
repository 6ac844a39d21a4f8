// The video on the clock of the analysis: seconds since its first frame. Without a file the clock runs alone.

import { $, notice } from "./dom.js";

export class Player extends EventTarget {
  #alone = 0;
  #speed = 1;
  #running = false;
  #before = 0;
  #failed = false;

  constructor(info, sources) {
    super();
    this.info = info;
    this.video = $("video");
    this.loop = null;
    this.until = null;
    this.closed = new AbortController();
    const on = (name, call) => this.video.addEventListener(name, call, { signal: this.closed.signal });
    for (const name of ["play", "pause"]) on(name, () => this.#changed());
    on("seeked", () => this.#tick());
    on("loadeddata", () => this.#tick());
    on("error", () => this.#unplayable());
    this.use(sources);
    requestAnimationFrame((now) => this.#run(now));
  }

  use(source) {
    const at = this.time;
    this.#failed = false;
    this.source = source;
    if (source) this.video.src = source;
    else this.video.removeAttribute("src");
    this.video.hidden = !source;
    this.seek(at);
  }

  get hasVideo() {
    return Boolean(this.source) && !this.#failed;
  }

  get time() {
    return this.hasVideo && this.video.readyState > 0 ? this.video.currentTime - this.info.player_start_s : this.#alone;
  }

  get playing() {
    return this.hasVideo ? !this.video.paused : this.#running;
  }

  get speed() {
    return this.#speed;
  }

  set speed(value) {
    this.#speed = value;
    this.video.playbackRate = value;
    this.video.defaultPlaybackRate = value;
  }

  seek(time) {
    this.#alone = Math.min(Math.max(0, time), this.info.duration_s);
    if (this.hasVideo) this.video.currentTime = this.#alone + this.info.player_start_s;
    this.#tick();
  }

  // To the middle of a neighbouring frame, where no rounding shows another one.
  step(frames) {
    this.pause();
    const rate = this.info.rate_hz || 25;
    const now = Math.floor(this.time * rate + 1e-3);
    const last = Math.max(0, Math.ceil(this.info.duration_s * rate) - 1);
    this.seek((Math.min(last, Math.max(0, now + frames)) + 0.5) / rate);
  }

  async play(until = null) {
    this.until = until;
    if (this.time >= this.info.duration_s - 0.02) this.seek(0);
    if (!this.hasVideo) {
      this.#running = true;
      return this.#changed();
    }
    try {
      await this.video.play();
    } catch (error) {
      if (error.name !== "AbortError") notice(`The video does not play: ${error.message}`);
    }
  }

  pause() {
    this.#running = false;
    this.video.pause();
    this.#changed();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  close() {
    this.closed.abort();
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }

  #run(now) {
    if (this.closed.signal.aborted) return;
    if (this.playing) {
      const passed = Math.min(0.25, (now - this.#before) / 1000);
      if (!this.hasVideo) this.#alone = Math.min(this.info.duration_s, this.#alone + passed * this.#speed);
      this.#turn();
      this.#tick();
    }
    this.#before = now;
    requestAnimationFrame((next) => this.#run(next));
  }

  // At the end of a loop, of what was asked to be played, or of the recording.
  #turn() {
    const time = this.time;
    if (this.loop && (time >= this.loop.to || time < this.loop.from - 0.5)) this.seek(this.loop.from);
    else if (this.until !== null && time >= this.until) {
      const end = this.until;
      this.until = null;
      this.pause();
      this.seek(end);
    } else if (!this.hasVideo && time >= this.info.duration_s) this.pause();
  }

  #tick() {
    if (this.hasVideo && this.video.readyState > 0) this.#alone = this.time;
    this.dispatchEvent(new Event("time"));
  }

  #changed() {
    this.dispatchEvent(new Event("state"));
  }

  #unplayable() {
    if (!this.source) return;
    this.#failed = true;
    this.video.hidden = true;
    const reason = this.video.error?.message ? ` (${this.video.error.message})` : "";
    notice(`This browser cannot play the file${reason}. Choose the annotated video where there is one; tables and timeline work without.`);
    this.#tick();
  }
}
