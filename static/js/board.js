/* A start dragged to another day or line opens the page of its dates for that target: the knock-on, who must agree, the
   reason. Dropping moves nothing. Without this script, and by keyboard, "Move…" leads to the same page. */
const board = document.querySelector("[data-board]");
let dragged = null;

const cellOf = (event) => (event.target instanceof Element ? event.target.closest("[data-line][data-start]") : null);
const mark = (cell) =>
  board.querySelectorAll(".is-over").forEach((one) => one !== cell && one.classList.remove("is-over"));

const begin = (event) => {
  dragged = event.target instanceof Element ? event.target.closest("[data-move]") : null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.move);
  dragged.classList.add("is-dragged");
  board.querySelectorAll("[data-line][data-start]").forEach((cell) => cell.classList.add("is-target"));
};

const over = (event) => {
  const cell = cellOf(event);
  mark(cell);
  if (!dragged || !cell || cell.contains(dragged)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
  cell.classList.add("is-over");
};

const drop = (event) => {
  const cell = cellOf(event);
  if (!dragged || !cell || cell.contains(dragged)) return;
  event.preventDefault();
  const { line, start } = cell.dataset;
  window.location.assign(`${dragged.dataset.move}?${new URLSearchParams({ line, start })}`);
};

const end = () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
  board.querySelectorAll(".is-target, .is-over").forEach((cell) => cell.classList.remove("is-target", "is-over"));
};

if (board) {
  board.querySelectorAll("[data-move]").forEach((start) => {
    start.draggable = true;
    // A link is dragged as an address by itself: here the card is what is dragged.
    start.querySelectorAll("a").forEach((link) => (link.draggable = false));
  });
  board.addEventListener("dragstart", begin);
  board.addEventListener("dragover", over);
  board.addEventListener("drop", drop);
  board.addEventListener("dragend", end);
}
