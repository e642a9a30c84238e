// Ask: an example fills the question without leaving the page, and the estimate follows.
(() => {
  document.addEventListener("click", (event) => {
    const example = event.target.closest("a[data-prompt]");
    if (!example || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const question = document.getElementById("id_text");
    question.value = example.dataset.prompt;
    question.focus();
    question.form.dispatchEvent(new Event("estimate"));
  });

  // A part that was swapped in may have other options or another order.
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (["ask-options", "ask-panel"].includes(detail.target.id)) {
      document.getElementById("ask-form").dispatchEvent(new Event("estimate"));
    }
  });
})();
