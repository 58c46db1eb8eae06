import { crc32 } from './crc32.ts';

/** 0x80…0xFF of code page 850: what Windows in Western Europe writes; its letters up to 0xA5 are those of 437, too. */
const CP850 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0';

/**
 * The name of an entry as text. UTF-8 where it is said (`utf8`: general purpose bit 11; `unicodePath`: the field 0x7075) or
 * where the bytes are UTF-8, which macOS writes without saying so; code page 850 otherwise. Names are labels here: a wrong
 * guess of the code page spoils a letter on a page, nothing else.
 */
export function nameOf(raw: Uint8Array, utf8: boolean, unicodePath?: Uint8Array): string {
  return readable(
    unicodeName(raw, unicodePath) ??
      utf8Text(raw) ??
      (utf8 ? new TextDecoder().decode(raw) : Array.from(raw, cp850).join('')),
  );
}

const cp850 = (byte: number): string => (byte < 0x80 ? String.fromCharCode(byte) : CP850[byte - 0x80]!);

/** Info-ZIP Unicode Path: version 1, CRC of the name it replaces, UTF-8 (APPNOTE 4.6.9). */
function unicodeName(raw: Uint8Array, field: Uint8Array | undefined): string | undefined {
  if (!field || field.length < 5 || field[0] !== 1) return undefined;
  const crc = new DataView(field.buffer, field.byteOffset).getUint32(1, true);
  return crc === crc32(raw) ? utf8Text(field.subarray(5)) : undefined;
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Control characters would reach terminals and pages. */
const readable = (name: string): string => name.replaceAll('\\', '/').replace(/\p{Cc}/gu, '�');
