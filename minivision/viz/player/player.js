// The player of runs: one run, or two that are brought to the same place.

const STAGE = 560; // pixels: so high may pictures below one another be, before their cells are small

class Player extends Steps {
  constructor(host, data, options) {
    super(host, data, options);
    this.views = data.runs.map((run) => new View(run, data.runs.length === 1));
    this.length = this.views[0].steps.length;
    this.partners = this.views.length > 1 ? partners(this.views[0], this.views[1]) : null;
    this.body = element("div", { class: `mv-runs${this.views.length > 1 ? " mv-two" : ""}` },
      ...this.views.map((view) => view.root));
    this.build(options);
    this.listen(options);
    this.resize();
    new ResizeObserver(() => this.resize()).observe(this.body);
    if (this.length) this.show(Math.min(data.start ?? 0, this.length - 1));
    if (data.select) this.select(0, ...data.select);
  }

  // ---- steps

  /** Show a step. */
  show(k) {
    const start = performance.now();
    const sentence = this.views[0].show(k);
    if (this.partners) this.views[1].show(this.partners[k]);
    const compared = this.views.some((view) => view.compares) ? [["compared", "read without effect"]] : [];
    this.#legendOf(["read", "read"], ...compared, ["written", "written"], ["done", "written before"]);
    this.tell(k, sentence);
    this.drawn = performance.now() - start; // milliseconds
  }

  #legendOf(...entries) {
    const isCompared = this.data.runs.some((run) => run.panels.some((panel) => panel.expected));
    const differs = isCompared ? [["differs", "not right"]] : [];
    this.legendOf(...entries, ...differs);
  }

  // ---- cells

  select(v, p, cell) {
    this.pause();
    const view = this.views[v];
    if (view.selected && view.selected[0] === p && view.selected[1] === cell) return this.show(this.at);
    const text = view.select(p, cell);
    const found = view.run.panels[p].result ? ["source", "came from"] : ["reached", "reached"];
    this.#legendOf(["chosen", "chosen"], found, ["compared", "read without effect"]);
    this.say(text);
  }

  // ---- looks

  enlarged() {
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

  listen(options) {
    super.listen(options);
    this.views.forEach((view, v) => {
      view.root.addEventListener("click", (event) => this.#click(event, view, v));
      for (const kind of ["pointerover", "focusin"])
        view.root.addEventListener(kind, (event) => this.#over(event, view));
      view.root.addEventListener("pointerout", (event) => event.target.dataset?.input
        && view.point(Number(event.target.dataset.input), false));
    });
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

  keyThere({ key, target }) {
    const cell = target.closest?.("[data-cell]");
    return cell && this.#cellKey(key, cell);
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
  if (data.format === "minivision story 1") return new Story(host, data, options);
  if (data.format !== "minivision player 1") throw new Error(`unknown format of a player: ${data.format}`);
  return new Player(host, data, options);
}
