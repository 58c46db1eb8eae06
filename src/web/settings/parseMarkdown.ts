/**
 * A small, safe reading of Markdown: headings, paragraphs, lists, tables, code, bold, links. It makes a tree of blocks,
 * never HTML: what it does not know stays text.
 */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'bold' | 'emphasis' | 'code'; text: string }
  | { kind: 'link'; text: string; href: string };
export type Block =
  | { kind: 'heading'; level: number; inline: Inline[] }
  | { kind: 'paragraph'; inline: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'code'; text: string }
  | { kind: 'rule' };

const BULLET = /^\s*(?:[-*+]|(\d+)[.)])\s+/;
const DIVIDER = /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;

export function parseMarkdown(text: string): Block[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  const line = () => lines[at] ?? '';
  while (at < lines.length) {
    if (line().trim() === '') {
      at++;
      continue;
    }
    const heading = /^(#{1,6})\s+(.*)$/.exec(line());
    if (heading) {
      blocks.push({ kind: 'heading', level: heading[1]!.length, inline: parseInline(heading[2]!) });
      at++;
    } else if (line().startsWith('```')) {
      const code: string[] = [];
      for (at++; at < lines.length && !line().startsWith('```'); at++) code.push(line());
      at++;
      blocks.push({ kind: 'code', text: code.join('\n') });
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line())) {
      blocks.push({ kind: 'rule' });
      at++;
    } else if (line().includes('|') && DIVIDER.test(lines[at + 1] ?? '')) {
      const head = cells(line());
      const rows: Inline[][][] = [];
      for (at += 2; at < lines.length && line().includes('|'); at++) rows.push(cells(line()));
      blocks.push({ kind: 'table', head, rows });
    } else if (BULLET.test(line())) {
      const ordered = BULLET.exec(line())![1] !== undefined;
      const items: string[] = [];
      for (; at < lines.length && line().trim() !== ''; at++) {
        if (BULLET.test(line())) items.push(line().replace(BULLET, ''));
        else items[items.length - 1] += ` ${line().trim()}`;
      }
      blocks.push({ kind: 'list', ordered, items: items.map(parseInline) });
    } else {
      const words: string[] = [];
      do {
        words.push(line().trim());
        at++;
      } while (
        at < lines.length &&
        line().trim() !== '' &&
        !/^(#{1,6}\s|```)/.test(line()) &&
        !BULLET.test(line())
      );
      blocks.push({ kind: 'paragraph', inline: parseInline(words.join(' ')) });
    }
  }
  return blocks;
}

function cells(row: string): Inline[][] {
  return row
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => parseInline(cell.trim()));
}

const INLINE =
  /`(?<code>[^`]+)`|\*\*(?<bold>[^*]+)\*\*|\*(?<emphasis>[^*\s][^*]*)\*|\[(?<label>[^\]]+)\]\((?<target>[^)\s]+)\)|(?<url>https?:\/\/[^\s<>()]*[^\s<>().,;:!?'"])/g;

export function parseInline(text: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) });
    end = match.index + match[0].length;
    const { code, bold, emphasis, label, target, url } = match.groups!;
    if (code !== undefined) parts.push({ kind: 'code', text: code });
    else if (bold !== undefined) parts.push({ kind: 'bold', text: bold });
    else if (emphasis !== undefined) parts.push({ kind: 'emphasis', text: emphasis });
    else if (url !== undefined) parts.push({ kind: 'link', text: url, href: url });
    // `javascript:` and its like stay text.
    else if (/^https?:\/\//.test(target!)) parts.push({ kind: 'link', text: label!, href: target! });
    else parts.push({ kind: 'text', text: label! });
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) });
  return parts;
}
