"use strict";
// The pages work without this: it copies commands, tells a step's hashes, and leads back.

for (const button of document.querySelectorAll("button.copy")) {
  const code = button.parentElement.querySelector("code");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // Without permission the text is at least selected, so that Ctrl+C copies it.
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

const info = document.querySelector(".graph-info");
for (const box of document.querySelectorAll(".graph a.box")) {
  const tell = () => {
    info.replaceChildren(...JSON.parse(box.dataset.lines).map((line) => {
      const row = document.createElement("span");
      row.textContent = line;
      return row;
    }));
  };
  box.addEventListener("pointerenter", tell);
  box.addEventListener("focus", tell);
}

// A link to an image names the cell it was followed from, which the breadcrumb then leads back to.
const from = new URLSearchParams(location.search).get("cell");
const way = [...document.querySelectorAll("a[data-cell]")].find((a) => a.dataset.cell === from);
if (way) {
  const item = document.createElement("li");
  const back = way.cloneNode(true);
  back.id = "back";
  item.append(back);
  document.querySelector(".crumbs ol").append(item);
}
