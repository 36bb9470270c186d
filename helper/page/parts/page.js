"use strict";
// Sorting and searching; the page can be read without.
(() => {
  const table = document.querySelector("table");
  if (!table) return;
  const tests = [...table.tBodies];
  const text = new Map();
  const words = (test) => {
    if (!text.has(test)) text.set(test, test.textContent.toLowerCase());
    return text.get(test);
  };

  const query = document.getElementById("q");
  const hits = document.getElementById("hits");
  const search = () => {
    const wanted = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const test of tests) {
      test.hidden = !wanted.every((word) => words(test).includes(word));
      shown += test.hidden ? 0 : 1;
    }
    hits.value = wanted.length ? `${shown.toLocaleString("en")} of ${tests.length.toLocaleString("en")}` : "";
  };
  query.addEventListener("input", search);
  query.form.addEventListener("submit", (event) => event.preventDefault());
  query.form.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== query && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
      query.select();
    } else if (event.key === "Escape" && document.activeElement === query) {
      query.value = "";
      search();
      query.blur();
    }
  });

  const heads = [...table.tHead.rows[0].cells].filter((head) => head.querySelector("button"));
  const value = (test, column) => {
    const cell = test.rows[0].cells[column];
    if (column > 0 && cell.dataset.v !== undefined) return Number(cell.dataset.v);
    return cell.textContent;
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    button.disabled = false;
    button.addEventListener("click", () => {
      // Numbers: what is largest is looked for first.
      const first = head.classList.contains("n") ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? second : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      tests.sort((a, b) => sign * compare(value(a, column), value(b, column)) || compare(Number(a.id.slice(1)), Number(b.id.slice(1))));
      table.append(...tests);
    });
  });

  // A link to a test opens it.
  const open = () => {
    const test = /^#t\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (!test) return;
    if (test.hidden) {
      query.value = "";
      search();
    }
    test.querySelector("details").open = true;
    test.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
