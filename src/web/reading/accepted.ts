/** The results text with the lines of accepted findings brought up to date. Pure. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** A line that the reader went on writing: `Image 1: Fracture, not displaced.` of `Image 1: Fracture.` */
const continues = (line: string, begun: string): boolean => {
  const stem = begun.replace(/[.!?]$/, '');
  return line !== begun && line.startsWith(stem) && !/^\p{L}/u.test(line.slice(stem.length));
};

/**
 * `before`, `after`: the lines for accepted findings, then and now. New ones are put behind the text, those that went are
 * taken out where they stand unchanged. What the reader wrote or changed stays; a line that the reader went on writing is not
 * written a second time.
 */
export function withAccepted(text: string, before: string, after: string): string {
  const then = new Set(linesOf(before));
  const now = linesOf(after);
  const gone = new Set([...then].filter((line) => !now.includes(line)));
  const kept = text.split('\n').filter((line) => !gone.has(line.trim()));
  const present = kept.map((line) => line.trim());
  const added = now.filter(
    (line) => !then.has(line) && !present.some((each) => each === line || continues(each, line)),
  );
  if (gone.size === 0 && added.length === 0) return text;
  const head = kept.join('\n').trimEnd();
  return [...(head ? [head] : []), ...added].join('\n');
}

/** Lines in the text that the reader made of lines for findings which are accepted no longer. */
export function leftBehind(text: string, before: string, after: string): string[] {
  const now = linesOf(after);
  const gone = linesOf(before).filter((line) => !now.includes(line));
  return linesOf(text).filter(
    (line) => gone.some((each) => continues(line, each)) && !now.some((each) => continues(line, each)),
  );
}
