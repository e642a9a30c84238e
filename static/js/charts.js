// Draws the charts of a page: each element names the script that holds its figure as JSON.
(() => {
  "use strict";

  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const accents = { light: ["#1f6feb", "#b35900", "#1a7f37", "#8250df", "#a40e26", "#57606a"], dark: ["#79b8ff", "#ffab70", "#85e89d", "#d2a8ff", "#ff9492", "#c9d1d9"] };

  // Plotly writes the attribute "style", which the Content Security Policy refuses; what it means is set instead.
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function set(name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };

  function draw() {
    const style = getComputedStyle(document.body);
    const dark = document.documentElement.dataset.bsTheme === "dark";
    const lines = dark ? "#3a4452" : "#d8dee4";
    for (const element of document.querySelectorAll("[data-figure]")) {
      const figure = JSON.parse(document.getElementById(element.dataset.figure).textContent);
      const axis = { gridcolor: lines, linecolor: lines, zerolinecolor: lines };
      const layout = {
        ...figure.layout,
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        colorway: accents[dark ? "dark" : "light"],
        font: { family: style.fontFamily, size: 12, color: style.color },
        legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
        xaxis: { ...figure.layout.xaxis, ...axis },
        yaxis: { ...figure.layout.yaxis, ...axis },
      };
      window.Plotly.react(element, figure.data, layout, config);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    draw();
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  });
})();
