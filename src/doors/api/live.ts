import type { FastifyInstance } from 'fastify';
import { isForeignRun } from '../../assist/index.ts';
import type { People } from '../../people/index.ts';
import type { SealedEvent, Store } from '../../store/types.ts';
import { SESSION_COOKIE } from '../auth.ts';
import type { LiveMessage } from './contract.ts';

/**
 * What a person's page is told about an event: that something changed, never what. A decision is told to who made it alone:
 * to others it would say that there was something to decide on.
 */
export function messageOf(event: SealedEvent, personId: string | null): LiveMessage | undefined {
  if (event.kind === 'archive.ae.knocked' || event.kind === 'archive.ae.admitted') return { type: 'knock' };
  if (event.kind.startsWith('archive.quarantin')) return { type: 'quarantine' };
  if (event.kind === 'evidence.stage.changed') return { type: 'stage', modelId: event.subject ?? '' };
  if (event.kind === 'reading.discrepancy') return { type: 'discrepancy' };
  if (event.kind === 'reading.ai-shown') return undefined;
  // A result from elsewhere comes where there is something to say: that it came is not told to everyone.
  if (event.kind.startsWith('assist.') && isForeignRun(event.subject ?? '')) return undefined;
  if (event.kind === 'reading.decided' && event.actor !== personId) return undefined;
  return event.study_uid ? { type: 'study', studyUid: event.study_uid } : undefined;
}

/** GET /api/live: server-sent events. One message a study in 100 ms, however many events; a comment every 20 s. It ends with its session. */
export function registerLive(
  app: FastifyInstance,
  deps: { store: Store; people: People; closing: AbortSignal },
) {
  app.get(
    '/api/live',
    { config: { access: 'person' }, schema: { hide: true } as never },
    async (request, reply) => {
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const send = (message: LiveMessage) => raw.write(`data: ${JSON.stringify(message)}\n\n`);
      send({ type: 'hello', seq: await deps.store.events.lastSeq() });
      const { personId } = request.principal;
      const pending = new Map<string, LiveMessage>();
      let timer: NodeJS.Timeout | undefined;
      const secret = request.cookies[SESSION_COOKIE]!;
      const endWithSession = async () => {
        const session = await deps.people.sessionOf(secret, false).catch(() => undefined);
        if (!session || session.locked) end();
      };
      const stop = deps.store.events.tail((event) => {
        if (event.kind.startsWith('people.')) void endWithSession();
        const message = messageOf(event, personId);
        if (!message) return;
        pending.set(JSON.stringify(message), message);
        timer ??= setTimeout(() => {
          timer = undefined;
          for (const each of pending.values()) send(each);
          pending.clear();
        }, 100);
      });
      const beat = setInterval(() => {
        raw.write(': \n\n');
        void endWithSession();
      }, 20_000);
      const end = () => {
        stop();
        clearInterval(beat);
        clearTimeout(timer);
        deps.closing.removeEventListener('abort', end);
        raw.end();
      };
      request.raw.on('close', end);
      deps.closing.addEventListener('abort', end);
      if (raw.destroyed || deps.closing.aborted) end(); // gone while the greeting was made
    },
  );
}
