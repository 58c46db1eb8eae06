/** Shows Markdown that `parseMarkdown` understood. Headings begin at level 3: the page has its own. */
import type { ReactNode } from 'react';
import { parseMarkdown } from './parseMarkdown.ts';
import type { Block, Inline } from './parseMarkdown.ts';

export function Markdown({ text }: { text: string }) {
  return parseMarkdown(text).map((block, index) => <Shown key={index} block={block} />);
}

function Shown({ block }: { block: Block }): ReactNode {
  switch (block.kind) {
    case 'heading':
      return block.level <= 2 ? <h3>{inline(block.inline)}</h3> : <h4>{inline(block.inline)}</h4>;
    case 'paragraph':
      return <p>{inline(block.inline)}</p>;
    case 'list': {
      const items = block.items.map((item, index) => <li key={index}>{inline(item)}</li>);
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case 'table':
      return (
        <div tabIndex={0} role="region" aria-label="Table" style={{ overflowX: 'auto' }}>
          <table>
            <thead>
              <tr>
                {block.head.map((cell, index) => (
                  <th key={index}>{inline(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, column) => (
                    <td key={column}>{inline(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case 'code':
      return (
        <pre tabIndex={0}>
          <code className="mono">{block.text}</code>
        </pre>
      );
    case 'rule':
      return <hr />;
  }
}

function inline(parts: readonly Inline[]): ReactNode[] {
  return parts.map((part, index) => {
    switch (part.kind) {
      case 'text':
        return part.text;
      case 'bold':
        return <strong key={index}>{part.text}</strong>;
      case 'emphasis':
        return <em key={index}>{part.text}</em>;
      case 'code':
        return (
          <code key={index} className="mono">
            {part.text}
          </code>
        );
      case 'link':
        return (
          <a key={index} href={part.href} target="_blank" rel="noreferrer noopener">
            {part.text}
          </a>
        );
    }
  });
}
