// What all toys share: drawing, boxes that can be moved, sliders, numbers. Plain scripts, so that a page opens as a
// file.

const SVG = "http://www.w3.org/2000/svg";

// svg("rect", { x: 1, class: "box" }, child, …): an element of a picture. Text goes in as text, never as markup.
function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// html("p", { class: "faint" }, "text", …)
function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const snap = (value, step) => Number((Math.round(value / step) * step).toFixed(6));

const rectangle = ([x1, y1, x2, y2], look = "box") =>
  svg("rect", { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0), class: look });
const line = (x1, y1, x2, y2, look) => svg("line", { x1, y1, x2, y2, class: look });
const text = (x, y, content, attributes = {}) => svg("text", { x, y, ...attributes }, content);

// Lines at every `step` of a picture `width` by `height`.
function gridLines(width, height, step) {
  const lines = svg("g", { class: "grid" });
  for (let x = step; x < width; x += step) lines.append(line(x, 0, x, height, "grid"));
  for (let y = step; y < height; y += step) lines.append(line(0, y, width, y, "grid"));
  return lines;
}

// Stripes that mark an area without a color: <rect fill="url(#id)">
function stripes(id, angle, look, gap = 2) {
  const pattern = svg("pattern", {
    id,
    width: gap,
    height: gap,
    patternUnits: "userSpaceOnUse",
    patternTransform: `rotate(${angle})`,
  });
  pattern.append(
    svg("line", { x1: 0, y1: 0, x2: 0, y2: gap, class: `box ${look}`, "stroke-width": 1.2, style: "stroke-width:1.2" }),
  );
  return pattern;
}

// A number with a true minus sign; few digits are shown, all are kept for whoever asks (dataset.value).
function digits(value, count = 2) {
  const shown = Math.abs(value) < 0.5 * 10 ** -count ? (0).toFixed(count) : value.toFixed(count);
  return shown.replace("-", "−");
}

function show(id, value, count = 2) {
  const place = byId(id);
  place.textContent = digits(value, count);
  place.dataset.value = value;
}

const fraction = (above, below) =>
  html("span", { class: "fraction" }, html("span", {}, above), html("span", {}, below));
const formula = (id, ...parts) =>
  byId(id).replaceChildren(...parts.map((part) => (part instanceof Node ? part : html("span", {}, part))));

// A slider with its name and value: slider("controls", { label, min, max, step, value, change, format })
function slider(parent, { id, label, min, max, step, value, change, format = (number) => digits(number) }) {
  const input = html("input", { type: "range", id, min, max, step, value });
  const output = html("output", { for: id });
  const tell = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    tell();
    change(Number(input.value));
  });
  byId(parent).append(html("div", { class: "slider" }, html("label", { for: id }, label), output, input));
  tell();
  return {
    set(number) {
      input.value = number;
      tell();
    },
    limit(most) {
      input.max = most;
      tell();
    },
    input,
  };
}

function checkbox(parent, { id, label, checked, change }) {
  const input = html("input", { type: "checkbox", id });
  input.checked = checked;
  input.addEventListener("change", () => change(input.checked));
  byId(parent).append(html("label", { class: "check" }, input, label));
  return {
    set(value) {
      input.checked = value;
    },
  };
}

// Buttons of which one is pressed, or none: buttons("presets", { name: what it does })
function buttons(parent, actions) {
  const all = Object.entries(actions).map(([name, action]) => {
    const button = html("button", { type: "button", "aria-pressed": "false" }, name);
    button.addEventListener("click", () => {
      action();
      press(name);
    });
    return button;
  });
  const press = (name) =>
    all.forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === name)));
  byId(parent).append(...all);
  return { press };
}

// The place of a pointer in the units of a picture.
function placeIn(stage, event) {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());
  return [x, y];
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// A box that is moved by its inside and resized by its corners, or by the arrow keys and Shift with them.
//   name, look: for people who hear the page, and the class of its color
//   size: [width, height] of the picture; step: of the coordinates; least: smallest width and height
//   keepInside: "box" (all of it stays in the picture) or "center"
//   change(box): called with the new box. draw(box) shows it.
function movableBox(stage, { name, look, size, step = 1, least = 4, keepInside = "box", knob = 1.3, change }) {
  let box = [0, 0, least, least];
  const reach = 2.6 * knob; // of a corner: large enough for a finger
  const group = svg("g", {
    class: `movable ${look}`,
    tabindex: 0,
    role: "application",
    "aria-roledescription": "movable box",
  });
  const grip = svg("rect", { class: "grip" }),
    ring = svg("rect", { class: "ring" });
  group.append(grip, ring);
  const corners = [
    [0, 1],
    [2, 1],
    [0, 3],
    [2, 3],
  ].map(([i, j]) => {
    const circles = [svg("circle", { r: reach, class: "grip" }), svg("circle", { r: knob, class: "knob" })];
    group.append(svg("g", { class: `corner ${(i === 0) === (j === 1) ? "" : "other"}` }, ...circles));
    return { i, j, circles };
  });
  group.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    const [right, down] = way.map((part) => part * step);
    if (event.shiftKey) resize([box[0], box[1], box[2] + right, box[3] + down], 2, 3);
    else move(box, right, down);
  });
  stage.append(group);
  takeTheNearest(stage);

  // Corners come before insides, small boxes before large ones, and of equal ones the one on top.
  stage.handles.unshift((x, y) => {
    if (group.style.display === "none") return null;
    const start = [...box];
    const near = corners
      .map(({ i, j }) => ({ i, j, far: Math.hypot(x - box[i], y - box[j]) }))
      .sort((a, b) => a.far - b.far)[0];
    if (near.far <= reach) {
      const pulled = (right, down) => {
        const moved = [...start];
        moved[near.i] += right;
        moved[near.j] += down;
        resize(moved, near.i, near.j);
      };
      return { rank: near.far, group, moved: pulled };
    }
    const inside = x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
    return inside ? { rank: 1e3 + area(box), group, moved: (right, down) => move(start, right, down) } : null;
  });

  function move(start, right, down) {
    const [width, height] = [start[2] - start[0], start[3] - start[1]];
    const [low, high] =
      keepInside === "box"
        ? [
            [0, 0],
            [size[0] - width, size[1] - height],
          ]
        : [
            [-width / 2, -height / 2],
            [size[0] - width / 2, size[1] - height / 2],
          ];
    const x = snap(clamp(start[0] + right, low[0], high[0]), step),
      y = snap(clamp(start[1] + down, low[1], high[1]), step);
    change([x, y, snap(x + width, step / 100), snap(y + height, step / 100)]);
  }

  function resize(moved, i, j) {
    const smaller = (k) => (k < 2 ? [-Infinity, box[k + 2] - least] : [box[k - 2] + least, Infinity]);
    for (const k of [i, j]) {
      const inside = keepInside === "box" ? clamp(moved[k], 0, size[k % 2]) : moved[k];
      moved[k] = clamp(snap(inside, step), ...smaller(k));
    }
    if (keepInside === "center") {
      const center = [(moved[0] + moved[2]) / 2, (moved[1] + moved[3]) / 2];
      if (center.some((part, k) => part < 0 || part > size[k])) return;
    }
    change(moved);
  }

  return {
    group,
    draw(newBox) {
      box = newBox;
      for (const [element, margin] of [
        [grip, 0],
        [ring, knob],
      ]) {
        element.setAttribute("x", box[0] - margin);
        element.setAttribute("y", box[1] - margin);
        element.setAttribute("width", box[2] - box[0] + 2 * margin);
        element.setAttribute("height", box[3] - box[1] + 2 * margin);
      }
      for (const { i, j, circles } of corners) {
        for (const circle of circles) {
          circle.setAttribute("cx", box[i]);
          circle.setAttribute("cy", box[j]);
        }
      }
      const places = box.map((part) => digits(part, step < 1 ? 1 : 0));
      group.setAttribute(
        "aria-label",
        `${name}: left ${places[0]}, top ${places[1]}, right ${places[2]}, bottom ${places[3]}. Arrow keys move it, with Shift they resize it.`,
      );
    },
  };
}

// Pressing in a picture takes the best of its handles, whichever box lies on top, and moving moves it.
function takeTheNearest(stage) {
  if (stage.handles) return;
  stage.handles = [];
  const keepStill = (event) => {
    if (event.target.closest(".movable")) event.preventDefault();
  }; // the page does not scroll along
  stage.addEventListener("touchstart", keepStill, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    const [x, y] = placeIn(stage, event);
    const [best] = stage.handles
      .map((handle) => handle(x, y))
      .filter(Boolean)
      .sort((a, b) => a.rank - b.rank);
    if (event.button !== 0 || !event.target.closest(".movable") || !best) return;
    event.preventDefault();
    best.group.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    const follow = (later) => {
      const [a, b] = placeIn(stage, later);
      best.moved(a - x, b - y);
    };
    stage.addEventListener("pointermove", follow);
    stage.addEventListener("lostpointercapture", () => stage.removeEventListener("pointermove", follow), {
      once: true,
    });
  });
}

// An inset label: a few letters on paper, framed in the color of what it names.
function tag(x, y, content, look, size = 3.4) {
  const width = (0.62 * content.length + 0.7) * size;
  return svg(
    "g",
    { class: look, "pointer-events": "none" },
    svg("rect", { x, y, width, height: 1.35 * size, rx: 0.3 * size, class: "tag" }),
    text(x + width / 2, y + 0.7 * size, content, { class: "middle", "font-size": size, "font-weight": 600 }),
  );
}

// A page inside another one tells it how high it is; embed.js listens there.
if (window.parent !== window) {
  const tell = () =>
    window.parent.postMessage({ toyHeight: document.documentElement.getBoundingClientRect().height }, "*");
  window.addEventListener("load", () => new ResizeObserver(tell).observe(document.body));
}
