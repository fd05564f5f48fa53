// For pages that show a toy in a frame: <iframe src="toys/iou.html" title="…"></iframe>. The frame becomes as high as
// its toy.
window.addEventListener("message", ({ source, data }) => {
  const height = Number(data?.toyHeight);
  if (!(height > 0)) return;
  for (const frame of document.querySelectorAll("iframe")) {
    if (frame.contentWindow === source) frame.style.height = `${Math.ceil(height)}px`;
  }
});
