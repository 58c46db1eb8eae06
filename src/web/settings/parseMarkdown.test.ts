import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInline, parseMarkdown } from './parseMarkdown.ts';

describe('blocks', () => {
  it('reads headings, lists with continued lines, tables and code', () => {
    const text =
      '# A **b**\n\n* one\n  more\n* two\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n\n```\n<b>\n```\n\nEnd.';
    expect(parseMarkdown(text)).toEqual([
      {
        kind: 'heading',
        level: 1,
        inline: [
          { kind: 'text', text: 'A ' },
          { kind: 'bold', text: 'b' },
        ],
      },
      {
        kind: 'list',
        ordered: false,
        items: [[{ kind: 'text', text: 'one more' }], [{ kind: 'text', text: 'two' }]],
      },
      {
        kind: 'table',
        head: [[{ kind: 'text', text: 'x' }], [{ kind: 'text', text: 'y' }]],
        rows: [[[{ kind: 'text', text: '1' }], [{ kind: 'text', text: '2' }]]],
      },
      { kind: 'code', text: '<b>' },
      { kind: 'paragraph', inline: [{ kind: 'text', text: 'End.' }] },
    ]);
  });

  it('reads a real model card', () => {
    const card = readFileSync(new URL('../../../../shared/models/fracture/CARD.md', import.meta.url), 'utf8');
    const kinds = new Set(parseMarkdown(card).map(({ kind }) => kind));
    expect(kinds.has('table') && kinds.has('list') && kinds.has('heading')).toBe(true);
  });

  it('ends, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('#', '* ', '|', '---', '\n', '`', '```', 'a', ' ', '1. ', '[x](y)')),
        (parts) => {
          expect(Array.isArray(parseMarkdown(parts.join('')))).toBe(true);
        },
      ),
    );
  });
});

describe('links', () => {
  it('follows http and https alone', () => {
    expect(parseInline('[a](https://x.org/y)')).toEqual([
      { kind: 'link', text: 'a', href: 'https://x.org/y' },
    ]);
    expect(parseInline('[a](javascript:alert)')).toEqual([{ kind: 'text', text: 'a' }]);
    expect(parseInline('(https://x.org/4.0/)')).toEqual([
      { kind: 'text', text: '(' },
      { kind: 'link', text: 'https://x.org/4.0/', href: 'https://x.org/4.0/' },
      { kind: 'text', text: ')' },
    ]);
  });
  it('leaves HTML as text', () => {
    expect(parseInline('<img src=x onerror=y>')).toEqual([{ kind: 'text', text: '<img src=x onerror=y>' }]);
  });
});
