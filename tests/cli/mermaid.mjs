// Parses every diagram in the fences of a Markdown file with mermaid itself; prints a line for each:
// the names of its participants, and of its messages and notes the texts as they would be drawn.
//
// usage: node mermaid.mjs FILE, in a directory with mermaid in its node_modules
import { readFileSync } from 'node:fs';
import mermaid from 'mermaid';

const text = readFileSync(process.argv[2], 'utf8');
const fences = [...text.matchAll(/^```mermaid\n(.*?)^```$/gms)].map((match) => match[1]);
const plain = (drawn) => String(drawn)
  .replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(code));

for (const fence of fences) {
  await mermaid.parse(fence);
  const diagram = await mermaid.mermaidAPI.getDiagramFromText(fence);
  const actors = [...diagram.db.getActors().values()].map((actor) => plain(actor.description));
  const messages = diagram.db.getMessages().map((message) => plain(message.message ?? ''));
  console.log(JSON.stringify({ type: diagram.type, actors, messages }));
}
