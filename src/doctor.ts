import { statfs } from 'node:fs/promises';
import type { Text } from './assist/types.ts';
import type { Rooms } from './rooms.ts';

export interface Finding {
  code: string;
  ok: boolean;
  /** Since when it is so, ms UTC, as far as this process knows. */
  since: number;
  detail?: string;
  text: Text;
}
export interface Doctor {
  /** What does not work now. Cheap: answers from the last look, at most 15 s old. */
  problems(): Promise<{ code: string; since: number; detail?: string }[]>;
  /** Everything looked at, in plain words, with what to do. */
  examine(): Promise<Finding[]>;
}

const GIB = 2 ** 30;
const LOW_DISK = 5 * GIB;

type Look = { code: string; ok: boolean; detail?: string; text: Text };

async function disk(rooms: Rooms): Promise<Look> {
  const { bavail, bsize } = await statfs(rooms.store.dir);
  const free = bavail * bsize;
  const size = (free / GIB).toFixed(0);
  return {
    code: 'disk',
    ok: free > LOW_DISK,
    detail: size,
    text:
      free > LOW_DISK
        ? { fr: `Espace disque : ${size} Gio libres.`, en: `Disk space: ${size} GiB free.` }
        : {
            fr: `Il ne reste que ${size} Gio. Libérez de la place ou changez de disque : les images seront bientôt refusées.`,
            en: `Only ${size} GiB left. Free some space or change the disk: images will soon be refused.`,
          },
  };
}

async function jobs(rooms: Rooms): Promise<Look> {
  const counts = await rooms.store.jobs.counts();
  const failed = Object.entries(counts).filter(([, states]) => (states.failed ?? 0) > 0);
  const names = failed.map(([kind, states]) => `${kind} × ${states.failed}`).join(', ');
  return {
    code: 'jobs',
    ok: failed.length === 0,
    ...(names ? { detail: names } : {}),
    text:
      failed.length === 0
        ? { fr: 'Aucune tâche en échec.', en: 'No task has failed.' }
        : {
            fr: `Des tâches ont échoué (${names}). Le journal du serveur dit pourquoi ; elles ne seront pas reprises seules.`,
            en: `Some tasks failed (${names}). The server's log says why; they are not repeated by themselves.`,
          },
  };
}

async function tools(rooms: Rooms, thorough: boolean): Promise<Look[]> {
  const models = await rooms.assist.models();
  return Promise.all(
    models.map(async ({ manifest, enabled }): Promise<Look> => {
      const { fr, en } = manifest.name;
      if (!enabled)
        return {
          code: `model:${manifest.id}`,
          ok: true,
          text: { fr: `Outil « ${fr} » : désactivé.`, en: `Tool “${en}”: switched off.` },
        };
      const check = thorough ? await rooms.assist.check(manifest.id) : { ok: true };
      return {
        code: `model:${manifest.id}`,
        ok: check.ok,
        text: check.ok
          ? {
              fr: `Outil « ${fr} » ${manifest.version} : ses cas témoins donnent les valeurs attendues.`,
              en: `Tool “${en}” ${manifest.version}: its golden cases give the expected values.`,
            }
          : {
              fr: `Outil « ${fr} » : ses cas témoins diffèrent. Ne vous y fiez pas ; réinstallez le modèle.`,
              en: `Tool “${en}”: its golden cases differ. Do not rely on it; install the model again.`,
            },
      };
    }),
  );
}

async function audit(rooms: Rooms): Promise<Look> {
  const verdict = await rooms.store.events.verify();
  return {
    code: 'audit',
    ok: verdict.ok,
    ...(verdict.ok ? {} : { detail: String(verdict.brokenAt ?? '') }),
    text: verdict.ok
      ? {
          fr: `Journal d’audit intact : ${verdict.events} événements.`,
          en: `Audit log intact: ${verdict.events} events.`,
        }
      : {
          fr: `Le journal d’audit est rompu à l’événement ${verdict.brokenAt}. Gardez ces données telles quelles et demandez de l’aide.`,
          en: `The audit log is broken at event ${verdict.brokenAt}. Keep these data as they are and ask for help.`,
        },
  };
}

async function setAside(rooms: Rooms): Promise<Look> {
  const counts = Object.values(await rooms.archive.quarantine.counts());
  const count = counts.reduce((sum, n) => sum + n, 0);
  return {
    code: 'quarantine',
    ok: true,
    text: count
      ? {
          fr: `${count} image(s) écartée(s) attendent qu’on les regarde.`,
          en: `${count} set-aside image(s) wait for a look.`,
        }
      : { fr: 'Aucune image écartée.', en: 'No image was set aside.' },
  };
}

/** Looks after one installation. `thorough` checks (audit chain, golden cases) run only on demand. */
export function createDoctor(rooms: Rooms): Doctor {
  const since = new Map<string, number>();
  let last: { at: number; looks: Look[] } | undefined;

  async function look(thorough: boolean): Promise<Look[]> {
    const looks = [
      await disk(rooms),
      await jobs(rooms),
      ...(await tools(rooms, thorough)),
      await setAside(rooms),
      ...(thorough ? [await audit(rooms)] : []),
    ];
    for (const each of looks) {
      if (each.ok) since.delete(each.code);
      else if (!since.has(each.code)) since.set(each.code, Date.now());
    }
    return looks;
  }
  const dated = (each: Look): Finding => ({ ...each, since: since.get(each.code) ?? Date.now() });

  return {
    async problems() {
      if (!last || Date.now() - last.at > 15_000) last = { at: Date.now(), looks: await look(false) };
      return last.looks
        .filter((each) => !each.ok)
        .map((each) => ({
          code: each.code.split(':')[0]!,
          since: since.get(each.code) ?? Date.now(),
          ...(each.detail ? { detail: each.detail } : {}),
        }));
    },
    async examine() {
      return (await look(true)).map(dated);
    },
  };
}
