// The numbers of a run: their values, what they were computed from, and their formulas.

const CALCULATE = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "^": Math.pow,
  n: (a) => -a, e: Math.exp, m: Math.expm1, l: Math.log, k: Math.log1p, s: Math.sqrt, t: Math.tanh,
};
const FUNCTIONS = { e: "exp", m: "expm1", l: "log", k: "log1p", s: "sqrt", t: "tanh" };
const PRECEDENCE = { "+": 1, "-": 1, "*": 2, "/": 2, n: 3, "^": 4 };
const DEEPEST = 60; // brackets in brackets that are written out

/** Return a number in a few significant digits: three in a formula, two below 1 in a cell, which is narrow. */
function formatValue(value, digitsBelowOne = 3) {
  if (value === null || value === undefined) return "";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 1e5) text = String(value === 0 ? 0 : value);
  else if (size < 0.005 || size >= 1e5) text = value.toExponential(0).replace("e+", "e");
  else {
    text = size < 1000 ? String(Number(value.toPrecision(size < 1 ? digitsBelowOne : 3))) : value.toFixed(0);
    if (text.length > 5) text = value.toFixed(2);
  }
  return text.replaceAll("-", "−");
}

/** Return all digits of a number. */
const exactly = (value) => (Number.isFinite(value) ? String(value).replaceAll("-", "−") : formatValue(value));

/** A reference is the index of a number, -1 - k for the constant k, or null for nothing. */
class Numbers {
  constructor(run) {
    const { inputs, names, operations, left, right, constants } = run.numbers;
    Object.assign(this, { names, operations, left, right });
    this.count = inputs.length;
    this.constants = constants.map(Number);
    this.values = inputs.map((value) => (value === null ? null : Number(value)));
    for (let k = 0; k < operations.length; k++) {
      const a = this.value(left[k]), b = right[k] === null ? 0 : this.value(right[k]);
      this.values.push(a === null || b === null ? null : CALCULATE[operations[k]](a, b));
    }
    this.isPosition = this.#positions(run.panels);
  }

  /** Return, for each number, whether it depends on nothing but where something lies. */
  #positions(panels) {
    const is = new Uint8Array(this.values.length);
    for (const panel of panels) if (panel.position) for (const ref of panel.start) if (ref >= 0) is[ref] = 1;
    for (let k = this.count; k < is.length; k++) is[k] = this.operands(k).every((ref) => ref < 0 || is[ref]) ? 1 : 0;
    return is;
  }

  value(ref) {
    return ref === null ? null : ref < 0 ? this.constants[-1 - ref] : this.values[ref];
  }

  /** Return the operation of a number; an input and a constant have none. */
  operation(ref) {
    return ref === null || ref < this.count ? null : this.operations[ref - this.count];
  }

  operands(ref) {
    if (this.operation(ref) === null) return [];
    const k = ref - this.count;
    return this.right[k] === null ? [this.left[k]] : [this.left[k], this.right[k]];
  }

  /** Return the inputs that a number depends on. */
  inputsOf(ref) {
    const found = new Set(), seen = new Set(), stack = [ref];
    while (stack.length) {
      const one = stack.pop();
      if (one === null || one < 0 || seen.has(one)) continue;
      seen.add(one);
      if (one < this.count) found.add(one);
      stack.push(...this.operands(one));
    }
    return found;
  }

  /** Return, for each number, whether it depends on an input. */
  reachedBy(input) {
    const is = new Uint8Array(this.values.length);
    is[input] = 1;
    for (let k = this.count; k < is.length; k++) if (this.operands(k).some((ref) => ref >= 0 && is[ref])) is[k] = 1;
    return is;
  }

  /**
   * Return the terms of a sum, also of one that is multiplied or divided by a constant: `before` and `after` say by
   * which. A term is fresh if it is not yet in the number `earlier`.
   */
  sum(ref, earlier = undefined) {
    let before = "", after = "";
    const [a, b] = this.operands(ref);
    if (this.operation(ref) === "/" && b < 0 && this.#isSum(a)) [ref, before, after] = [a, "(",
      `) / ${formatValue(this.value(b))}`];
    else if (this.operation(ref) === "*" && a < 0 && this.#isSum(b)) [ref, before, after] = [b,
      `${formatValue(this.value(a))}·(`, ")"];
    const terms = [], stack = [[ref, "+", true]];
    while (stack.length) {
      const [one, sign, wasFresh] = stack.pop();
      const fresh = wasFresh && one !== earlier;
      if (sign === "+" && this.#isSum(one)) {
        const [first, second] = this.operands(one);
        stack.push([second, this.operation(one), fresh], [first, "+", fresh]);
      } else terms.push({ ref: one, sign: sign === "-" ? "−" : "+", fresh });
    }
    return { before, terms, after };
  }

  #isSum(ref) {
    return this.operation(ref) === "+" || this.operation(ref) === "-";
  }

  /** Return a formula in pieces `{text, input}`; a piece without input is an operator or a constant. */
  write(ref, numeric, outer = 0, depth = 0) {
    const operation = this.operation(ref);
    if (ref < 0 || this.isPosition[ref] || (numeric && operation === null)) return [this.#plain(ref, outer)];
    if (operation === null) return [{ text: this.names[ref], input: ref }];
    if (depth > DEEPEST) return [{ text: "(…)" }];
    const [a, b] = this.operands(ref);
    const inner = (operand, precedence) => this.write(operand, numeric, precedence, depth + 1);
    const own = PRECEDENCE[operation];
    let pieces;
    if (operation === "+") pieces = [...inner(a, 1), { text: " + " }, ...inner(b, 1)];
    else if (operation === "-") pieces = [...inner(a, 1), { text: " − " }, ...inner(b, 1.5)];
    else if (operation === "*") pieces = product(inner(a, 2), inner(b, 2.5), numeric);
    else if (operation === "/") pieces = [...inner(a, own), { text: " / " }, ...inner(b, own + 0.5)];
    else if (operation === "^") pieces = [...inner(a, own + 0.5), { text: "^" }, ...inner(b, own + 0.5)];
    else if (operation === "n") pieces = [{ text: "−" }, ...inner(a, 3)];
    else return [{ text: `${FUNCTIONS[operation]}(` }, ...inner(a, 0), { text: ")" }];
    return own < outer ? [{ text: "(" }, ...pieces, { text: ")" }] : pieces;
  }

  #plain(ref, outer) {
    const text = formatValue(this.value(ref));
    return { text: outer && text.startsWith("−") ? `(${text})` : text, input: ref >= 0 && ref < this.count ? ref
      : undefined };
  }

  /** Return a formula as text. */
  text(ref) {
    return textOf(this.write(ref, false));
  }
}

const textOf = (pieces) => pieces.map((piece) => piece.text).join("");

/** Return a product: ax, as in algebra, or x[0,1]·w[0,0]. */
function product(a, b, numeric) {
  const isWord = (text) => /^\p{L}+$/u.test(text);
  const [left, right] = [textOf(a), textOf(b)];
  const beside = !numeric && isWord(left) && isWord(right) && right.length === 1 && left.length <= 2;
  return beside ? [...a, ...b] : [...a, { text: "·" }, ...b];
}
