// What all players share: buttons, keys, a slider and touch, to go from step to step.

const PACES = [0.5, 1, 2, 4, 8, 30];
const SWIPE = 40; // pixels
const BASE = 900; // milliseconds of a step at pace 1

const ICONS = {
  first: "M2 2h2v12H2zM14 2v12L5 8z", back: "M12 2v12L3 8z", play: "M3 1l12 7-12 7z", pause: "M3 2h4v12H3zM9 2h4v12H9z",
  forwards: "M4 2v12l9-6z", last: "M2 2v12l9-6zM12 2h2v12h-2z",
  letters: "M1 14L6.4 1h3.2L15 14h-2.4l-1.3-3.3H4.7L3.4 14zM5.5 8.8h5L8 2.8z",
  half: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM8 2.6a5.4 5.4 0 0 0 0 10.8z",
};

const icon = (name) => element("svg:svg", { viewBox: "0 0 16 16", class: "mv-icon", "aria-hidden": "true" },
  element("svg:path", { d: ICONS[name], "fill-rule": "evenodd" }));

class Steps {
  static onPage = []; // the players that share the keys of this page
  static active = null; // the one used last

  /** `data` has a title, and may have a note and a start; a subclass has `body`, `length` and `show(k)`. */
  constructor(host, data, options) {
    this.host = host;
    this.data = data;
    this.pace = options.pace ?? 1;
    this.timer = null;
  }

  /** Build the player around `this.body`, with `this.length` steps. */
  build(options) {
    const button = (label, sign, does) => {
      const made = element("button", { type: "button", "aria-label": label, title: label }, icon(sign));
      made.addEventListener("click", does);
      return made;
    };
    this.playButton = button("Play (space)", "play", () => this.toggle());
    const last = Math.max(this.length - 1, 0);
    this.slider = element("input", { type: "range", min: 0, max: last, value: 0, "aria-label": "Step" });
    this.counter = element("span", { class: "mv-counter" });
    this.paces = element("select", { "aria-label": "Pace" },
      ...PACES.map((pace) => element("option", { value: pace, selected: pace === this.pace }, `${pace}×`)));
    this.controls = element("div", { class: "mv-controls", role: "toolbar", "aria-label": "Steps" },
      button("First step (Home)", "first", () => this.jump(0)),
      button("Step back (←)", "back", () => this.jump(this.at - 1)),
      this.playButton,
      button("Step forwards (→)", "forwards", () => this.jump(this.at + 1)),
      button("Last step (End)", "last", () => this.jump(this.length - 1)),
      this.slider, this.counter, this.paces);
    this.legend = element("div", { class: "mv-legend", "aria-label": "Legend" });
    this.status = element("p", { class: "mv-status", role: "status", "aria-live": "polite" });
    const head = element("div", { class: "mv-head" }, element("h2", {}, this.data.title), this.legend,
      element("div", { class: "mv-tools" }, button("Larger or smaller", "letters", () => this.enlarge()),
        button("Light or dark", "half", () => this.darken())));
    const note = this.data.note ? [element("p", { class: "mv-remark" }, this.data.note)] : [];
    this.root = element("section", { class: "mv-player", tabindex: "0",
      "aria-label": `${this.data.title}, step by step` },
      head, ...note, this.controls, this.body, this.status);
    if (options.large) this.root.classList.add("mv-large");
    if (options.dark !== undefined && options.dark !== null) this.root.dataset.theme = options.dark ? "dark" : "light";
    this.host.replaceChildren(this.root);
    this.host.player = this;
  }

  // ---- steps

  /** Tell where the slider is and what happens there, in a sentence. */
  tell(k, sentence) {
    this.at = k;
    this.slider.value = k;
    this.slider.setAttribute("aria-valuetext", `step ${k + 1} of ${this.length}`);
    this.counter.textContent = `${k + 1} / ${this.length}`;
    this.say(sentence);
  }

  jump(k) {
    this.pause();
    if (this.length) this.show(Math.min(Math.max(k, 0), this.length - 1));
  }

  toggle() {
    if (this.timer !== null) return this.pause();
    if (this.at >= this.length - 1) this.show(0);
    this.playButton.replaceChildren(icon("pause"));
    this.playButton.setAttribute("aria-label", "Pause (space)");
    this.#wait();
  }

  #wait() {
    this.timer = setTimeout(() => {
      if (this.at >= this.length - 1) return this.pause();
      this.show(this.at + 1);
      this.#wait();
    }, BASE / this.pace);
  }

  pause() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.playButton.replaceChildren(icon("play"));
    this.playButton.setAttribute("aria-label", "Play (space)");
    this.say(this.sentence);
  }

  /** A screen reader is told when it does not play: else it would be interrupted again and again. */
  say(sentence) {
    this.sentence = sentence;
    if (this.timer === null) this.status.textContent = sentence;
  }

  /** Show pairs of a mark and its meaning. */
  legendOf(...entries) {
    const text = JSON.stringify(entries);
    if (text === this.legendText) return;
    this.legendText = text;
    const key = (mark) => element("i", { class: `mv-key mv-key-${mark}`, "aria-hidden": "true" });
    this.legend.replaceChildren(...entries.map(([mark, text]) => element("span", {}, key(mark), text)));
  }

  // ---- looks

  darken() {
    const dark = getComputedStyle(this.root).getPropertyValue("--mode").trim() === "dark";
    this.root.dataset.theme = dark ? "light" : "dark";
    if (this.host.dataset.page !== undefined) document.documentElement.dataset.theme = this.root.dataset.theme;
  }

  enlarge() {
    this.root.classList.toggle("mv-large");
    this.enlarged();
  }

  enlarged() {}

  // ---- events

  listen(options) {
    this.slider.addEventListener("input", () => this.jump(Number(this.slider.value)));
    this.paces.addEventListener("change", () => (this.pace = Number(this.paces.value)));
    this.root.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["pointerdown", "focusin"]) this.root.addEventListener(kind, () => (Steps.active = this));
    if (options.keys === "page") this.#shareKeys();
    let start = null;
    this.body.addEventListener("touchstart", (event) => (start = event.touches.length === 1 ? event.touches[0]
      : null), { passive: true });
    this.body.addEventListener("touchend", (event) => {
      const [end] = event.changedTouches;
      if (start && Math.abs(end.clientX - start.clientX) > SWIPE && Math.abs(end.clientY - start.clientY) < SWIPE)
        this.jump(this.at + (end.clientX < start.clientX ? 1 : -1));
      start = null;
    });
  }

  /** Take the keys of the page, also while nothing in a player has the focus: they go to the player used last. */
  #shareKeys() {
    if (!Steps.onPage.length)
      document.addEventListener("keydown", (event) => {
        if (event.target === document.body || event.target === document.documentElement) (Steps.active ?? Steps.onPage[0]).key(event);
      });
    Steps.onPage.push(this);
  }

  /** What a key does that is about one place in the player; a subclass knows. */
  keyThere() {}

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = this.keyThere(event) || this.#stepKey(event);
    if (!does) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }

  #stepKey({ key, target }) {
    if (target.closest?.("select, input") || (key === " " && target.closest?.("button"))) return null;
    return {
      ArrowRight: () => this.jump(this.at + 1), ArrowLeft: () => this.jump(this.at - 1), " ": () => this.toggle(),
      Home: () => this.jump(0), End: () => this.jump(this.length - 1), Escape: () => this.show(this.at),
    }[key];
  }
}
