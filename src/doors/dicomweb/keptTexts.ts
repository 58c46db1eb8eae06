/**
 * Long answers that are asked for again: the metadata of a series, which each reader of a study and each comparison loads, and
 * which takes ten times as long to put together as to send. Each belongs to a revision and is given for no other.
 */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ENTRY = 8 * 1024 * 1024;

export interface KeptText {
  readonly plain: Buffer;
  /** The same compressed, made once for each coding. */
  encoded(coding: string, make: () => Promise<Buffer>): Promise<Buffer>;
}

interface Entry extends KeptText {
  readonly revision: string;
  bytes: number;
}

export interface KeptTexts {
  get(key: string, revision: string): KeptText | undefined;
  /** Gathers an answer while it is sent. */
  collect(): { add(bytes: Buffer): void; keep(key: string, revision: string): void };
}

export function createKeptTexts({ maxBytes = MAX_BYTES, maxEntry = MAX_ENTRY } = {}): KeptTexts {
  const entries = new Map<string, Entry>(); // the most recently used at the end
  let bytes = 0;

  const drop = (key: string): void => {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  const makeRoom = (): void => {
    for (const key of entries.keys()) {
      if (bytes <= maxBytes) return;
      drop(key);
    }
  };

  const entryOf = (key: string, revision: string, plain: Buffer): Entry => {
    const codings = new Map<string, Promise<Buffer>>();
    const entry: Entry = {
      revision,
      plain,
      bytes: plain.length,
      encoded(coding, make) {
        let made = codings.get(coding);
        if (!made) {
          made = make().then((encoded) => {
            if (entries.get(key) === entry) {
              entry.bytes += encoded.length;
              bytes += encoded.length;
              makeRoom();
            }
            return encoded;
          });
          codings.set(coding, made);
          made.catch(() => codings.delete(coding));
        }
        return made;
      },
    };
    return entry;
  };

  return {
    get(key, revision) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      if (entry.revision !== revision) {
        drop(key);
        return undefined;
      }
      entries.delete(key);
      entries.set(key, entry);
      return entry;
    },

    collect() {
      let parts: Buffer[] = [];
      let size = 0;
      return {
        add(part) {
          size += part.length;
          if (size <= maxEntry) parts.push(part);
          else parts = [];
        },
        keep(key, revision) {
          if (size > maxEntry) return;
          drop(key);
          // Memory of its own, not a part of a larger one.
          const plain = Buffer.allocUnsafeSlow(size);
          let at = 0;
          for (const part of parts) at += part.copy(plain, at);
          entries.set(key, entryOf(key, revision, plain));
          bytes += size;
          makeRoom();
        },
      };
    },
  };
}
