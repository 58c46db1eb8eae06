/** The results text with the lines of accepted findings brought up to date. Pure. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/**
 * `before`, `after`: the lines for accepted findings, then and now. New ones are put behind the text, those that went are
 * taken out where they stand unchanged. What the reader wrote or changed stays.
 */
export function withAccepted(text: string, before: string, after: string): string {
  const then = new Set(linesOf(before));
  const now = linesOf(after);
  const gone = new Set([...then].filter((line) => !now.includes(line)));
  const kept = text.split('\n').filter((line) => !gone.has(line.trim()));
  const present = new Set(kept.map((line) => line.trim()));
  const added = now.filter((line) => !then.has(line) && !present.has(line));
  if (gone.size === 0 && added.length === 0) return text;
  const head = kept.join('\n').trimEnd();
  return [...(head ? [head] : []), ...added].join('\n');
}
