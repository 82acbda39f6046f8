// The page's only own script: draw each figure from the data beside it.
(function () {
  var touch = window.matchMedia("(pointer: coarse)").matches;
  document.querySelectorAll("[data-figure]").forEach(function (box) {
    var figure = JSON.parse(document.getElementById(box.id + "-data").textContent);
    // On a touch screen a drag scrolls the page; elsewhere it zooms, a double click resets.
    figure.layout.dragmode = touch ? false : "zoom";
    if (box.clientWidth < 480 && figure.layout.xaxis.type === "date") {
      figure.layout.xaxis.nticks = 5;
    }
    Plotly.newPlot(box, figure.data, figure.layout, {
      responsive: true, displayModeBar: false, displaylogo: false, showTips: false
    });
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  });
})();
