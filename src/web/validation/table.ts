/** What the page needs of a table of labels before it sends it: the names of its columns. The server reads the rest. */

const FIRST_BYTES = 16 * 1024;

/** Names in the first line; separated by comma, semicolon or tab, in quotes or without. */
export function columnsOf(bytes: Uint8Array): string[] {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const head = new TextDecoder(utf16 ? 'utf-16le' : 'utf-8').decode(bytes.subarray(0, FIRST_BYTES));
  const line = head.split(/\r?\n/).find((each) => each.trim() !== '') ?? '';
  const bare = line.replace(/"[^"]*"/g, '');
  const mark = [',', ';', '\t'].reduce((best, each) =>
    bare.split(each).length > bare.split(best).length ? each : best,
  );
  const fields = [...line.matchAll(new RegExp(`("(?:[^"]|"")*"|[^${mark}]*)(?:${mark}|$)`, 'g'))];
  const names = fields.map((match) => match[1]!.trim().replace(/^"|"$/g, '').replaceAll('""', '"'));
  // The pattern meets the end of the line once more with nothing.
  return names.slice(0, -1).concat(line.endsWith(mark) ? [''] : []);
}

const CHUNK = 0x8000;
export function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}
