import { join } from 'node:path';
import { SPARED } from './archive/index.ts';
import type { Text } from './assist/types.ts';
import type { UpkeepView } from './doors/api/contract.ts';
import type { Rooms } from './rooms.ts';
import { backupAt, certificateEnds, diskRoom, noteBackup } from './upkeep.ts';

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
  /** The figures behind it, for the status page. */
  upkeep(): Promise<UpkeepView>;
  /** A person says that a backup was made now. */
  noteBackup(): Promise<void>;
}

const GIB = 2 ** 30;
const LOW_DISK = 5 * GIB;
const SOON_DAYS = 14;

type Look = { code: string; ok: boolean; detail?: string; text: Text };

async function disk(rooms: Rooms): Promise<Look> {
  const { free, daysLeft } = await diskRoom(rooms);
  const size = (free / GIB).toFixed(0);
  if (daysLeft !== null && daysLeft < SOON_DAYS && free > LOW_DISK)
    return {
      code: 'disk',
      ok: false,
      detail: size,
      text: {
        fr: `Espace disque : ${size} Gio libres, de quoi tenir ${daysLeft} jours au rythme actuel. Prévoyez de la place.`,
        en: `Disk space: ${size} GiB free, enough for ${daysLeft} days at the present pace. Plan for more.`,
      },
    };
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
            fr: `Des tâches ont échoué (${names}). Le journal du serveur dit pourquoi ; reprenez-les depuis la page État du système.`,
            en: `Some tasks failed (${names}). The server's log says why; repeat them from the page System status.`,
          },
  };
}

async function tools(rooms: Rooms, thorough: boolean): Promise<Look[]> {
  const models = (await rooms.assist.models()).filter(({ foreign }) => !foreign);
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

const CERTIFICATE_DAYS = 21;

async function files(rooms: Rooms): Promise<Look> {
  const { damaged, checked, total, finishedAt } = await rooms.archive.verification.state();
  const part = total > 0 ? Math.floor((100 * Math.min(checked, total)) / total) : 0;
  const last = finishedAt === null ? null : new Date(finishedAt).toISOString().slice(0, 10);
  return {
    code: 'files',
    ok: damaged === 0,
    ...(damaged > 0 ? { detail: String(damaged) } : {}),
    text:
      damaged === 0
        ? {
            fr: `Fichiers : aucun n’est abîmé ; vérification en cours à ${part} %${last ? `, la dernière complète du ${last}` : ''}.`,
            en: `Files: none is damaged; verification is at ${part} %${last ? `, the last whole one ended on ${last}` : ''}.`,
          }
        : {
            fr: `${damaged} fichier(s) abîmé(s) ou disparu(s). Vérifiez le disque et remettez ces fichiers depuis une sauvegarde ; « negatoscope verify --all » les contrôle à nouveau.`,
            en: `${damaged} file(s) damaged or gone. Check the disk and put these files back from a backup; “negatoscope verify --all” looks at them again.`,
          },
  };
}

async function index(rooms: Rooms): Promise<Look[]> {
  const spared = Number((await rooms.store.setting(SPARED)) ?? 0);
  const aside = await rooms.store.blobs.orphans();
  const orphans: Look[] =
    aside === 0
      ? []
      : [
          {
            code: 'orphans',
            ok: true,
            text: {
              fr: `${aside} fichier(s) sans entrée dans la base, laissés par un arrêt brutal ou par une base plus ancienne, gardés 30 jours dans « orphans ». « negatoscope import ${join(rooms.config.dir, 'orphans')} » les reprend.`,
              en: `${aside} file(s) without an entry in the database, left by a crash or by an older database, kept 30 days in “orphans”. “negatoscope import ${join(rooms.config.dir, 'orphans')}” takes them in.`,
            },
          },
        ];
  if (spared === 0) return orphans;
  return [
    ...orphans,
    {
      code: 'index',
      ok: false,
      detail: String(spared),
      text: {
        fr: `${spared} fichier(s) ou plus que la base de données ne connaît pas : elle est peut-être une copie ancienne. Arrêtez le serveur et lancez « negatoscope reindex ».`,
        en: `${spared} file(s) or more that the database does not know: it may be an older copy. Stop the server and run “negatoscope reindex”.`,
      },
    },
  ];
}

async function senders(rooms: Rooms): Promise<Look> {
  const silent = (await rooms.archive.senders.list()).filter((sender) => sender.silent);
  const names = silent.map(({ name }) => name).join(', ');
  return {
    code: 'senders',
    ok: silent.length === 0,
    ...(names ? { detail: names } : {}),
    text: names
      ? {
          fr: `Plus rien depuis longtemps de : ${names}. Vérifiez l’appareil, son réseau et ses réglages d’envoi.`,
          en: `Nothing for long from: ${names}. Check the machine, its network and where it sends.`,
        }
      : { fr: 'Aucun appareil habituel n’est silencieux.', en: 'No regular sender has fallen silent.' },
  };
}

async function certificate(rooms: Rooms): Promise<Look[]> {
  const ends = await certificateEnds(rooms);
  if (ends === null) return [];
  const days = Math.floor((ends - Date.now()) / 86_400_000);
  const day = new Date(ends).toISOString().slice(0, 10);
  const ok = days >= CERTIFICATE_DAYS;
  return [
    {
      code: 'certificate',
      ok,
      ...(ok ? {} : { detail: day }),
      text: ok
        ? { fr: `Certificat valable jusqu’au ${day}.`, en: `Certificate valid until ${day}.` }
        : {
            fr: `Le certificat finit le ${day}. Renouvelez-le, puis redémarrez : après cette date les navigateurs refuseront la page.`,
            en: `The certificate ends on ${day}. Renew it and start again: after that day browsers refuse the page.`,
          },
    },
  ];
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
      await files(rooms),
      ...(await index(rooms)),
      await senders(rooms),
      ...(await certificate(rooms)),
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
    async upkeep() {
      const { archive, store } = rooms;
      return {
        disk: await diskRoom(rooms),
        senders: await archive.senders.list(),
        queues: await store.jobs.queues(),
        verification: await archive.verification.state(),
        damaged: await archive.verification.damaged(),
        certificateEnds: await certificateEnds(rooms),
        backupAt: await backupAt(store),
      };
    },
    noteBackup: () => noteBackup(rooms.store),
  };
}
