/** A report as one HTML file that needs nothing else, for the screen and for A4. */
import { type Block, contentOf, type ReportInput } from './content.ts';
import { escaped, svgOf } from './drawing.ts';

const STYLE = `
:root{color-scheme:light;--ink:#16181d;--quiet:#5b6170;--line:#c9cdd6;--soft:#f3f4f7}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:var(--ink);font:15px/1.5 Inter,system-ui,-apple-system,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:820px;margin:0 auto;padding:32px 20px 64px}
header p{margin:0;color:var(--quiet)}
h1{font-size:26px;line-height:1.2;margin:0 0 4px}
h2{font-size:18px;margin:36px 0 10px;padding-top:12px;border-top:1px solid var(--line)}
h3{font-size:14px;margin:20px 0 6px}
p{margin:0 0 10px}
.notice{margin:20px 0 0;padding:12px 14px;border:1px solid #b45309;border-radius:8px;background:#fffaf0}
.warning{padding:10px 14px;border-left:3px solid #b45309;background:#fffaf0}
.short p{font-size:17px}
.small{font-size:13px;color:var(--quiet)}
.scroll{overflow-x:auto;margin:0 0 12px}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;vertical-align:top;padding:6px 10px 6px 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{font-weight:600;color:var(--quiet);overflow-wrap:normal}
dl{display:grid;grid-template-columns:minmax(120px,220px) 1fr;gap:4px 16px;margin:0;font-size:14px}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
svg{display:block;max-width:100%;height:auto;margin:4px 0 12px;font-family:inherit}
.drawing svg{width:min(100%,calc(var(--w)*1.5px))}
ul{margin:0;padding-left:20px}li{margin:0 0 6px}
@media (max-width:560px){dl{grid-template-columns:1fr}dd{margin-bottom:6px}table{min-width:540px}}
@page{size:A4;margin:16mm}
@media print{body{font-size:10pt}main{max-width:none;padding:0}h2{break-after:avoid}tr,svg,.notice{break-inside:avoid}.scroll{overflow:visible}.drawing svg{width:calc(var(--w)*1.1pt)}}
`;

export function reportHtml(input: ReportInput): string {
  const { language, title, subtitle, notice, sections } = contentOf(input);
  const body = sections
    .map(
      ({ title: head, blocks }, i) =>
        `<section${i === 0 ? ' class="short"' : ''}><h2>${escaped(head)}</h2>${blocks.map(blockHtml).join('')}</section>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Negatoscope">
<title>${escaped(`${title} – ${subtitle}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header><h1>${escaped(title)}</h1><p>${escaped(subtitle)}</p></header>
<p class="notice" role="note">${escaped(notice)}</p>
${body}
</main>
</body>
</html>
`;
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escaped(block.text)}</p>`;
    case 'small':
    case 'warning':
      return `<p class="${block.kind}">${escaped(block.text)}</p>`;
    case 'subtitle':
      return `<h3>${escaped(block.text)}</h3>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
    case 'facts':
      return `<dl>${block.rows.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>`;
    case 'drawing':
      return `<div class="drawing" style="--w:${block.drawing.width}">${svgOf(block.drawing, block.alternative)}</div>`;
    case 'table':
      return `<div class="scroll"><table><thead><tr>${block.head.map((name) => `<th scope="col">${escaped(name)}</th>`).join('')}</tr></thead><tbody>${block.rows
        .map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`)
        .join('')}</tbody></table></div>`;
  }
}
