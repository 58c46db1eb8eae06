import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NegatoscopeError } from '../errors.ts';
import { boundaryOf, multipartWriter, parseContentType, readMultipart } from './multipart.ts';

async function* chunked(bytes: Uint8Array, sizes: readonly number[]) {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[i % sizes.length]!);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(text: string | Uint8Array, boundary: string, sizes: readonly number[] = []) {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const parts: { headers: Record<string, string>; body: string }[] = [];
  for await (const part of readMultipart(chunked(bytes, sizes), boundary)) {
    const pieces: Uint8Array[] = [];
    for await (const piece of part.body) pieces.push(Uint8Array.from(piece));
    parts.push({
      headers: Object.fromEntries(part.headers),
      body: Buffer.concat(pieces).toString('latin1'),
    });
  }
  return parts;
}
const everySplit = [[], [1], [2], [3], [7], [64]];

describe('readMultipart', () => {
  // RFC 2046 5.1.1, the example of the standard.
  const rfc =
    'This is the preamble.  It is to be ignored.\r\n\r\n--simple boundary\r\n\r\n' +
    'This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.\r\n--simple boundary\r\n' +
    'Content-type: text/plain; charset=us-ascii\r\n\r\nThis is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n' +
    '\r\n--simple boundary--\r\n\r\nThis is the epilogue.  It is also to be ignored.\r\n';
  const rfcParts = [
    {
      headers: {},
      body: 'This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.',
    },
    {
      headers: { 'content-type': 'text/plain; charset=us-ascii' },
      body: 'This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n',
    },
  ];

  it('reads the example of RFC 2046, however it is cut', async () => {
    for (const sizes of everySplit) expect(await collect(rfc, 'simple boundary', sizes)).toEqual(rfcParts);
  });

  it('reads LF line ends, padding, folded headers, and a closing delimiter without line end', async () => {
    const text = '--b \t\nA: 1\n  2\nB:3\n\nbody\n--b\n\n--b--';
    for (const sizes of everySplit) {
      expect(await collect(text, 'b', sizes)).toEqual([
        { headers: { a: '1 2', b: '3' }, body: 'body' },
        { headers: {}, body: '' },
      ]);
    }
  });

  it('takes a longer line that begins like the boundary for content', async () => {
    const text = '--b\r\n\r\nx\r\n--bc\r\ny\r\n--b-\r\nz\r\n--b--\r\n';
    for (const sizes of everySplit) {
      expect(await collect(text, 'b', sizes)).toEqual([{ headers: {}, body: 'x\r\n--bc\r\ny\r\n--b-\r\nz' }]);
    }
  });

  it('skips what a caller leaves unread, and ends an old body once the next part is open', async () => {
    const text = '--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--';
    const bodies: AsyncIterable<Uint8Array>[] = [];
    for await (const part of readMultipart(chunked(Buffer.from(text), [2]), 'b')) bodies.push(part.body);
    expect(bodies).toHaveLength(2);
    const late = [];
    for await (const piece of bodies[0]!) late.push(piece);
    expect(late).toEqual([]);
  });

  it('says truncated when the source ends before the closing delimiter', async () => {
    for (const text of [
      '',
      'no boundary here',
      '--b',
      '--b\r\nA: 1',
      '--b\r\n\r\nbody',
      '--b\r\n\r\nbody\r\n--b\r\n',
    ]) {
      await expect(collect(text, 'b')).rejects.toMatchObject({ code: 'multipart-truncated' });
    }
  });

  it('refuses endless headers without holding them', async () => {
    let sent = 0;
    async function* endless() {
      yield Buffer.from('--b\r\n');
      for (;;) {
        sent += 1024;
        yield Buffer.alloc(1024, 'x');
      }
    }
    const parts = readMultipart(endless(), 'b');
    await expect(parts.next()).rejects.toMatchObject({ code: 'multipart-header' });
    expect(sent).toBeLessThan(20 * 1024);
  });

  it('hands out large bodies without copying them', async () => {
    const chunk = Buffer.alloc(65536, 1);
    async function* source() {
      yield Buffer.from('--b\r\n\r\nx');
      yield chunk;
      yield Buffer.from('\r\n--b--');
    }
    for await (const part of readMultipart(source(), 'b')) {
      for await (const piece of part.body) if (piece.length > 1) expect(piece.buffer).toBe(chunk.buffer);
    }
  });

  it('property: what the writer frames comes back, however it is cut', async () => {
    // Bodies made of the pieces that delimiters are made of, so that near misses are common.
    const body = fc
      .array(
        fc.constantFrom(
          '\r',
          '\n',
          '--',
          '-',
          'bound',
          'boundary',
          ' ',
          'x',
          '\0\xff',
          '\r\n--',
          '\r\n--bound',
        ),
        {
          maxLength: 30,
        },
      )
      .map((pieces) => pieces.join(''))
      .filter((text) => !/\n--boundary[ \t]*\r?\n|\n--boundary--|^--boundary|\n--boundary[ \t]*$/.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.array(body, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
        async (bodies, sizes) => {
          const writer = multipartWriter('boundary');
          const pieces = bodies.flatMap((text) => [
            writer.part({ 'Content-Type': 'application/dicom' }),
            Buffer.from(text, 'latin1'),
          ]);
          const parts = await collect(Buffer.concat([...pieces, writer.end()]), 'boundary', sizes);
          expect(parts.map((part) => part.body)).toEqual(bodies);
          expect(parts[0]!.headers).toEqual({ 'content-type': 'application/dicom' });
        },
      ),
      { numRuns: 500 },
    );
  });

  it('property: any bytes end in parts or in the documented errors', async () => {
    const piece = fc.oneof(
      fc
        .constantFrom('--b', '--b--', '\r\n', '\n', 'A: 1', ':', ' ', '\r\n--b\r\n', '\r\n\r\n')
        .map((s) => Buffer.from(s)),
      fc.uint8Array({ maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 }),
        async (pieces, sizes) => {
          try {
            await collect(Buffer.concat(pieces), 'b', sizes);
          } catch (error) {
            expect(error).toBeInstanceOf(NegatoscopeError);
            expect((error as NegatoscopeError).code).toMatch(/^multipart-(truncated|header)$/);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('content types', () => {
  it('reads quoted and plain parameters', () => {
    expect(boundaryOf('multipart/related; type="application/dicom"; boundary="a b;c"')).toBe('a b;c');
    expect(boundaryOf('Multipart/Related;boundary=xyz;type=application/dicom')).toBe('xyz');
    expect(parseContentType('application/dicom; transfer-syntax=*').parameters.get('transfer-syntax')).toBe(
      '*',
    );
    for (const value of [undefined, '', 'application/dicom', 'multipart/related']) {
      expect(() => boundaryOf(value)).toThrow(NegatoscopeError);
    }
  });

  it('never writes a header that breaks out of its line', () => {
    expect(() => multipartWriter().part({ 'Content-Location': 'a\r\nX: 1' })).toThrow(NegatoscopeError);
  });
});
