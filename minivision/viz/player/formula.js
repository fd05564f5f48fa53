// Sums, cells and lines of Python, written for people.

const TERMS = 10; // of a sum that are written out at first
const KEYWORDS = /(#.*$|"[^"]*"|'[^']*'|\b(?:def|for|in|if|elif|else|while|return|is|not|and|or|None|True|False|lambda|with|break|continue|raise|yield|assert)\b)/;

/** Return a formula, term by term: its names above, its values below. */
function formulaOf({ numbers, run }, p, cell, ref, earlier, others = 0, shown = TERMS) {
  const box = element("div", { class: "mv-sum" });
  const { before, terms, after } = numbers.sum(ref, earlier);
  const fresh = terms.some((term) => !term.fresh) && terms.some((term) => term.fresh);
  const value = numbers.value(ref);
  const draw = (all) => {
    const [head, tail] = all || terms.length <= shown + 1 ? [terms.length, 0] : fresh ? [2, shown - 2] : [shown, 0];
    const parts = [];
    terms.forEach((term, k) => {
      if (k === head && head + tail < terms.length) {
        const more = element("button", { type: "button", class: "mv-more" }, `… ${terms.length - head - tail} more`);
        more.addEventListener("click", () => draw(true));
        parts.push(element("span", { class: "mv-operator" }, "+"), more);
      }
      if (k < head || k >= terms.length - tail) parts.push(...termParts(numbers, term, k, fresh));
    });
    const end = value === null || !terms.some(({ ref }) => ref >= 0) ? [] : [element("span", { class: "mv-operator" },
      "="), element("output", { title: exactly(value) }, formatValue(value))];
    const more = others > 0 ? [element("span", { class: "mv-others" },
      `and ${others} more of ${run.panels[p].name}: click one`)] : [];
    box.replaceChildren(cellName(run.panels[p], cell), element("span", { class: "mv-operator" }, "="),
      ...(before ? [element("span", { class: "mv-operator" }, before)] : []), ...parts,
      ...(after ? [element("span", { class: "mv-operator" }, after)] : []), ...end, ...more);
  };
  draw(false);
  return box;
}

/** Return a term with its sign before it; the first one has none. */
function termParts(numbers, { ref, sign, fresh }, k, marksFresh) {
  const outer = sign === "−" ? 1.5 : k ? 1 : 0;
  const names = numbers.write(ref, false, outer), values = numbers.write(ref, true, outer);
  const spans = names.map(({ text, input }) => (input === undefined ? text : element("span", { class: "mv-input",
    "data-input": input }, text)));
  const below = numbers.value(ref) === null || textOf(names) === textOf(values) ? [] : [element("span",
    { class: "mv-values" }, textOf(values))];
  const term = element("span", { class: `mv-term${marksFresh && fresh ? " mv-fresh" : ""}` }, element("span",
    { class: "mv-names" }, ...spans), ...below);
  return k || sign === "−" ? [element("span", { class: "mv-operator" }, sign), term] : [term];
}

function cellName(panel, cell) {
  return element("span", { class: "mv-cell-name" }, titleOf(panel, cell));
}

/** Return cells as a short text: x[0,0] to x[2,2], w[0,0]. */
function groups(panels, cells) {
  const of = new Map();
  for (const [p, cell] of cells) of.set(p, [...(of.get(p) ?? []), cell]);
  return [...of].map(([p, own]) => {
    own.sort((a, b) => a - b);
    const [first, last] = [titleOf(panels[p], own[0]), titleOf(panels[p], own.at(-1))];
    return own.length === 1 ? first : `${own.length} of ${panels[p].name}, ${first} to ${last}`;
  }).join("; ");
}

const listed = (numbers) => (numbers.length > 8 ? `${numbers.slice(0, 7).join(", ")} and ${numbers.length - 7} more`
  : numbers.join(", "));

/** Return a line of Python whose keywords, texts and comments are colored. */
function colored(text) {
  const indent = text.length - text.trimStart().length, hanging = indent / 2 + 2; // indentation is half as wide as in an editor
  const code = element("code", { style: `padding-left:${hanging}ch;text-indent:-${hanging}ch` }); // a long line goes on further right
  code.append(element("span", { class: "mv-indent" }, " ".repeat(indent)));
  text.slice(indent).split(KEYWORDS).forEach((part, k) => {
    const kind = k % 2 === 0 ? null : part.startsWith("#") ? "mv-comment"
      : /^["']/.test(part) ? "mv-string" : "mv-keyword";
    code.append(kind ? element("span", { class: kind }, part) : part);
  });
  return code;
}
