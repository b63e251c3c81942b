// To the search a word behind dashes is one to leave out; here it is a flag of the executor.
document.addEventListener("input", ({ target }) => {
  if (!target.matches(".md-search__input")) return;
  const words = target.value.replace(/(^|\s)-+(?=[^\s-])/g, "$1");
  if (words !== target.value) target.value = words;
});
