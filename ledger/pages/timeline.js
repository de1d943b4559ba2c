// Zoom, pan and tooltips for the timelines of ledger/svg.py, each in a .timeline-view.
"use strict";
for (const view of document.querySelectorAll(".timeline-view")) {
  const plot = view.querySelector(".plot"), axis = view.querySelector(".axis");
  const [, , whole, height] = plot.getAttribute("viewBox").split(" ").map(Number);
  const closest = whole / 40;
  const levels = [...new Set([...view.querySelectorAll("[data-zoom]")].map(e => +e.dataset.zoom))];
  const texts = [...axis.querySelectorAll("text:not(.note)")]
    .map(e => [e, parseFloat(e.getAttribute("x")) * whole / 100, e.parentNode.dataset.zoom]);
  const line = plot.querySelector(".at");
  const at = line ? parseFloat(line.getAttribute("d").slice(1)) : NaN;
  let left = 0, width = whole;

  const show = (newLeft, newWidth) => {
    width = Math.min(Math.max(newWidth, closest), whole);
    left = Math.min(Math.max(newLeft, 0), whole - width);
    plot.setAttribute("viewBox", `${left} 0 ${width} ${height}`);
    const level = String(Math.max(...levels.filter(one => one <= whole / width * 1.01)));
    for (const e of view.querySelectorAll("[data-zoom]"))
      e.dataset.zoom === level ? e.removeAttribute("display") : e.setAttribute("display", "none");
    for (const [e, x, zoom] of texts) {
      if (zoom && zoom !== level) continue;
      const place = (x - left) / width * 100;
      e.setAttribute("x", `${place}%`);
      place < 0 || place > (zoom ? 97 : 100)
        ? e.setAttribute("display", "none") : e.removeAttribute("display");
    }
    all.disabled = width === whole;
    view.classList.toggle("zoomed", width < whole);
  };
  // What is asked about stays where it is, unless somebody points elsewhere.
  const middle = () => (at >= left && at <= left + width ? (at - left) / width : .5);
  const zoom = (factor, share = middle()) => {
    const wide = Math.min(Math.max(width * factor, closest), whole);
    show(left + (width - wide) * share, wide);
  };
  const pan = share => show(left + share * width, width);
  const share = event => {
    const box = plot.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };

  const controls = document.createElement("p");
  controls.className = "controls";
  const button = (text, label, act) => {
    const made = document.createElement("button");
    made.type = "button"; made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    controls.append(made);
    return made;
  };
  button("+", "Zoom in", () => zoom(1 / 2));
  button("\u2212", "Zoom out", () => zoom(2));
  button("\u2190", "Earlier", () => pan(-.4));
  button("\u2192", "Later", () => pan(.4));
  const all = button("All", "Show the whole window", () => show(0, whole));
  controls.append(matchMedia("(hover: none)").matches
    ? " Tap a mark to see what it is."
    : " Click the picture, then scroll to zoom and drag to move; or keys + \u2212 \u2190 \u2192 0.");
  view.before(controls);

  view.tabIndex = 0;
  view.setAttribute("role", "group");
  view.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      "+": () => zoom(1 / 2), "=": () => zoom(1 / 2), "-": () => zoom(2),
      ArrowLeft: () => pan(-.2), ArrowRight: () => pan(.2), 0: () => show(0, whole),
      Home: () => show(0, width), End: () => show(whole, width),
    }[event.key];
    if (act) { act(); event.preventDefault(); }
  });
  // A page that is scrolled past must not be caught: so only with focus, or for a pinch.
  view.addEventListener("wheel", event => {
    if (!event.ctrlKey && document.activeElement !== view) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / 500);
    else zoom(event.deltaY > 0 ? 1.25 : .8, share(event));
  }, { passive: false });

  let dragged = null;
  // Not of the plot, which has no size where nothing is drawn.
  view.addEventListener("pointerdown", event => {
    if (event.button || width === whole) return;
    dragged = { x: event.clientX, left, pointer: event.pointerId };
  });
  view.addEventListener("pointermove", event => {
    if (dragged && event.pointerId === dragged.pointer) {
      const moved = (event.clientX - dragged.x) / plot.getBoundingClientRect().width;
      show(dragged.left - moved * width, width);
    }
    tell(dragged ? null : event.target.closest("path"), event);
  });
  for (const end of ["pointerup", "pointercancel"])
    window.addEventListener(end, () => { dragged = null; });

  const tip = document.createElement("div");
  tip.className = "tip"; tip.hidden = true;
  document.body.append(tip);
  const told = new Map();
  for (const title of view.querySelectorAll("path > title")) {
    told.set(title.parentNode, title.textContent);
    title.remove();
  }
  const tell = (mark, event) => {
    const text = mark && told.get(mark);
    tip.hidden = !text;
    if (!text) return;
    tip.replaceChildren(...text.split("\n").map(line => {
      const row = document.createElement("div");
      row.textContent = line;
      return row;
    }));
    const { clientWidth: wide } = document.documentElement;
    tip.style.left = `${Math.max(Math.min(event.clientX + 14, wide - tip.offsetWidth - 8), 4)}px`;
    const below = event.clientY + 18, over = event.clientY - tip.offsetHeight - 12;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? over : below}px`;
  };
  view.addEventListener("pointerleave", () => { tip.hidden = true; });
  view.addEventListener("click", event => tell(event.target.closest("path"), event));
  show(0, whole);
  if (at) { // on a screen that is narrower than the picture
    const { left: from, width: wide } = plot.getBoundingClientRect();
    view.scrollLeft += from + wide * at / whole - innerWidth / 2;
  }
}
