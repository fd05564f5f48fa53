// One run: its pictures, its source with the current line, its variables, and the sum that is being written.

const WIDTH_OF_LETTER = 0.23, WIDEST = 4; // of a formula in a cell, in heights of a cell
const FEW = 4; // cells that a step writes, for which it is looked up what flows into them

class View {
  constructor(run, isAlone = true) {
    this.run = run;
    this.numbers = new Numbers(run);
    this.history = run.panels.map((panel) => panel.start.map((ref) => [[-1, ref]]));
    this.steps = this.#readSteps();
    this.pictures = run.panels.map((panel, k) => new Picture(panel, k, this.#widthOfCells(k)));
    this.at = -1;
    this.marked = [];
    this.selected = null;
    this.expected = run.panels.map((panel) => (panel.expected && isAlone ? this.#expectedPicture(panel) : null));
    this.#build();
    run.panels.forEach((panel, p) => panel.start.forEach((_, cell) => this.#write(p, cell)));
  }

  // ---- the run

  #readSteps() {
    let variables = {};
    return this.run.steps.map((step, k) => {
      variables = { ...variables, ...step.set };
      const reads = [], writes = [];
      for (const [p, runs] of Object.entries(step.reads))
        for (let i = 0; i < runs.length; i += 2)
          for (let j = 0; j < runs[i + 1]; j++) reads.push([Number(p), runs[i] + j]);
      for (const [p, pairs] of Object.entries(step.writes))
        for (let i = 0; i < pairs.length; i += 2) {
          writes.push([Number(p), pairs[i], pairs[i + 1]]);
          this.history[p][pairs[i]].push([k, pairs[i + 1]]);
        }
      return { lines: step.lines, changed: step.set, variables, reads, writes, sample: step.sample,
        region: step.region };
    });
  }

  /** Return what a cell holds after a step. */
  content(p, cell, step = this.at) {
    const history = this.history[p][cell];
    let k = history.length - 1;
    while (history[k][0] > step) k--;
    return history[k][1];
  }

  /** Return what a cell holds at the end. */
  final(p, cell) {
    return this.history[p][cell].at(-1)[1];
  }

  /** Return the steps that write a cell. */
  writers(p, cell) {
    return this.history[p][cell].slice(1).map(([k]) => k);
  }

  cellText(ref) {
    if (ref === null) return "";
    const value = this.numbers.value(ref);
    return value === null ? this.numbers.text(ref) : formatValue(value, 2);
  }

  /** Return the width of a panel's cells: more than one where symbols are added up. */
  #widthOfCells(p) {
    const longest = Math.max(0, ...this.history[p].flat().map(([, ref]) => this.cellText(ref).length));
    return longest > 5 ? Math.min(longest * WIDTH_OF_LETTER, WIDEST) : 1;
  }

  differs(p, cell) {
    const right = this.expectedValue(p, cell);
    return right !== undefined && !alike(this.numbers.value(this.content(p, cell)), right);
  }

  expectedValue(p, cell) {
    const panel = this.run.panels[p];
    if (!panel.expected || String(panel.expected_shape) !== String(panel.size)) return undefined;
    if (!this.pictures[p].isInside(cell)) return undefined;
    const index = indexOf(cell, panel.shape).map((i, axis) => i - panel.from[axis]);
    return Number(panel.expected[index.reduce((flat, i, axis) => flat * panel.size[axis] + i, 0)]);
  }

  // ---- building

  #build() {
    const arguments_ = element("div", { class: "mv-side" }), results = element("div", { class: "mv-side" });
    this.pictures.forEach((picture, k) => {
      const side = picture.panel.result ? results : arguments_;
      side.append(picture.figure);
      if (this.expected[k]) side.append(this.expected[k].figure);
    });
    const arrow = element("div", { class: "mv-arrow", "aria-hidden": "true" }, "→");
    this.stage = element("div", { class: "mv-stage" }, ...(arguments_.children.length ? [arguments_, arrow] : []),
      results);
    this.readout = element("p", { class: "mv-readout", "aria-hidden": "true" });
    this.lines = new Map();
    this.code = element("div", { class: "mv-code", role: "list", "aria-label": "Source", tabindex: "0" });
    for (const [number, text] of this.run.source) {
      const label = element("span", { class: "mv-number", "aria-hidden": "true" }, String(number));
      const line = element("div", { class: "mv-line", role: "listitem" }, label, colored(text));
      this.lines.set(number, line);
      this.code.append(line);
    }
    this.variables = element("div", { class: "mv-variables", role: "group", "aria-label": "Variables" });
    this.formula = element("div", { class: "mv-formula", role: "group", "aria-label": "Formula" });
    const label = this.run.label ? [element("h3", {}, this.run.label)] : [];
    const code = this.run.source.length ? [this.code] : [];
    this.root = element("div", { class: "mv-run" }, ...label, element("div", { class: "mv-body" },
      element("div", { class: "mv-left" }, this.stage, this.readout),
      element("div", { class: "mv-source" }, ...code, this.formula, this.variables)));
  }

  #expectedPicture(panel) {
    const shown = { ...panel, name: `${panel.name}, right`, shape: panel.expected_shape, size: panel.expected_shape,
      from: panel.expected_shape.map(() => 0) };
    const picture = new Picture(shown, -1);
    panel.expected.forEach((value, cell) => {
      picture.write(cell, formatValue(Number(value), 2));
      picture.name(cell, formatValue(Number(value)));
    });
    picture.figure.classList.add("mv-expected");
    return picture;
  }

  // ---- showing a step

  #write(p, cell) {
    const text = this.cellText(this.content(p, cell));
    this.pictures[p].write(cell, text);
    this.pictures[p].mark(cell, "done", this.history[p][cell].length > 1 && this.history[p][cell][1][0] <= this.at);
    const isWritten = this.writers(p, cell).some((k) => k <= this.at);
    if (this.run.panels[p].result) this.pictures[p].mark(cell, "differs", isWritten && this.differs(p, cell));
    this.pictures[p].name(cell, text);
  }

  /** Take all marks of the last step or selection away. */
  #clear() {
    for (const [p, cell, mark] of this.marked) this.pictures[p].mark(cell, mark, false);
    const named = this.marked;
    this.marked = [];
    for (const [p, cell] of named) this.pictures[p].name(cell, this.pictures[p].texts[cell]);
  }

  #mark(p, cell, mark) {
    this.pictures[p].mark(cell, mark);
    this.marked.push([p, cell, mark]);
  }

  #finishMarks() {
    for (const [p, cell] of this.marked) this.pictures[p].name(cell, this.pictures[p].texts[cell]);
  }

  /** Show a step; return what it does, in a sentence. */
  show(k) {
    this.#clear();
    this.selected = null;
    const [from, to] = this.at < k ? [this.at + 1, k] : [k + 1, this.at];
    const changed = new Set();
    for (let i = Math.max(from, 0); i <= to; i++)
      for (const [p, cell] of this.steps[i].writes) changed.add(p * 1e6 + cell);
    this.at = k;
    for (const key of changed) this.#write(Math.floor(key / 1e6), key % 1e6);
    const step = this.steps[k];
    for (const [p, cell] of step.reads) this.#mark(p, cell, "read");
    this.#markComparedOnly(step);
    for (const [p, cell] of step.writes) this.#mark(p, cell, "written");
    this.#finishMarks();
    this.#showOverlays(step);
    this.#showLine(step.lines);
    this.#showVariables(step);
    this.formula.replaceChildren(...this.#formulasOf(step));
    return this.#sentence(step, k);
  }

  /** Mark what a step read without effect: it was compared, as all but the maximum, or multiplied by padding. */
  #markComparedOnly(step) {
    if (step.writes.length > FEW) return;
    for (const [p, cell] of this.#withoutEffect(step)) {
      this.#mark(p, cell, "compared");
      this.compares = true;
    }
  }

  /** Return the cells that a step read and that are in nothing of what it wrote. */
  #withoutEffect(step) {
    const inputs = new Set(step.writes.flatMap(([, , ref]) => [...this.numbers.inputsOf(ref)]));
    if (!inputs.size) return [];
    return step.reads.filter(([p, cell]) => {
      const ref = this.run.panels[p].start[cell];
      return ref !== null && ref >= 0 && !inputs.has(ref);
    });
  }

  #showOverlays(step) {
    const regions = this.run.regions;
    if (!regions) return;
    this.pictures[regions.panel].overlay(step && step.region !== undefined ? regions.boxes[step.region] : null,
      step?.sample);
  }

  #showLine(numbers) {
    const text = String(numbers);
    if (text === this.linesShown) return; // where a line is costs a layout of the page
    this.linesShown = text;
    for (const line of this.code.querySelectorAll(".mv-now")) {
      line.classList.remove("mv-now");
      line.removeAttribute("aria-current");
    }
    for (const number of numbers) {
      const line = this.lines.get(number);
      if (!line) continue;
      line.classList.add("mv-now");
      line.setAttribute("aria-current", "step");
    }
    this.#scrollToLine();
  }

  #scrollToLine() {
    const line = this.code.querySelector(".mv-now");
    if (!line) return;
    const top = line.offsetTop, { scrollTop, clientHeight } = this.code;
    if (top < scrollTop || top + line.offsetHeight > scrollTop + clientHeight) this.code.scrollTop = top - clientHeight / 2;
  }

  #showVariables(step) {
    const loops = new Set(this.run.loops);
    const names = Object.keys(step.variables).sort((a, b) => loops.has(b) - loops.has(a));
    if (String(names) !== this.namesShown) {
      this.namesShown = String(names);
      this.variables.replaceChildren(...names.map((name) =>
        element("span", { class: `mv-variable${loops.has(name) ? " mv-loop" : ""}` }, element("i", {}, name), " = ",
          element("b", {}, ""))));
    }
    names.forEach((name, k) => {
      const value = step.variables[name], node = this.variables.children[k];
      const text = typeof value === "string" ? value : formatValue(Number(value));
      if (node.lastChild.textContent !== text) node.lastChild.textContent = text;
      node.classList.toggle("mv-changed", name in step.changed && this.at > 0);
    });
  }

  #formulasOf(step) {
    const richest = new Map(); // of the cells that a step writes to a panel, the one with the longest sum
    const counts = new Map();
    for (const [p, cell, ref] of step.writes) {
      const size = (this.pictures[p].isInside(cell) ? 1e6 : 0) + this.numbers.sum(ref).terms.length;
      counts.set(p, (counts.get(p) ?? 0) + 1);
      if (!richest.has(p) || size > richest.get(p).size) richest.set(p, { cell, ref, size });
    }
    const shown = richest.size > 1 ? TERMS / 2 : TERMS;
    return [...richest].map(([p, { cell, ref }]) =>
      formulaOf(this, p, cell, ref, this.content(p, cell, this.at - 1), counts.get(p) - 1, shown));
  }

  #sentence(step, k) {
    const written = groups(this.run.panels, step.writes.map(([p, cell]) => [p, cell]));
    const read = groups(this.run.panels, step.reads);
    const first = step.writes[0];
    const value = step.writes.length === 1 ? ` = ${this.cellText(first[2])}` : "";
    const source = this.run.source.find(([number]) => number === step.lines[0]);
    return `Step ${k + 1} of ${this.steps.length}. Writes ${written}${value}. ${read ? `Reads ${read}. ` : ""}${source ? `Line ${step.lines[0]}: ${source[1].trim()}` : ""}`;
  }

  // ---- asking a cell

  /** Select a cell; return what is to be said about it. */
  select(p, cell) {
    this.#clear();
    this.selected = [p, cell];
    const text = this.run.panels[p].result ? this.#selectResult(p, cell) : this.#selectArgument(p, cell);
    this.#mark(p, cell, "chosen");
    this.#finishMarks();
    return text;
  }

  #selectResult(p, cell) {
    const writers = this.writers(p, cell);
    const now = writers.some((k) => k <= this.at) ? this.content(p, cell) : this.final(p, cell);
    const name = titleOf(this.run.panels[p], cell);
    const inputs = now === null ? new Set() : this.numbers.inputsOf(now);
    let sources = 0;
    this.run.panels.forEach((panel, q) => panel.result || panel.start.forEach((ref, other) => {
      if (inputs.has(ref)) {
        this.#mark(q, other, "source");
        sources += 1;
      }
    }));
    for (const k of writers)
      for (const [q, other] of this.#withoutEffect(this.steps[k])) this.#mark(q, other, "compared");
    const last = writers.findLast((k) => k <= this.at) ?? writers[0];
    this.#showOverlays(last === undefined ? null : this.steps[last]);
    this.#showLine([...new Set(writers.flatMap((k) => this.steps[k].lines))]);
    const later = writers.filter((k) => k > this.at).length;
    const right = this.expectedValue(p, cell);
    const notes = [`${name} came from ${sources} number${sources === 1 ? "" : "s"}.`];
    if (writers.length) notes.push(`Written in step${writers.length > 1 ? "s" : ""} ${listed(writers.map((k) => k + 1))}.`);
    if (later && writers.length > later) notes.push("So far: more is added later.");
    if (right !== undefined && this.differs(p, cell)) notes.push(`Right would be ${exactly(right)}.`);
    const formula = now === null ? [] : [formulaOf(this, p, cell, now)];
    this.formula.replaceChildren(this.#note(notes.join(" "), writers), ...formula);
    return `${notes.join(" ")} ${now === null ? "" : `${name} = ${this.numbers.text(now).slice(0, 300)}`}`;
  }

  #selectArgument(p, cell) {
    const panel = this.run.panels[p], name = titleOf(panel, cell), input = panel.start[cell];
    const isInput = input !== null && input >= 0;
    const reached = isInput ? this.numbers.reachedBy(input) : null;
    const found = [];
    this.run.panels.forEach((other, q) => {
      if (other.result) other.start.forEach((_, c) => {
        const ref = this.final(q, c);
        if (reached && ref !== null && ref >= 0 && reached[ref]) found.push([q, c, ref]);
      });
    });
    for (const [q, c] of found) this.#mark(q, c, "reached");
    const readers = [];
    this.steps.forEach((step, k) => {
      if (!step.reads.some(([q, c]) => q === p && c === cell)) return;
      readers.push(k);
      if (reached && step.writes.some(([, , ref]) => ref !== null && ref >= 0 && reached[ref])) return;
      for (const [q, c] of step.writes)
        if (!this.pictures[q].has(c, "reached") && !this.pictures[q].has(c, "compared")) this.#mark(q, c, "compared");
    });
    const compared = this.marked.filter(([, , mark]) => mark === "compared").length;
    this.#showOverlays(null);
    this.#showLine([...new Set(readers.flatMap((k) => this.steps[k].lines))]);
    const notes = [`${name} reached ${found.length} number${found.length === 1 ? "" : "s"}${compared ? `, and was read without effect for ${compared}` : ""}.`];
    if (readers.length) notes.push(`Read in step${readers.length > 1 ? "s" : ""} ${listed(readers.map((k) => k + 1))}.`);
    const box = element("div", { class: "mv-paths" });
    const draw = (all) => {
      const shown = all ? found : found.slice(0, TERMS);
      box.replaceChildren(...shown.map(([q, c, ref]) => this.#path(q, c, ref, reached)));
      if (shown.length < found.length) {
        const more = element("button", { type: "button", class: "mv-more" }, `… ${found.length - shown.length} more`);
        more.addEventListener("click", () => draw(true));
        box.append(more);
      }
    };
    draw(false);
    this.formula.replaceChildren(this.#note(notes.join(" "), readers), box);
    return notes.join(" ");
  }

  /** Return the terms by which an input reaches a cell. */
  #path(q, cell, ref, reached) {
    const { terms } = this.numbers.sum(ref);
    const own = terms.filter((term) => term.ref >= 0 && reached[term.ref]);
    const parts = own.slice(0, 3).flatMap((term, k) => termParts(this.numbers, term, k, false));
    const rest = terms.length > own.length || own.length > 3 ? [element("span", { class: "mv-operator" }, "+ …")] : [];
    const equals = element("span", { class: "mv-operator" }, "=");
    return element("div", { class: "mv-sum" }, cellName(this.run.panels[q], cell), equals, ...parts, ...rest);
  }

  #note(text, steps) {
    const note = element("p", { class: "mv-note" }, text);
    const there = steps.find((k) => k >= this.at) ?? steps[0];
    if (there !== undefined && there !== this.at) {
      const go = element("button", { type: "button", class: "mv-more", "data-go": there }, `go to step ${there + 1}`);
      note.append(" ", go);
    }
    return note;
  }

  /** Light up the cells of an input that is named in the formula. */
  point(input, on) {
    this.run.panels.forEach((panel, p) => panel.start.forEach((ref, cell) => {
      if (ref === input) this.pictures[p].mark(cell, "hot", on);
    }));
  }

  resize(pixels) {
    this.#scrollToLine();
    this.pictures.forEach((picture, p) => {
      const shades = this.run.panels[p].start.map((_, cell) => this.numbers.value(this.final(p, cell)));
      picture.resize(pixels, shades);
      this.expected[p]?.resize(pixels, this.run.panels[p].expected.map(Number));
    });
  }
}

/** Return whether two values are the same, up to rounding. */
function alike(a, b) {
  if (a === null) return false;
  return Object.is(a, b) || Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b)) || (Number.isNaN(a) && Number.isNaN(b));
}
