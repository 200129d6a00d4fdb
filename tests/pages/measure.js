// Appended to a copy of a page: says what is wrong with what the browser has laid out.
addEventListener("load", () => {
  const wrong = [];
  const name = (element) => `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 50)}"`;
  const seen = (element) => element.checkVisibility();
  for (const details of document.querySelectorAll("details")) details.open = true;

  // Nothing makes the page itself scroll sideways.
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth} wide, not ${root.clientWidth}`);

  // In a picture no two texts overlap, and none sticks out.
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    for (const [text, box] of texts)
      if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.top < frame.top - 0.5 ||
          box.bottom > frame.bottom + 0.5)
        wrong.push(`clipped: ${name(text)}`);
    for (let i = 0; i < texts.length; i++)
      for (let k = i + 1; k < texts.length; k++) {
        const [, a] = texts[i], [, b] = texts[k];
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
          wrong.push(`overlap: ${name(texts[i][0])} and ${name(texts[k][0])}`);
      }
    // A text in a box lies inside it.
    for (const rect of svg.querySelectorAll("rect")) {
      const box = rect.getBoundingClientRect();
      for (const [text, at] of texts) {
        const middle = (at.top + at.bottom) / 2;
        if (middle > box.top && middle < box.bottom && at.left >= box.left - 1 && at.left < box.right && at.right > box.right)
          wrong.push(`wider than its box: ${name(text)}`);
      }
    }
  }

  // Outside of pictures no text is cut off.
  for (const element of document.querySelectorAll("h1,h2,h3,p,pre,td,th,summary"))
    if (seen(element) && getComputedStyle(element).overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1)
      wrong.push(`cut off: ${name(element)}`);

  // Contrast, by WCAG 2: 4.5 for text.
  const colour = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const behind = (element) => {
    if (element.tagName === "text") {
      const at = element.getBoundingClientRect();
      const under = [...element.ownerSVGElement.querySelectorAll("rect")].reverse().find((rect) => {
        const box = rect.getBoundingClientRect();
        return at.left >= box.left - 1 && at.right <= box.right + 1 && at.top >= box.top - 4 && at.bottom <= box.bottom + 4;
      });
      if (under) return colour(getComputedStyle(under).fill);
    }
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const pairs = new Map();
  for (const element of document.querySelectorAll("h1,h1 span,h2,h3,p,span,pre,code,td,th,summary,svg text")) {
    const style = getComputedStyle(element);
    const fore = colour(element.tagName === "text" ? style.fill : style.color), back = behind(element);
    pairs.set(`${fore} on ${back}`, [ratio(fore, back), element]);
  }
  for (const [pair, [contrast, element]] of pairs)
    if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${pair}, ${name(element)}`);

  const result = document.createElement("pre");
  result.id = "measured";
  result.textContent = `measured ${document.querySelectorAll("svg text").length} texts\n${[...new Set(wrong)].join("\n")}\nend`;
  document.body.append(result);
});
