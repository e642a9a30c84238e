// Ask: an example fills the question without leaving the page, the estimate follows, the list of models is searched.
(() => {
  const form = document.getElementById("ask-form");
  const question = document.getElementById("id_text");
  if (!form || !question) return;

  document.addEventListener("click", (event) => {
    const example = event.target.closest("a[data-prompt]");
    if (!example || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    question.focus();
    question.select();
    document.execCommand("insertText", false, example.dataset.prompt); // which Ctrl+Z takes back
    form.dispatchEvent(new Event("estimate"));
  });

  // Four lines that grow to twelve, where the browser does not do it by itself.
  if (!CSS.supports("field-sizing", "content")) {
    const grow = () => {
      question.rows = 4;
      while (question.rows < 12 && question.scrollHeight > question.clientHeight) question.rows += 1;
    };
    question.addEventListener("input", grow);
    grow();
  }

  const find = () => {
    const words = document.getElementById("panel-find")?.value.toLowerCase().split(/\s+/) ?? [];
    const rows = [...document.querySelectorAll(".panel-row")];
    for (const row of rows) row.hidden = !words.every((word) => row.dataset.words.includes(word));
    const none = document.getElementById("panel-none");
    if (none) none.hidden = rows.some((row) => !row.hidden);
  };
  form.addEventListener("input", (event) => {
    if (event.target.id === "panel-find") find();
  });
  form.addEventListener("keydown", (event) => {
    if (event.target.id === "panel-find" && event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault();
  });

  // A part that was swapped in may have other options or another order.
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (!["ask-options", "ask-panel", "ask-setup"].includes(detail.target.id)) return;
    find();
    form.dispatchEvent(new Event("estimate"));
  });
})();
