// The player: buttons, keys, a slider and touch, over one run or two that are brought to the same place.

const PACES = [0.5, 1, 2, 4, 8, 30];
const SWIPE = 40; // pixels
const STAGE = 560; // pixels: so high may pictures below one another be, before their cells are small
const BASE = 900; // milliseconds of a step at pace 1

const ICONS = {
  first: "M2 2h2v12H2zM14 2v12L5 8z", back: "M12 2v12L3 8z", play: "M3 1l12 7-12 7z", pause: "M3 2h4v12H3zM9 2h4v12H9z",
  forwards: "M4 2v12l9-6z", last: "M2 2v12l9-6zM12 2h2v12h-2z",
  letters: "M1 14L6.4 1h3.2L15 14h-2.4l-1.3-3.3H4.7L3.4 14zM5.5 8.8h5L8 2.8z",
  half: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM8 2.6a5.4 5.4 0 0 0 0 10.8z",
};

const icon = (name) => element("svg:svg", { viewBox: "0 0 16 16", class: "mv-icon", "aria-hidden": "true" },
  element("svg:path", { d: ICONS[name], "fill-rule": "evenodd" }));

class Player {
  static onPage = []; // the players that share the keys of this page
  static active = null; // the one used last

  constructor(host, data, options) {
    this.host = host;
    this.data = data;
    this.views = data.runs.map((run) => new View(run, data.runs.length === 1));
    this.length = this.views[0].steps.length;
    this.partners = this.views.length > 1 ? partners(this.views[0], this.views[1]) : null;
    this.pace = options.pace ?? 1;
    this.timer = null;
    this.#build(options);
    this.#listen(options);
    this.resize();
    new ResizeObserver(() => this.resize()).observe(this.body);
    if (this.length) this.show(Math.min(data.start ?? 0, this.length - 1));
    if (data.select) this.select(0, ...data.select);
  }

  #build(options) {
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
    this.body = element("div", { class: `mv-runs${this.views.length > 1 ? " mv-two" : ""}` },
      ...this.views.map((view) => view.root));
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

  /** Show a step; `silent` while it plays, so that a screen reader is not interrupted again and again. */
  show(k) {
    const start = performance.now();
    this.at = k;
    const sentence = this.views[0].show(k);
    if (this.partners) this.views[1].show(this.partners[k]);
    this.slider.value = k;
    this.slider.setAttribute("aria-valuetext", `step ${k + 1} of ${this.length}`);
    this.counter.textContent = `${k + 1} / ${this.length}`;
    const compared = this.views.some((view) => view.compares) ? [["compared", "read without effect"]] : [];
    this.#legendOf(["read", "read"], ...compared, ["written", "written"], ["done", "written before"]);
    this.#say(sentence);
    this.drawn = performance.now() - start; // milliseconds
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
    this.#say(this.sentence);
  }

  #say(sentence) {
    this.sentence = sentence;
    if (this.timer === null) this.status.textContent = sentence;
  }

  #legendOf(...entries) {
    const isCompared = this.data.runs.some((run) => run.panels.some((panel) => panel.expected));
    const differs = isCompared ? [["differs", "not right"]] : [];
    const text = JSON.stringify(entries);
    if (text === this.legendText) return;
    this.legendText = text;
    const key = (mark) => element("i", { class: `mv-key mv-key-${mark}`, "aria-hidden": "true" });
    this.legend.replaceChildren(...[...entries, ...differs].map(([mark, text]) => element("span", {}, key(mark), text)));
  }

  // ---- cells

  select(v, p, cell) {
    this.pause();
    const view = this.views[v];
    if (view.selected && view.selected[0] === p && view.selected[1] === cell) return this.show(this.at);
    const text = view.select(p, cell);
    const found = view.run.panels[p].result ? ["source", "came from"] : ["reached", "reached"];
    this.#legendOf(["chosen", "chosen"], found, ["compared", "read without effect"]);
    this.#say(text);
  }

  // ---- looks

  darken() {
    const dark = getComputedStyle(this.root).getPropertyValue("--mode").trim() === "dark";
    this.root.dataset.theme = dark ? "light" : "dark";
    if (this.host.dataset.page !== undefined) document.documentElement.dataset.theme = this.root.dataset.theme;
  }

  enlarge() {
    this.root.classList.toggle("mv-large");
    this.resize();
  }

  /** Choose the size of a cell so that the pictures fit beside one another, or below one another where they cannot. */
  resize() {
    const large = this.root.classList.contains("mv-large");
    for (const view of this.views) {
      const room = view.stage.clientWidth - 4;
      if (room <= 0) continue;
      const pictures = [...view.pictures, ...view.expected.filter(Boolean)];
      const together = pictures.reduce((sum, picture) => sum + picture.width, 0);
      const widest = Math.max(...pictures.map((picture) => picture.width), 1);
      const [least, most] = large ? [36, 64] : [30, 42];
      const beside = (room - 32 * pictures.length - 40) / together;
      const below = Math.min(room / (widest + 0.2), STAGE / pictures.reduce((sum, picture) => sum + picture.height, 0));
      const pixels = Math.min(Math.max(beside, below, least), most, room / (widest + 0.2));
      view.resize(Math.max(pixels, 4));
    }
  }

  // ---- events

  #listen(options) {
    this.slider.addEventListener("input", () => this.jump(Number(this.slider.value)));
    this.paces.addEventListener("change", () => (this.pace = Number(this.paces.value)));
    this.views.forEach((view, v) => {
      view.root.addEventListener("click", (event) => this.#click(event, view, v));
      for (const kind of ["pointerover", "focusin"])
        view.root.addEventListener(kind, (event) => this.#over(event, view));
      view.root.addEventListener("pointerout", (event) => event.target.dataset?.input
        && view.point(Number(event.target.dataset.input), false));
    });
    this.root.addEventListener("keydown", (event) => this.#key(event));
    for (const kind of ["pointerdown", "focusin"]) this.root.addEventListener(kind, () => (Player.active = this));
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
    if (!Player.onPage.length)
      document.addEventListener("keydown", (event) => {
        if (event.target === document.body || event.target === document.documentElement) (Player.active ?? Player.onPage[0]).#key(event);
      });
    Player.onPage.push(this);
  }

  #click(event, view, v) {
    const go = event.target.closest("[data-go]"), cell = event.target.closest("[data-cell]"),
      input = event.target.closest("[data-input]");
    if (go) this.jump(Number(go.dataset.go));
    else if (cell && Number(cell.dataset.panel) >= 0) this.select(v, Number(cell.dataset.panel),
      Number(cell.dataset.cell));
    else if (input) {
      const p = view.run.panels.findIndex((panel) => !panel.result
        && panel.start.includes(Number(input.dataset.input)));
      if (p >= 0) this.select(v, p, view.run.panels[p].start.indexOf(Number(input.dataset.input)));
    }
  }

  #over(event, view) {
    const input = event.target.dataset?.input;
    if (input !== undefined) view.point(Number(input), true);
    const cell = event.target.closest?.("[data-cell]");
    if (!cell || Number(cell.dataset.panel) < 0) return;
    const [p, k] = [Number(cell.dataset.panel), Number(cell.dataset.cell)];
    const ref = view.content(p, k), value = view.numbers.value(ref);
    view.readout.textContent = `${titleOf(view.run.panels[p], k)} = ${value === null ? view.cellText(ref) || "nothing yet" : exactly(value)}`;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const cell = event.target.closest?.("[data-cell]");
    const does = cell && this.#cellKey(event.key, cell) || this.#stepKey(event);
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

  /** In a picture the arrows go from cell to cell; Enter and space ask the cell. */
  #cellKey(key, cell) {
    const v = this.views.findIndex((view) => view.root.contains(cell));
    const [p, k] = [Number(cell.dataset.panel), Number(cell.dataset.cell)];
    const picture = p < 0 ? null : this.views[v].pictures[p];
    if (!picture) return null;
    const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key] ?? [0, 0];
    if (key === "Enter" || key === " ") return () => this.select(v, p, k);
    if (!dx && !dy) return null;
    const next = k + dx + dy * picture.columns;
    return () => {
      if (next < 0 || next >= picture.cells.length) return;
      cell.setAttribute("tabindex", "-1");
      picture.cells[next].setAttribute("tabindex", "0");
      picture.cells[next].focus();
    };
  }
}

/** Return for each step of a run the step of the other one that writes the same cells. */
function partners(one, other) {
  const name = (view, [p, cell]) => titleOf(view.run.panels[p], cell);
  const writers = new Map();
  other.steps.forEach((step, k) => step.writes.forEach((write) => {
    const key = name(other, write);
    writers.set(key, [...(writers.get(key) ?? []), k]);
  }));
  const seen = new Map();
  let last = 0;
  return one.steps.map((step) => {
    const key = name(one, step.writes[0]);
    const turn = seen.get(key) ?? 0;
    seen.set(key, turn + 1);
    const own = writers.get(key);
    if (own) last = own[Math.min(turn, own.length - 1)];
    return last;
  });
}

/** Show a player in an element of the page. */
function show(host, data, options = {}) {
  if (data.format !== "minivision player 1") throw new Error(`unknown format of a player: ${data.format}`);
  return new Player(host, data, options);
}
