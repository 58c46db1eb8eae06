import type { Archive } from '../archive/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { EXPLICIT_LE, IMPLICIT_LE } from '../dicom/index.ts';
import type { Store } from '../store/types.ts';
import { associate } from '../wire/index.ts';
import { createAddresses, type OwnCertificate } from './address.ts';
import { createPulls } from './pulls.ts';
import { matchesName, STUDY_ROOT, studyIdentifier, studyOf } from './query.ts';
import { reasonCode, reasonText } from './reasons.ts';
import { createSystems } from './systems.ts';
import { tryOut } from './trial.ts';
import { tryWeb } from './webTrial.ts';
import type { Principal } from '../people/types.ts';
import type { Here, Remote, RemoteSystem } from './types.ts';

export type * from './types.ts';
export { isLoopback } from './form.ts';
export { remoteMigrations } from './migrations.ts';
export { reasonCode, reasonText, statusCode } from './reasons.ts';

export interface RemoteDependencies {
  store: Store;
  archive: Archive;
  /** How others reach us, at the time of the question. */
  here: () => Promise<Here>;
  /** Made as it is asked for: most installations show none. */
  ownCertificate: () => Promise<OwnCertificate>;
  now?: () => number;
  log: Log;
  /** ms before a transfer that failed is tried again. */
  pause?: (attempt: number) => number;
}

const ANSWER_MS = 60_000;

/** Other systems. */
export function createRemote({
  store,
  archive,
  here,
  ownCertificate,
  now = Date.now,
  log,
  pause,
}: RemoteDependencies): Remote {
  const { secretsOf, ...systems } = createSystems({ store, now });
  const ownTitle = async () => (await here()).aeTitle;
  const addresses = createAddresses({ secretsOf, ownTitle, ownCertificate, now });
  const pulls = createPulls({ store, archive, systems, address: addresses.address, here, now, log, pause });
  /** Whoever we ask has to be let in to bring what we asked for; one that a person refused stays out. */
  const letIn = async (system: RemoteSystem, by: Principal): Promise<RemoteSystem> => {
    const row = (await archive.ae.list()).find(({ aeTitle }) => aeTitle === system.aeTitle);
    const answers = system.queryFrom || system.commitment;
    if (answers && system.enabled && (!row || row.state === 'knocked'))
      await archive.ae.admit(system.aeTitle, by);
    return system;
  };
  return {
    ...systems,
    ...addresses,
    ...pulls,
    add: async (form, by) => letIn(await systems.add(form, by), by),
    change: async (id, form, by) => letIn(await systems.change(id, form, by), by),
    async tryOut(id) {
      const system = await systems.get(id);
      if (system.kind === 'dicomweb') return tryWeb(system, () => addresses.web(system));
      return tryOut(system, () => addresses.address(system), await here(), await archive.ae.list());
    },
    async explain(error, system) {
      return reasonText(reasonCode(error), system.name);
    },
    async *query(id, form, signal) {
      const system = await systems.get(id);
      if (!system.enabled || !system.queryFrom)
        throw new NegatoscopeError('remote-off', 'This system is switched off, or not there to be asked.', {
          status: 409,
        });
      const association = await associate({
        ...(await addresses.address(system)),
        contexts: [{ abstractSyntax: STUDY_ROOT.find, transferSyntaxes: [EXPLICIT_LE, IMPLICIT_LE] }],
        responseTimeoutMs: ANSWER_MS,
        signal,
      });
      try {
        const query = { sopClassUid: STUDY_ROOT.find, identifier: studyIdentifier(form) };
        for await (const answer of association.find(query, { signal })) {
          const study = studyOf(answer);
          if (!study.studyUid || !matchesName(study.patientName, form.patientName ?? '')) continue;
          yield { ...study, here: (await archive.study(study.studyUid)) !== undefined };
        }
      } finally {
        await association.release().catch(() => association.abort());
      }
    },
  };
}
