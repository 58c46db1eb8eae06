/** Two studies that differ in nothing but their pixels: in one the built-in tool finds a fracture, in the other nothing. */
import { readFileSync } from 'node:fs';
import { radiograph, type Client } from './harness.ts';

export interface Variant {
  studyUid: string;
  seriesUid: string;
  sopUid: string;
}

const FILE = readFileSync(radiograph('DX21_HAND_PA_1494.dcm'));
/** UIDs in the file, and its last element. */
const STUDY = '2.25.1327346027894355081396061008271109058';
const SERIES = '2.25.594737031705289728670517202179520550';
const SOP = '2.25.314904404914807258515829583958393072';
const PIXEL_DATA = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x57, 0, 0]); // (7FE0,0010) OW

/** The file under UIDs of the same length; `empty`: with pixels in which there is nothing to find. */
export function variant(digit: number, empty: boolean): { bytes: Buffer; uids: [string, string, string] } {
  const uids = [STUDY, SERIES, SOP].map((uid) => `${uid.slice(0, -1)}${digit}`) as [string, string, string];
  let text = FILE.toString('latin1');
  [STUDY, SERIES, SOP].forEach((uid, i) => (text = text.replaceAll(uid, uids[i]!)));
  const bytes = Buffer.from(text, 'latin1');
  const start = bytes.lastIndexOf(PIXEL_DATA) + PIXEL_DATA.length + 4;
  // A soft slope: something to stretch the grey levels over, and nothing like bone.
  if (empty) for (let at = start; at + 1 < bytes.length; at += 2) bytes.writeUInt16LE((at >> 9) & 0xfff, at);
  return { bytes, uids };
}

/** Sends both. */
export async function variants(client: Client): Promise<{ positive: Variant; negative: Variant }> {
  const send = async (digit: number, empty: boolean): Promise<Variant> => {
    const { bytes, uids } = variant(digit, empty);
    await client.json('POST', '/api/upload', bytes, { 'x-file-name': 'image.dcm' });
    return { studyUid: uids[0], seriesUid: uids[1], sopUid: uids[2] };
  };
  return { positive: await send(1, false), negative: await send(2, true) };
}
