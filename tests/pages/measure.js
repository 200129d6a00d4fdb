// Run by the page that tests/pages/run.sh makes: it has each of our pages in frames of several widths.
// Says what is wrong with what the browser has laid out, and what axe-core finds if it is there.

// Returns what is wrong in a frame, one line each.
function measure(frame) {
  const page = frame.contentDocument, view = frame.contentWindow;
  const wrong = [];
  const name = (element) => `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 50)}"`;
  const seen = (element) => element.checkVisibility();
  for (const details of page.querySelectorAll("details")) details.open = true;

  // Nothing makes the page itself scroll sideways, and no text outside of pictures is cut off.
  const root = page.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth} wide, not ${root.clientWidth}`);
  for (const element of page.querySelectorAll("h1,h2,p,pre,td,th,summary"))
    if (seen(element) && view.getComputedStyle(element).overflowX === "hidden" &&
        element.scrollWidth > element.clientWidth + 1)
      wrong.push(`cut off: ${name(element)}`);

  // No word is broken at a hyphen if it fits a line: what is pasted would be two words.
  for (const element of page.querySelectorAll("h1,h2,p,pre:not(.table)")) {
    const walker = page.createTreeWalker(element, 4 /* texts */);
    for (let text; (text = walker.nextNode());)
      for (const word of text.data.matchAll(/[^ \n]*-[^ \n]+/g)) {
        const range = page.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        const boxes = [...range.getClientRects()];
        const size = boxes.reduce((sum, box) => sum + box.width, 0);
        if (boxes.some((box) => box.top > boxes[0].top + 3) && size < 0.8 * element.clientWidth)
          wrong.push(`${word[0]} is broken: ${name(element)}`);
      }
  }

  // In a picture no two texts overlap, none sticks out, and each can be read.
  for (const svg of page.querySelectorAll("svg")) {
    const out = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    for (const [text, box] of texts) {
      if (box.left < out.left - 0.5 || box.right > out.right + 0.5 || box.top < out.top - 0.5 ||
          box.bottom > out.bottom + 0.5)
        wrong.push(`clipped: ${name(text)}`);
      const scale = svg.getScreenCTM().a;
      const size = parseFloat(view.getComputedStyle(text).fontSize) * scale;
      if (size < 8) wrong.push(`${size.toFixed(1)} pixels small: ${name(text)}`);
    }
    for (let i = 0; i < texts.length; i++)
      for (let k = i + 1; k < texts.length; k++) {
        const [, a] = texts[i], [, b] = texts[k];
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
          wrong.push(`overlap: ${name(texts[i][0])} and ${name(texts[k][0])}`);
      }
    // The marks of a plot cross no text.
    for (const path of svg.querySelectorAll("path[stroke-dasharray]")) {
      const here = path.getScreenCTM();
      for (let at = 0, all = path.getTotalLength(); at <= all; at++) {
        const point = path.getPointAtLength(at).matrixTransform(here);
        for (const [text, box] of texts)
          if (point.x > box.left && point.x < box.right && point.y > box.top + 2 && point.y < box.bottom - 2)
            wrong.push(`a line through ${name(text)}`);
      }
    }
    // A text that begins in a box ends in it, and no square of a legend or a panel lies on a text.
    for (const shape of svg.querySelectorAll("rect")) {
      const box = shape.getBoundingClientRect();
      for (const [text, at] of texts) {
        const middle = (at.top + at.bottom) / 2;
        if (middle > box.top && middle < box.bottom && at.left >= box.left - 1 && at.left < box.right && at.right > box.right + 0.5)
          wrong.push(`wider than its box: ${name(text)}`);
      }
    }
    for (const path of svg.querySelectorAll("path.yes,path.no,path.part,path.wrong")) {
      const squares = path.getAttribute("d").match(/M[^M]*/g) || [];
      if (squares.length > 40) continue; // of a panel: its frame is tried below
      const box = path.getBoundingClientRect();
      for (const [text, at] of texts)
        if (squares.length === 1 && Math.min(at.right, box.right) - Math.max(at.left, box.left) > 1 &&
            Math.min(at.bottom, box.bottom) - Math.max(at.top, box.top) > 3)
          wrong.push(`a square on ${name(text)}`);
    }
  }

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
      if (under) return colour(view.getComputedStyle(under).fill);
    }
    for (let at = element; at; at = at.parentElement) {
      const found = colour(view.getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return scheme === "dark" ? [18, 18, 18] : [255, 255, 255];
  };
  for (const element of page.querySelectorAll("h1,h1 span,h2,p,span,pre,code,td,th,summary,svg text")) {
    const style = view.getComputedStyle(element);
    const fore = colour(element.tagName === "text" ? style.fill : style.color), back = behind(element);
    if (ratio(fore, back) < 4.5) wrong.push(`contrast ${ratio(fore, back).toFixed(2)}: ${fore} on ${back}, ${name(element)}`);
  }
  return [...new Set(wrong)];
}

// What axe-core finds in a frame, one line each.
async function ask_axe(frame) {
  if (typeof axe_source === "undefined" || !frame.hasAttribute("data-axe")) return [];
  frame.contentWindow.eval(axe_source);
  const found = await frame.contentWindow.axe.run(frame.contentDocument, {
    iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
  });
  return found.violations.map((rule) => `axe: ${rule.id}: ${rule.help}: ${rule.nodes[0].html.slice(0, 80)}`);
}

addEventListener("load", async () => {
  scheme = matchMedia("(prefers-color-scheme:dark)").matches ? "dark" : "light";
  const lines = [`scheme ${scheme}`];
  for (const frame of document.querySelectorAll("iframe")) {
    const texts = frame.contentDocument.body.textContent.length;
    lines.push(`page ${frame.title} ${texts}`);
    for (const line of [...measure(frame), ...(await ask_axe(frame))]) lines.push(`wrong ${line}`);
  }
  const result = document.createElement("pre");
  result.textContent = `\n${lines.join("\n")}\nend\n`;
  document.body.append(result);
});
let scheme = "light";
