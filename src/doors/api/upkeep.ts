import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Doctor } from '../../doctor.ts';
import type { Principal } from '../../people/types.ts';
import type { Rooms } from '../../rooms.ts';
import type { SealedEvent } from '../../store/types.ts';
import type { AuditRow, SiteStatus } from './contract.ts';
import type { NetworkControl } from './index.ts';
import { queryOf } from './schema.ts';

const AuditQuery = z.object({
  before: z.coerce.number().int().min(1).optional(),
  kind: z.string().max(64).optional(),
  study: z.string().max(64).optional(),
  actor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
/** Events read at a time, of which some may be left out. */
const PAGE = 200;
const CORRECTED = 'archive.patient.corrected';
/** Ids of the corrections that an event tells of. */
const correctionsOf = ({ kind, payload }: SealedEvent): readonly unknown[] =>
  kind === CORRECTED && Array.isArray(payload?.corrections) ? payload.corrections : [];
/** Longer than a group of events waits for its seal. */
const SEALING_MS = 400;

type Title = { Params: { aet: string } };
/** The run of AI whose finding somebody decided on. */
const runDecidedOn = ({ kind, payload }: SealedEvent): string | undefined =>
  kind === 'reading.decided' && typeof payload?.run === 'string' ? payload.run : undefined;

/** What happens in a labelling queue says which studies a tool marked and what others answered: that it happened is enough here. */
const LABELLING = /^evidence\.label/;

/** Senders and knocks, the audit, the state of the house. */
export function registerUpkeep(
  app: FastifyInstance,
  rooms: Rooms,
  deps: { doctor: Doctor; network: NetworkControl; version: string },
): void {
  const { archive, store, people, reading, config } = rooms;
  const admin = { config: { access: ['admin'] as const } };

  app.get(
    '/api/status',
    { config: { access: 'public', whileLocked: true } },
    async (request): Promise<SiteStatus> => {
      const setupNeeded = await people.setupNeeded();
      const status: SiteStatus = {
        setupNeeded,
        version: deps.version,
        languageDefault: ((await store.setting('site.language')) as 'fr' | 'en' | undefined) ?? 'fr',
      };
      if (!request.maybePrincipal || request.session?.locked) return status;
      const [problems, ae, quarantine] = await Promise.all([
        deps.doctor.problems(),
        archive.ae.list(),
        archive.quarantine.counts(),
      ]);
      const place = deps.network.place();
      status.site = {
        aeTitle: config.aet,
        dicomPort: place.dicomPort,
        webUrl: place.webUrl,
        network: place.exposure,
        timeZone: config.timeZone,
        now: Date.now(),
        health: { ok: problems.length === 0, problems },
        knocks: ae.filter((row) => row.state === 'knocked').length,
        quarantined: Object.values(quarantine).reduce((sum, n) => sum + n, 0),
      };
      return status;
    },
  );
  app.get('/health', { config: { access: 'public' }, logLevel: 'silent' }, async () => {
    await store.events.lastSeq(); // the database answers
    return { status: 'ok' };
  });

  app.get<{ Querystring: { before?: string } }>('/api/associations', admin, async ({ query }) => {
    const before = Number(query.before);
    return archive.receipts.list({ limit: 50, ...(before > 0 ? { before } : {}) });
  });
  app.get('/api/knocks', admin, async () => archive.ae.list());
  app.post<Title>('/api/knocks/:aet/admit', admin, async (request) => {
    await archive.ae.admit(request.params.aet, request.principal);
    return archive.ae.list();
  });
  app.post<Title>('/api/knocks/:aet/refuse', admin, async (request) => {
    await archive.ae.refuse(request.params.aet, request.principal);
    return archive.ae.list();
  });

  /**
   * A page of events without decisions on runs that this person may not see yet: that there is something to decide on says
   * what AI found. They stand there after the signature.
   */
  async function eventsFor(principal: Principal, query: z.output<typeof AuditQuery>): Promise<SealedEvent[]> {
    const sight = reading.sightOf(principal);
    const shown: SealedEvent[] = [];
    for (let before = query.before; shown.length < query.limit;) {
      const page = await store.events.page({
        limit: PAGE,
        ...(before ? { before } : {}),
        ...(query.kind ? { kind: query.kind } : {}),
        ...(query.study ? { studyUid: query.study } : {}),
        ...(query.actor ? { actor: query.actor } : {}),
      });
      const runs = page.flatMap((event) => runDecidedOn(event) ?? []);
      const seen = await sight([...new Set(runs)]);
      shown.push(...page.filter((event) => seen.has(runDecidedOn(event) ?? '') || !runDecidedOn(event)));
      if (page.length < PAGE) break;
      before = page.at(-1)!.seq;
    }
    return shown.slice(0, query.limit);
  }

  app.get('/api/audit', admin, async (request): Promise<AuditRow[]> => {
    const query = queryOf(request, AuditQuery);
    // What was done just now is sealed in groups: wait for it a moment, so that the page shows it.
    await Promise.race([store.events.settled(), setTimeout(SEALING_MS)]);
    const events = await eventsFor(request.principal, query);
    const names = new Map((await people.list()).map((person) => [person.id, person.name]));
    const uids = [...new Set(events.flatMap(({ study_uid }) => study_uid ?? []))];
    const studies = new Map((await archive.studies(uids)).map((study) => [study.studyUid, study]));
    const corrections = await archive.corrections(
      events.flatMap(({ kind, study_uid }) => (kind === CORRECTED && study_uid ? [study_uid] : [])),
    );
    return events.map((event) => ({
      seq: event.seq,
      at: event.at,
      kind: event.kind,
      actor: event.actor,
      actorName: event.actor === null ? null : (names.get(event.actor) ?? event.actor),
      studyUid: event.study_uid,
      subject: event.subject,
      payload: LABELLING.test(event.kind) ? null : event.payload,
      study: studies.get(event.study_uid ?? '') ?? null,
      corrections: corrections.filter(({ id }) => correctionsOf(event).includes(id)),
    }));
  });
  app.post('/api/audit/verify', admin, async () => store.events.verify());
  app.get('/api/doctor', admin, async () => deps.doctor.examine());
}
