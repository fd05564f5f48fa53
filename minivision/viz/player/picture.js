// The picture of an argument or a result: a grid of cells, with marks.

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 20; // pixels of a cell with a number in it; smaller ones are gray
const GAP = 0.5; // cells between the planes of an array

/** Marks of a cell. Each has a frame or a sign of its own, so none is known by its color alone. */
const MARKS = ["read", "written", "done", "chosen", "source", "reached", "compared", "differs", "hot"];

/** Return an element with attributes and children; texts are put in as text, never as HTML. */
function element(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

/** Return the name of a cell, as in x[1,2]: without the leading axes of length 1. */
function titleOf(panel, cell) {
  const index = indexOf(cell, panel.shape).map((i, axis) => i - panel.from[axis]);
  let first = panel.size.findIndex((size) => size > 1);
  if (first < 0) first = Math.max(panel.size.length - 1, 0);
  const inner = index.slice(first).map((i) => String(i).replace("-", "−"));
  return inner.length ? `${panel.name}[${inner.join(",")}]` : panel.name;
}

function indexOf(cell, shape) {
  const index = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(cell % shape[axis]);
    cell = Math.floor(cell / shape[axis]);
  }
  return index;
}

const count = (shape) => shape.reduce((a, b) => a * b, 1);

class Picture {
  /** A cell is one high and `wide` wide: formulas need more room than numbers. */
  constructor(panel, number, wide = 1) {
    this.panel = panel;
    this.wide = wide;
    const shape = panel.shape.length > 4 ? [count(panel.shape)] : panel.shape;
    [this.down, this.across, this.rows, this.columns] = [...Array(4 - shape.length).fill(1), ...shape];
    this.width = this.across * (this.columns * wide + GAP) - GAP;
    this.height = this.down * (this.rows + GAP) - GAP;
    this.cells = [];
    this.marks = new Uint16Array(count(panel.shape));
    this.texts = [];
    this.svg = element("svg:svg", { role: "grid", "aria-label": this.caption(), "aria-rowcount": this.rows,
      class: "mv-grid" });
    this.svg.setAttribute("viewBox", `-0.06 -0.06 ${this.width + 0.12} ${this.height + 0.12}`);
    this.over = element("svg:g", { class: "mv-over", "aria-hidden": "true" });
    this.#draw(number);
    this.figure = element("figure", { class: `mv-panel${panel.result ? " mv-result" : ""}` },
      element("figcaption", {}, element("b", {}, panel.name), ` ${panel.size.join("×")}`), this.svg);
  }

  caption() {
    return `${this.panel.name}, ${this.panel.size.join(" by ") || "one number"}`;
  }

  /** Return the corner of a cell, in cells. */
  corner(cell) {
    const column = cell % this.columns, row = Math.floor(cell / this.columns) % this.rows;
    const plane = Math.floor(cell / (this.columns * this.rows));
    const [left, top] = this.plane(plane);
    return [left + column * this.wide, top + row];
  }

  /** Return the corner of a plane of the array, in cells. */
  plane(plane) {
    return [(plane % this.across) * (this.columns * this.wide + GAP),
      Math.floor(plane / this.across) * (this.rows + GAP)];
  }

  #draw(number) {
    const all = count(this.panel.shape);
    let row = null;
    for (let cell = 0; cell < all; cell++) {
      if (cell % this.columns === 0) this.svg.append((row = element("svg:g", { role: "row" })));
      const [x, y] = this.corner(cell);
      const text = element("svg:text", { x: this.wide / 2, y: 0.5 });
      const made = element("svg:g", { role: "gridcell", tabindex: "-1", transform: `translate(${x} ${y})`,
        "data-cell": cell, "data-panel": number },
        element("svg:rect", { x: 0.04, y: 0.04, width: this.wide - 0.08, height: 0.92, rx: 0.07 }), text);
      if (!this.isInside(cell)) made.classList.add("mv-outside");
      made.text = text;
      this.cells.push(made);
      row.append(made);
    }
    this.svg.append(this.over);
    if (this.cells.length) this.cells[0].setAttribute("tabindex", "0");
  }

  /** Return whether a cell belongs to the argument or result itself: not to its padding, nor to what is cut off. */
  isInside(cell) {
    return indexOf(cell, this.panel.shape).every((i, axis) => i >= this.panel.from[axis]
      && i < this.panel.from[axis] + this.panel.size[axis]);
  }

  /** Write a text into a cell. */
  write(cell, text) {
    if (this.texts[cell] === text) return;
    this.texts[cell] = text;
    const node = this.cells[cell].text;
    node.textContent = text;
    node.setAttribute("font-size", Math.min(0.36, (1.32 * this.wide) / Math.max(text.length, 1)).toFixed(3));
  }

  /** Set or take away a mark of a cell. */
  mark(cell, mark, on = true) {
    const bit = 1 << MARKS.indexOf(mark);
    if (Boolean(this.marks[cell] & bit) === on) return;
    this.marks[cell] ^= bit;
    this.cells[cell].classList.toggle(`mv-${mark}`, on);
  }

  has(cell, mark) {
    return Boolean(this.marks[cell] & (1 << MARKS.indexOf(mark)));
  }

  /** Say what a cell is to somebody who does not see it. */
  name(cell, text) {
    const marks = MARKS.filter((mark) => this.has(cell, mark) && mark !== "hot").join(", ");
    this.cells[cell].setAttribute("aria-label", `${titleOf(this.panel, cell)}${text ? ` = ${text}` : ", empty"}${marks ? `, ${marks}` : ""}`);
  }

  /** Set the size of a cell in pixels; in small cells values are gray. */
  resize(pixels, shades) {
    this.svg.style.width = `${((this.width + 0.12) * pixels).toFixed(1)}px`;
    this.svg.classList.toggle("mv-small", pixels < LEAST);
    if (pixels >= LEAST) return;
    const known = shades.filter(Number.isFinite);
    const low = Math.min(...known), range = Math.max(...known) - low || 1;
    shades.forEach((value, cell) => {
      const share = Number.isFinite(value) ? 0.12 + (0.55 * (value - low)) / range : 0;
      this.cells[cell].style.setProperty("--shade", share.toFixed(3));
    });
  }

  /** Draw a region with its cells, and where one sample lies: the areas of its square are its shares of the pixels. */
  overlay(region, sample) {
    this.over.replaceChildren();
    const planes = (image) => Array.from({ length: this.across }, (_, c) => this.plane(image * this.across + c));
    if (region) for (const [left, top] of planes(region.image)) this.over.append(...drawRegion(region, left, top));
    if (sample)
      for (const [left, top] of planes(sample.image)) this.over.append(...drawSample(sample, left, top, this));
  }
}

function drawRegion({ box: [x1, y1, x2, y2], grid: [rows, columns] }, left, top) {
  const lines = [];
  const line = (a, b, c, d) => lines.push(element("svg:line", { x1: left + a, y1: top + b, x2: left + c, y2: top + d,
    class: "mv-bin" }));
  for (let i = 1; i < rows; i++) line(x1, y1 + ((y2 - y1) * i) / rows, x2, y1 + ((y2 - y1) * i) / rows);
  for (let j = 1; j < columns; j++) line(x1 + ((x2 - x1) * j) / columns, y1, x1 + ((x2 - x1) * j) / columns, y2);
  const box = { x: left + Math.min(x1, x2), y: top + Math.min(y1, y2), width: Math.abs(x2 - x1),
    height: Math.abs(y2 - y1) };
  return [...lines, element("svg:rect", { ...box, class: "mv-region" })];
}

function drawSample({ x, y }, left, top, { columns, rows }) {
  const drawn = [];
  const dot = element("svg:circle", { cx: left + x, cy: top + y, r: 0.11, class: "mv-dot" });
  x = Math.min(Math.max(x, 0.5), columns - 0.5); // the outermost pixels repeat
  y = Math.min(Math.max(y, 0.5), rows - 0.5);
  for (const row of [Math.floor(y - 0.5), Math.floor(y - 0.5) + 1])
    for (const column of [Math.floor(x - 0.5), Math.floor(x - 0.5) + 1]) {
      const [a, b] = [Math.max(x - 0.5, column), Math.max(y - 0.5, row)];
      const [c, d] = [Math.min(x + 0.5, column + 1), Math.min(y + 0.5, row + 1)];
      if (c > a && d > b && row >= 0 && column >= 0 && row < rows && column < columns)
        drawn.push(element("svg:rect", { x: left + a, y: top + b, width: c - a, height: d - b, class: "mv-share" }));
    }
  return [...drawn, dot];
}
