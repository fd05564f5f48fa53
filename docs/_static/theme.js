// Players in frames ask the page around them whether it is dark, in the way that notebooks answer.
(() => {
  const page = document.documentElement;
  const tell = () => {
    document.body.dataset.jpThemeLight = String(page.dataset.theme !== "dark");
  };
  document.addEventListener("DOMContentLoaded", tell);
  new MutationObserver(tell).observe(page, { attributeFilter: ["data-theme"] });
})();
